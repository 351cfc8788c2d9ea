//! A whole instance in one file, to move it to another database: a first line that says so, a line of JSON for each row,
//! and a last line with counts and a digest.

use crate::admin::AdminError;
use crate::app::Error;
use crate::config::Config;
use crate::files;
use crate::seal::{hex, sha256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Write as _};
use std::path::Path;
use techpass_store::db::Value;
use techpass_store::transfer::{Table, is_mark, tables};
use techpass_store::{Open, Store, schema_known};

/// The words that the first line of such a file begins with; the schema's number follows.
pub const FIRST: &str = "techpass-data 1 schema ";
/// Rows written at once.
const BITE: usize = 200;

/// How many rows each table has, and a digest over all of them, whatever their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rows, by table.
    pub rows: BTreeMap<String, u64>,
    digest: [u8; 32],
}

impl Sum {
    fn count(&mut self, table: &str, line: &str) {
        *self.rows.entry(table.to_owned()).or_default() += 1;
        let of_row = sha256(line.as_bytes());
        let both = self.digest.iter_mut().zip(of_row);
        both.for_each(|(sum, byte)| *sum ^= byte);
    }

    /// The digest, hexadecimal.
    pub fn digest(&self) -> String {
        hex(&self.digest)
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.rows.values().sum()
    }

    fn line(&self) -> String {
        json!({ "rows": self.rows, "digest": self.digest() }).to_string()
    }
}

fn refused<T>(text: impl Into<String>) -> Result<T, AdminError> {
    Err(AdminError::Refused(text.into()))
}

fn failed(path: &Path, error: &std::io::Error) -> AdminError {
    AdminError::Failure(Error::System(format!("{}: {error}", path.display())))
}

/// Opens the database alone: a server that runs on an embedded one is refused.
async fn open(config: &Config) -> Result<Store, AdminError> {
    let open = Open {
        migrate: true,
        ..config.database.opening(true).map_err(Error::from)?
    };
    Ok(Store::open(&config.database.url, open).await?)
}

fn line(table: &Table, row: &[Value]) -> String {
    let columns: Vec<Json> = row
        .iter()
        .map(|value| match value {
            Value::Null => Json::Null,
            Value::Int(int) => json!(int),
            Value::Text(text) => json!(text),
            Value::Bytes(bytes) => json!({ "bytes": STANDARD.encode(bytes) }),
        })
        .collect();
    json!({ "table": table.name, "row": columns }).to_string()
}

fn parsed(line: &str) -> Option<(&'static Table, Vec<Value>)> {
    let json: Json = serde_json::from_str(line).ok()?;
    let name = json.get("table")?.as_str()?;
    let table = tables().iter().find(|table| table.name == name)?;
    let columns = json.get("row")?.as_array()?;
    let row: Option<Vec<Value>> = columns.iter().map(value).collect();
    row.filter(|row| row.len() == table.columns.len())
        .map(|row| (table, row))
}

fn value(json: &Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Null),
        Json::Number(number) => number.as_i64().map(Value::Int),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Object(object) => {
            let bytes = STANDARD.decode(object.get("bytes")?.as_str()?).ok()?;
            Some(Value::Bytes(bytes))
        }
        Json::Bool(_) | Json::Array(_) => None,
    }
}

/// Goes through every row of a database.
async fn each(
    store: &Store,
    mut take: impl FnMut(&str) -> Result<(), AdminError>,
) -> Result<Sum, AdminError> {
    let mut sum = Sum::default();
    for table in tables() {
        let mut last: Option<Vec<Value>> = None;
        loop {
            let rows = store.rows(table, last.as_deref()).await?;
            for row in rows.iter().filter(|row| !is_mark(table, row)) {
                let line = line(table, row);
                sum.count(table.name, &line);
                take(&line)?;
            }
            match rows.into_iter().last() {
                Some(row) => last = Some(row),
                None => break,
            }
        }
    }
    Ok(sum)
}

