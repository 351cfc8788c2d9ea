//! What SQLite's result codes mean for the callers of the store (<https://www.sqlite.org/rescode.html>).

use std::fmt::Display;
use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode, ffi};

use crate::db::Expect;
use crate::error::StoreError;

/// The database file, and the errors that name it.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn unwritable(&self, reason: impl Display) -> StoreError {
        StoreError::Unwritable {
            path: self.0.clone(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn broken(&self, reason: impl Display) -> StoreError {
        StoreError::Broken {
            path: self.0.clone(),
            reason: reason.to_string(),
        }
    }

    /// The error of anything but a piece's own statement.
    pub(super) fn error(&self, error: Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy("another program holds the write lock")
            }
            _ if flush_failed(&error) => self.broken(error),
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => self.unwritable(error),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                StoreError::database(format!("{}: {error}", self.0.display()))
            }
            _ => StoreError::database(error),
        }
    }

    /// The error of one statement of a piece. A uniqueness or reference rule that fails is a lost race and thus a
    /// conflict; a check or a missing value is a programming error.
    pub(super) fn statement_error(&self, error: Error, expect: Expect) -> StoreError {
        let rule = match error.sqlite_extended_error_code() {
            Some(
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID,
            ) => "unique",
            Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => "reference",
            _ => return self.error(error),
        };
        match expect {
            Expect::One(name) => StoreError::Conflict(name),
            Expect::Any => StoreError::Conflict(rule),
        }
    }
}

/// Whether a group may fail for the sake of one of its pieces, so that each deserves a commit of its own: a rule that
/// is only checked at the commit names no culprit, and what is too large for a full disk takes along what is not, the
/// deletions among it that would make room.
pub(super) fn one_may_be_to_blame(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::DiskFull)
    )
}

/// Whether the failure puts the whole group in doubt, and not only the statement that met it. After these codes
/// SQLite advises to roll back the transaction, if it has not done so itself.
pub(super) fn group_wide(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::DatabaseBusy
                | ErrorCode::OperationInterrupted
        )
    )
}

/// Whether space may come back once the write-ahead log has been copied into the database.
pub(super) fn space_may_return(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure)
    )
}

/// Whether a flush failed. The operating system may then forget what it could not write and report the next flush
/// as a success, so this is the end of trust, not a thing to retry.
fn flush_failed(error: &Error) -> bool {
    matches!(
        error.sqlite_extended_error_code(),
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(code: i32) -> StoreError {
        let place = Place::new(PathBuf::from("techpass.db"));
        place.statement_error(
            Error::SqliteFailure(ffi::Error::new(code), None),
            Expect::Any,
        )
    }

    #[test]
    fn a_failed_flush_is_the_end_and_other_failures_are_not() {
        assert!(matches!(
            report(ffi::SQLITE_IOERR_FSYNC),
            StoreError::Broken { .. }
        ));
        assert!(matches!(
            report(ffi::SQLITE_IOERR_DIR_FSYNC),
            StoreError::Broken { .. }
        ));
        assert!(matches!(
            report(ffi::SQLITE_IOERR_WRITE),
            StoreError::Unwritable { .. }
        ));
        assert!(matches!(
            report(ffi::SQLITE_FULL),
            StoreError::Unwritable { .. }
        ));
        assert!(matches!(
            report(ffi::SQLITE_READONLY),
            StoreError::Unwritable { .. }
        ));
        assert!(matches!(
            report(ffi::SQLITE_CORRUPT),
            StoreError::Database(_)
        ));
        assert!(matches!(
            report(ffi::SQLITE_CONSTRAINT_CHECK),
            StoreError::Database(_)
        ));
        assert!(matches!(report(ffi::SQLITE_BUSY), StoreError::Busy(_)));
    }
}
