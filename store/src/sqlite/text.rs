//! Runs portable text on a SQLite connection.

use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{CachedStatement, Connection, Error, Result, ToSql};

use crate::db::{Row, Value};

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Runs a statement that answers no rows, and says how many it changed.
pub(super) fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<usize> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    statement.raw_execute()
}

/// Runs a `SELECT` to its end.
pub(super) fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut answer = vec![];
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| value(column, row.get_ref(column)?));
        answer.push(Row::new(values.collect::<Result<_>>()?));
    }
    Ok(answer)
}

/// Binds by the number in a parameter's name. SQLite takes `$2` for a mere name and numbers names as it meets them,
/// so a text that mentions `$2` before `$1` would otherwise get its values swapped without a word.
fn bind(statement: &mut CachedStatement<'_>, params: &[Value]) -> Result<()> {
    let count = statement.parameter_count();
    if count != params.len() {
        return Err(Error::InvalidParameterCount(params.len(), count));
    }
    for index in 1..=count {
        let name = statement.parameter_name(index).unwrap_or("?");
        let number = name
            .strip_prefix('$')
            .and_then(|digits| digits.parse::<usize>().ok());
        let Some(value) = number.and_then(|number| params.get(number.checked_sub(1)?)) else {
            return Err(Error::InvalidParameterName(name.to_owned()));
        };
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

fn value(column: usize, value: ValueRef<'_>) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(int) => Value::Int(int),
        ValueRef::Real(_) => {
            return Err(Error::InvalidColumnType(
                column,
                "real".to_owned(),
                Type::Real,
            ));
        }
        ValueRef::Text(text) => Value::Text(
            str::from_utf8(text)
                .map_err(|error| Error::Utf8Error(column, error))?
                .to_owned(),
        ),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    })
}