/// Writes everything that the database holds into a new file. No server may be at work meanwhile.
pub async fn export(config: &Config, to: &Path) -> Result<Sum, AdminError> {
    let store = open(config).await?;
    whole_database(&store).await?;
    let file = files::create_private(to).map_err(|error| failed(to, &error))?;
    let mut file = BufWriter::new(file);
    let mut put = |line: &str| writeln!(file, "{line}").map_err(|error| failed(to, &error));
    put(&format!("{FIRST}{}", schema_known()))?;
    let sum = each(&store, &mut put).await?;
    put(&sum.line())?;
    let synced = file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)
        .and_then(|file| file.sync_all());
    synced.map_err(|error| failed(to, &error))?;
    store.close().await?;
    Ok(sum)
}

/// Refuses a database that an import filled half.
///
/// # Errors
/// [`Error::System`], with what to do.
pub async fn whole_database(store: &Store) -> Result<(), Error> {
    match store.half_imported().await? {
        false => Ok(()),
        true => Err(Error::System(
            "an import into this database did not end; run techpass import with the same file again, or throw the \
             database away"
                .to_owned(),
        )),
    }
}

/// Whether a file is one of these.
pub fn is_one(path: &Path) -> bool {
    let mut first = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| BufReader::new(file).read_line(&mut first));
    read.is_ok() && first.starts_with(FIRST)
}

/// Fills an empty database from such a file, and reads it all back. One that an import left half filled begins anew. Until
/// the end a mark in the database keeps every server and command from taking it for the whole.
pub async fn import(config: &Config, from: &Path) -> Result<Sum, AdminError> {
    let promised = whole(from)?;
    let store = open(config).await?;
    let again = store.half_imported().await?;
    for table in tables() {
        if !again && store.row_count(table).await? > 0 {
            return refused(format!(
                "the database is not empty: {} has rows; name a new one in database.url",
                table.name
            ));
        }
    }
    store.begin_import().await?;
    put(&store, from).await?;
    let found = each(&store, |_| Ok(())).await?;
    if found != promised {
        return refused(
            "what was written is not what the file holds; throw the database away and try again",
        );
    }
    store.end_import().await?;
    store.close().await?;
    Ok(found)
}

async fn put(store: &Store, from: &Path) -> Result<(), AdminError> {
    let mut waiting: Option<(&'static Table, Vec<Vec<Value>>)> = None;
    for line in lines(from)? {
        let line = line.map_err(|error| failed(from, &error))?;
        let Some((table, row)) = parsed(&line) else {
            continue;
        };
        match &mut waiting {
            Some((same, rows)) if same.name == table.name && rows.len() < BITE => rows.push(row),
            _ => {
                if let Some((table, rows)) = waiting.replace((table, vec![row])) {
                    store.put_rows(table, rows).await?;
                }
            }
        }
    }
    if let Some((table, rows)) = waiting {
        store.put_rows(table, rows).await?;
    }
    Ok(())
}

type Lines = std::iter::Skip<std::io::Lines<BufReader<std::fs::File>>>;

fn lines(from: &Path) -> Result<Lines, AdminError> {
    let file = std::fs::File::open(from).map_err(|error| failed(from, &error))?;
    Ok(BufReader::new(file).lines().skip(1))
}

/// Reads the file through once, before anything is written, and compares it with its last line.
fn whole(from: &Path) -> Result<Sum, AdminError> {
    let mut first = String::new();
    let file = std::fs::File::open(from).map_err(|error| failed(from, &error))?;
    let read = BufReader::new(file).read_line(&mut first);
    read.map_err(|error| failed(from, &error))?;
    if first.trim_end() != format!("{FIRST}{}", schema_known()) {
        return refused(format!(
            "{} is of another schema; export it with the program of this version",
            from.display()
        ));
    }
    let (mut sum, mut end) = (Sum::default(), None);
    for line in lines(from)? {
        let line = line.map_err(|error| failed(from, &error))?;
        match parsed(&line) {
            Some((table, row)) => sum.count(table.name, &self::line(table, &row)),
            None => end = Some(line),
        }
    }
    if end.as_deref() != Some(sum.line().as_str()) {
        return refused(format!(
            "{} is damaged or cut short: its rows are not those its last line promises",
            from.display()
        ));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests;
