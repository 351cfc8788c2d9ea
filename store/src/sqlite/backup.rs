//! A copy of a database that is in use, and a look into a copy.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::connect;
use super::fault::Place;
use crate::error::StoreError;

/// How long to wait for another program's write lock.
const WAIT: Duration = Duration::from_secs(5);

/// What is in a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The highest migration.
    pub schema: i64,
    /// Tables, and how many rows each has.
    pub rows: Vec<(String, i64)>,
}

/// Takes the lock that a server has on this database, for as long as the value lives.
///
/// # Errors
/// [`StoreError::Locked`] when a server has it, [`StoreError::Unwritable`] when the directory is missing or cannot be
/// written.
pub fn lock(path: &Path) -> Result<File, StoreError> {
    connect::lock(&connect::place(path)?)
}

/// Whether a server has this database, without changing anything.
///
/// # Errors
/// [`StoreError::Unwritable`] when that cannot be seen.
pub fn locked(path: &Path) -> Result<bool, StoreError> {
    connect::locked(&connect::place(path)?)
}

/// Writes everything that is committed now into a new file, while the database is in use: one snapshot, without pages
/// that are free. The file must be empty or absent; making it durable is the caller's.
///
/// # Errors
/// [`StoreError::Unwritable`] when there is no such database, or the copy cannot be written;
/// [`StoreError::Database`] for a damaged one.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let place = connect::place(from)?;
    if !place.path().is_file() {
        return Err(place.unwritable("there is no such file"));
    }
    let connection = connect::writer(&place, WAIT)?;
    let to_place = Place::new(to.to_owned());
    let name = to
        .to_str()
        .ok_or_else(|| to_place.unwritable("the name is not text"))?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map(drop)
        .map_err(|error| to_place.error(error))
}

/// Looks into a copy that nobody has open: every page and every reference is checked, nothing is changed.
///
/// # Errors
/// [`StoreError::Database`] when it is damaged or no database of ours.
pub fn inspect(path: &Path) -> Result<Inspected, StoreError> {
    let connection = still(path).map_err(StoreError::database)?;
    let check: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(StoreError::database)?;
    if check != "ok" {
        return Err(StoreError::database(format!(
            "the file is damaged: {check}"
        )));
    }
    let dangling = connection
        .prepare("PRAGMA foreign_key_check")
        .and_then(|mut pragma| pragma.exists([]));
    if dangling.map_err(StoreError::database)? {
        return Err(StoreError::database(
            "a row refers to one that is not there",
        ));
    }
    read(&connection).map_err(StoreError::database)
}

/// A connection that takes the file as it lies there, without looking for a log or leaving files beside it.
fn still(path: &Path) -> rusqlite::Result<Connection> {
    let mut url = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => url.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(*byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?mode=ro&immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(url, flags)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

fn read(connection: &Connection) -> rusqlite::Result<Inspected> {
    let schema = connection.query_row("SELECT MAX(version) FROM schema_migrations", [], |row| {
        row.get(0)
    })?;
    let names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let count = |name: String| {
        let quoted = name.replace('"', "\"\"");
        let sql = format!("SELECT COUNT(*) FROM \"{quoted}\"");
        connection
            .query_row(&sql, [], |row| row.get(0))
            .map(|rows| (name, rows))
    };
    Ok(Inspected {
        schema,
        rows: names.into_iter().map(count).collect::<Result<_, _>>()?,
    })
}
