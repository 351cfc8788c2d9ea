//! Portable text and values on a PostgreSQL connection.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::db::{Row, Value};
use crate::error::StoreError;

type Failed = Box<dyn Error + Sync + Send>;

/// The type a parameter is announced with. Null leaves it to the server to conclude.
pub(super) fn kind(value: &Value) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
    }
}

/// The kinds of parameters as one number, two bits each: with the text it names a prepared statement.
pub(super) fn signature(params: &[Value]) -> u128 {
    params.iter().fold(0, |signature, value| {
        let kind = match value {
            Value::Null => 0,
            Value::Int(_) => 1,
            Value::Text(_) => 2,
            Value::Bytes(_) => 3,
        };
        (signature << 2) | kind
    })
}

/// The most parameters of one statement; a [`signature`] has no room for more.
const PARAMS_MAX: usize = 64;

/// Refuses a text that mentions another number of parameters than it is given. The server would let an unused one
/// pass.
pub(super) fn counted(sql: &str, params: &[Value]) -> Result<(), StoreError> {
    let mentioned = sql
        .split('$')
        .skip(1)
        .filter_map(|after| {
            let end = after.find(|letter: char| !letter.is_ascii_digit());
            after.get(..end.unwrap_or(after.len()))?.parse().ok()
        })
        .max()
        .unwrap_or(0);
    if mentioned == params.len() && mentioned <= PARAMS_MAX {
        return Ok(());
    }
    Err(StoreError::database(format!(
        "a statement mentions {mentioned} parameters and was given {} (at most {PARAMS_MAX})",
        params.len()
    )))
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) => match *ty {
                Type::INT8 => int.to_sql(ty, out),
                Type::INT4 => i32::try_from(*int)?.to_sql(ty, out),
                _ => Err("an integer is not expected there".into()),
            },
            Self::Text(text) => match *ty {
                Type::TEXT | Type::VARCHAR => text.to_sql(ty, out),
                _ => Err("text is not expected there".into()),
            },
            Self::Bytes(bytes) => match *ty {
                Type::BYTEA => bytes.to_sql(ty, out),
                _ => Err("bytes are not expected there".into()),
            },
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A column as it comes back.
struct Column(Value);

impl<'a> FromSql<'a> for Column {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Bytes(Vec::from_sql(ty, raw)?),
            _ => Value::Text(String::from_sql(ty, raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failed> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8
                | Type::INT4
                | Type::BYTEA
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
                | Type::UNKNOWN
        )
    }
}

/// A row of the product from one of the server.
pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let columns = (0..row.len()).map(|at| {
        row.try_get::<_, Column>(at)
            .map(|Column(value)| value)
            .map_err(|_| StoreError::database(format!("column {at} is of a kind nobody reads")))
    });
    columns.collect::<Result<_, _>>().map(Row::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_parameters_must_agree() {
        let one = [Value::from(1)];
        assert!(counted("SELECT $1, $1", &one).is_ok());
        assert!(counted("SELECT 1", &[]).is_ok());
        assert!(counted("SELECT $2", &one).is_err());
        assert!(counted("SELECT 1", &one).is_err());
    }

    #[test]
    fn kinds_tell_statements_apart() {
        let of = |values: &[Value]| signature(values);
        assert_ne!(of(&[1.into(), "a".into()]), of(&["a".into(), 1.into()]));
        assert_ne!(of(&[Value::Null]), of(&["a".into()]));
        assert_eq!(of(&["a".into()]), of(&["b".into()]));
    }
}
