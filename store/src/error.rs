//! What can go wrong in the store, as its callers need to tell it apart.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// An error of the store. It carries no parameter of any statement, so it can be logged.
///
/// [`Conflict`](StoreError::Conflict) is an answer, not a failure: somebody else was first. [`Busy`](StoreError::Busy),
/// [`Unwritable`](StoreError::Unwritable) and [`Unreachable`](StoreError::Unreachable) pass by themselves or with an
/// operator's help, and nothing was changed.
/// The type is `Clone` because one failed commit is reported to everyone who shared it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// An expectation did not hold: the statement of this name affected no row or several, or a uniqueness or
    /// reference rule forbade it. The whole piece is rolled back. Without a name of its own the statement is
    /// reported as `unique` or `reference`.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// The store cannot take the work now; the reason says why. Nothing was changed. Try again later.
    #[error("the database is busy: {0}")]
    Busy(&'static str),
    /// Another server has this database file open.
    #[error(
        "the database {} is in use by another server; stop that server first, or give this one a data directory of \
         its own",
        .0.display()
    )]
    Locked(PathBuf),
    /// The database cannot be written: its directory is missing or read-only, or the disk is full. Nothing was
    /// changed by the refused piece. Writing goes on by itself once the cause is gone.
    #[error("the database {} cannot be written: {reason}", .path.display())]
    Unwritable {
        /// The database file.
        path: PathBuf,
        /// What the operating system or the database said.
        reason: String,
    },
    /// The disk refused to make a commit durable. What reached it is unknown until the file is opened again, so
    /// nothing more is acknowledged: the process must end and be started anew.
    #[error("the database {} can no longer be trusted to be durable, restart to recover: {reason}", .path.display())]
    Broken {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// The database server cannot be reached, or ended the connection. Nothing was changed. It passes when the server
    /// is back.
    #[error("the database {database} cannot be reached: {reason}")]
    Unreachable {
        /// Where the server should be, without user and password.
        database: String,
        /// What the connection or the server said.
        reason: String,
    },
    /// The commit was asked for and its outcome could not be learned in time: the change may have been made, or may
    /// yet be. Whoever asked looks again.
    #[error("whether the change was made is not known: {0}")]
    Unknown(&'static str),
    /// A text holds a NUL character, which not every database can keep. Nothing was changed.
    #[error("a text with a NUL character can be neither stored nor looked for")]
    Nul,
    /// A setting that durability or integrity depends on could not be made.
    #[error("the database refuses a safe setting: {setting} is {value}")]
    UnsafeSetting {
        /// The name of the setting.
        setting: &'static str,
        /// The value it has instead.
        value: String,
    },
    /// The schema was written by a newer program.
    #[error(
        "the database has schema {schema}, this program knows {known}: install the newer program"
    )]
    Newer {
        /// The highest migration found in the database.
        schema: i64,
        /// The highest migration this program knows.
        known: i64,
    },
    /// The schema is older than this program and migrating it was not asked for.
    #[error(
        "the database has schema {schema}, this program needs {known}: run `techpass migrate --config FILE` first"
    )]
    Older {
        /// The highest migration found in the database, 0 for an empty one.
        schema: i64,
        /// The highest migration this program knows.
        known: i64,
    },
    /// Anything else the database reports: a programming error, a damaged file.
    #[error("database error")]
    Database(#[source] Arc<dyn Error + Send + Sync>),
    /// The store is closed. If it closed while the piece was under way, whether the piece took effect is unknown.
    #[error("the database is closed")]
    Closed,
}

impl StoreError {
    /// A [`StoreError::Database`] from any error or text.
    pub fn database(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Database(Arc::from(source.into()))
    }
}
