//! What PostgreSQL's error codes mean for the callers of the store
//! (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).

use std::path::PathBuf;

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use crate::db::Expect;
use crate::error::StoreError;

/// The server, and the errors that name it.
#[derive(Clone)]
pub(super) struct Place(pub(super) String);

/// Why a piece, or the reading of rows, did not succeed, before a commit was asked for: nothing was changed.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// It may succeed when it is tried again: a deadlock, a serialization failure, a lost connection. The error is
    /// for when it does not.
    Passing(StoreError),
    /// Somebody held a row for as long as this try would wait for it.
    Held(StoreError),
    /// It will not.
    Final(StoreError),
}

/// After a failed group.
pub(super) enum Next {
    /// Each piece is tried by itself: another one may be to blame, or it has to wait for a row. What failed in passing
    /// counts as a try.
    Alone(Option<Failure>),
    /// It is so for all of them.
    Answer(StoreError),
}

impl Failure {
    /// The error, however it may pass.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Passing(error) | Self::Held(error) | Self::Final(error) => error,
        }
    }

    /// What a piece that was carried out together with others does next.
    pub(super) fn after_group(self, pieces: usize) -> Next {
        match self {
            Self::Held(_) => Next::Alone(None),
            Self::Passing(_) => Next::Alone(Some(self)),
            Self::Final(StoreError::Conflict(_) | StoreError::Database(_)) if pieces > 1 => {
                Next::Alone(None)
            }
            Self::Final(error) => Next::Answer(error),
        }
    }

    /// Whether the server that was asked is away or is not the primary any more, so that nothing else will come of the
    /// same connection.
    pub(super) fn gone(&self) -> bool {
        matches!(
            self,
            Self::Passing(StoreError::Unreachable { .. } | StoreError::Unwritable { .. })
        )
    }
}

impl Place {
    pub(super) fn unwritable(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unwritable {
            path: PathBuf::from(&self.0),
            reason: reason.into(),
        }
    }

    pub(super) fn unreachable(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unreachable {
            database: self.0.clone(),
            reason: reason.into(),
        }
    }

    /// What an error outside of a piece's own statements means.
    pub(super) fn failure(&self, error: &Error) -> Failure {
        let Some(report) = error.as_db_error() else {
            return if talked(error) {
                Failure::Final(StoreError::database(plain(error)))
            } else {
                Failure::Passing(self.unreachable(plain(error)))
            };
        };
        let code = report.code().code();
        match code {
            "40001" | "40P01" => {
                Failure::Passing(StoreError::Busy("many change the same rows at once"))
            }
            "25006" => Failure::Passing(self.unwritable("the server takes no writes")),
            "55P03" => Failure::Held(StoreError::Busy("a row is locked for too long")),
            "57014" => Failure::Final(StoreError::Busy("the statement was cancelled")),
            "53300" => Failure::Passing(StoreError::Busy("the server has no connection left")),
            "53100" | "53200" => Failure::Final(self.unwritable(said(report))),
            // Sign-in that is refused is a matter of the configuration, not of the moment.
            "28000" | "28P01" | "3D000" => Failure::Final(StoreError::database(said(report))),
            _ if code.starts_with("08") || code.starts_with("57P") => {
                Failure::Passing(self.unreachable(said(report)))
            }
            _ => Failure::Final(StoreError::database(said(report))),
        }
    }

    /// What the error of one statement of a piece means. A uniqueness or reference rule that fails is a lost race and
    /// thus a conflict; a check or a missing value is a programming error.
    pub(super) fn statement_failure(&self, error: &Error, expect: Expect) -> Failure {
        let rule = match code(error) {
            Some("23505") => "unique",
            Some("23503" | "23001") => "reference",
            _ => return self.failure(error),
        };
        Failure::Final(StoreError::Conflict(match expect {
            Expect::One(name) => name,
            Expect::Any => rule,
        }))
    }
}

/// The server's code of an error, if it is the server's.
pub(super) fn code(error: &Error) -> Option<&str> {
    error.as_db_error().map(|report| report.code().code())
}

/// Whether an answer to `COMMIT` leaves it open what became of the piece. Any answer of the server that the
/// transaction failed is an end; silence, a closing server and its own doubt (40003) are not.
pub(super) fn doubtful(error: &Error) -> bool {
    code(error).is_none_or(|code| {
        code == "40003" || code == "57014" || code.starts_with("57P") || code.starts_with("08")
    })
}

/// Whether the connection is still good after an error that the server did not report: our own value did not fit.
fn talked(error: &Error) -> bool {
    use std::error::Error as _;
    !error.is_closed()
        && error
            .source()
            .is_some_and(|source| source.downcast_ref::<std::io::Error>().is_none())
}

/// What the server said, without detail and hint: those quote rows, and values may be secrets.
fn said(report: &DbError) -> String {
    let code = report.code().code();
    if code.starts_with("22") {
        return format!("a value does not fit ({code})");
    }
    format!("{} ({code})", report.message())
}

/// An error of the connection in words, with its cause.
fn plain(error: &Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
