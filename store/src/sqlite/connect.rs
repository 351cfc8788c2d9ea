//! Opens connections whose settings are proven, and the files beside the database.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value as Setting;
use rusqlite::{Connection, OpenFlags};

use super::fault::Place;
use crate::error::StoreError;
use crate::owner;

/// Prepared statements kept by each connection; more than the product has.
const STATEMENTS_MAX: usize = 256;

/// What must be read back from a connection that writes. Without these an acknowledged fact could be lost by a power
/// cut (<https://www.sqlite.org/pragma.html#pragma_synchronous>) or a reference could dangle.
const REQUIRED: [(&str, &str); 4] = [
    ("journal_mode", "wal"),
    ("synchronous", "2"),
    ("foreign_keys", "1"),
    ("wal_autocheckpoint", "0"),
];

/// The one name of the database file: links resolved, so that two ways to it meet at one lock.
pub(super) fn place(path: &Path) -> Result<Place, StoreError> {
    let unwritable = |error: io::Error| Place::new(path.to_owned()).unwritable(error);
    if let Ok(path) = path.canonicalize() {
        return Ok(Place::new(path));
    }
    let name = path
        .file_name()
        .ok_or_else(|| unwritable(io::ErrorKind::InvalidInput.into()))?;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let directory = directory.canonicalize().map_err(unwritable)?;
    Ok(Place::new(directory.join(name)))
}

/// Takes the server's lock. It is the operating system's, so it ends with the process however that ends.
pub(super) fn lock(place: &Place) -> Result<File, StoreError> {
    let mut name = OsString::from(place.path());
    name.push(".lock");
    let like = match place.path().exists() {
        true => place.path(),
        false => owner::directory(place.path()),
    };
    let file = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(PathBuf::from(name))
        .and_then(|file| owner::hand_over(&file, like).map(|()| file))
        .map_err(|error| place.unwritable(error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(place.path().to_owned())),
        Err(TryLockError::Error(error)) => Err(place.unwritable(error)),
    }
}

/// Whether a server has the lock, without making its file.
pub(super) fn locked(place: &Place) -> Result<bool, StoreError> {
    let mut name = OsString::from(place.path());
    name.push(".lock");
    let file = match File::open(PathBuf::from(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(place.unwritable(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(place.unwritable(error)),
    }
}

/// Opens a connection that writes, creating the database if there is none.
pub(super) fn writer(place: &Place, busy_wait: Duration) -> Result<Connection, StoreError> {
    create(place)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(place.path(), flags).map_err(|error| place.error(error))?;
    configure(&connection, busy_wait).map_err(|error| place.error(error))?;
    verify(&connection)
        .and_then(|()| writable(&connection, place))
        .map(|()| connection)
}

/// Opens a connection that only reads. There must be a writer of this process already.
pub(super) fn reader(place: &Place, busy_wait: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(place.path(), flags)?;
    common(&connection, busy_wait)?;
    Ok(connection)
}

/// Files up to this size are looked through before a server serves from them. It takes a fraction of a second; above that
/// size a start would be held up, and `techpass doctor` looks.
const LOOKED_THROUGH_MAX: u64 = 32 * 1024 * 1024;

/// Refuses a damaged file, whose part that can be read might look like everything there is. SQLite keeps no checksums:
/// what it cannot see is a letter within a text that turned into another.
pub(super) fn whole(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let size = std::fs::metadata(place.path()).map_err(|error| place.unwritable(error))?;
    if size.len() > LOOKED_THROUGH_MAX {
        return Ok(());
    }
    let check = connection.query_row("PRAGMA integrity_check(1)", [], |row| {
        row.get::<_, String>(0)
    });
    match check.map_err(|error| place.error(error))?.as_str() {
        "ok" => Ok(()),
        found => Err(StoreError::database(format!(
            "{}: the file is damaged ({}); put a backup back with techpass restore",
            place.path().display(),
            found.replace('\n', " ")
        ))),
    }
}

// SQLite would create the file readable for everybody; the files beside it take its permissions over. Only an
// exclusive creation is safe here: closing another descriptor of an open database would drop SQLite's locks on it. The
// files beside it take its owner over, too.
fn create(place: &Place) -> Result<(), StoreError> {
    let made = private(OpenOptions::new().write(true).create_new(true)).open(place.path());
    match made.and_then(|file| owner::hand_over(&file, owner::directory(place.path()))) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(place.unwritable(error)),
        _ => Ok(()),
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn common(connection: &Connection, busy_wait: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(busy_wait)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // "text" in double quotes is a name in portable SQL and never a string.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Without this a statement is planned anew whenever its values differ from the last ones.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn configure(connection: &Connection, busy_wait: Duration) -> rusqlite::Result<()> {
    common(connection, busy_wait)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where the operating system's flush stops at the drive's own cache, ask for the one that does not.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)
}

fn verify(connection: &Connection) -> Result<(), StoreError> {
    for (setting, required) in REQUIRED {
        let value = connection
            .pragma_query_value(None, setting, |row| row.get::<_, Setting>(0))
            .map_err(StoreError::database)?;
        let value = match value {
            Setting::Integer(int) => int.to_string(),
            Setting::Text(text) => text,
            other => format!("{other:?}"),
        };
        if value != required {
            return Err(StoreError::UnsafeSetting { setting, value });
        }
    }
    Ok(())
}

// A file without write permission opens all the same, for reading.
fn writable(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    match connection.is_readonly("main") {
        Ok(false) => Ok(()),
        Ok(true) => Err(place.unwritable(io::Error::from(io::ErrorKind::ReadOnlyFilesystem))),
        Err(error) => Err(place.error(error)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_required_setting_is_read_back() {
        for (setting, unsafe_value) in [
            ("journal_mode", "DELETE"),
            ("synchronous", "NORMAL"),
            ("foreign_keys", "OFF"),
            ("wal_autocheckpoint", "9"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let place = place(&directory.path().join("a.db")).unwrap();
            let connection = writer(&place, Duration::ZERO).unwrap();
            connection
                .pragma_update(None, setting, unsafe_value)
                .unwrap();
            let refused = verify(&connection).unwrap_err();
            assert!(refused.to_string().contains(setting), "{refused}");
            assert!(matches!(refused, StoreError::UnsafeSetting { .. }));
        }
    }

    #[test]
    fn what_the_superuser_makes_belongs_to_whoever_has_the_directory() {
        use std::os::unix::fs::{MetadataExt, chown};
        let directory = tempfile::tempdir().unwrap();
        if directory.path().metadata().unwrap().uid() != 0 {
            println!("skipped: only the superuser can give files away");
            return;
        }
        chown(directory.path(), Some(4321), Some(1234)).unwrap();
        let place = place(&directory.path().join("a.db")).unwrap();
        let _lock = lock(&place).unwrap();
        let connection = writer(&place, Duration::ZERO).unwrap();
        connection.execute_batch("CREATE TABLE a (b)").unwrap();
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let entry = entry.unwrap();
            let found = entry.metadata().unwrap();
            assert_eq!((found.uid(), found.gid()), (4321, 1234), "{entry:?}");
        }
    }
}
