//! For how long the database has been away. Whoever asks at first is worth waiting for; once everybody has waited in
//! vain for a while, one try is enough to say so, and people hear at once that they are to come again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::fault::Failure;
use crate::error::StoreError;

/// When the database was first missed, while it is.
pub(super) struct Away {
    since: Mutex<Option<Instant>>,
    wait: Duration,
}

impl Away {
    /// `wait` is how long a caller is kept waiting.
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            since: Mutex::new(None),
            wait,
        }
    }

    /// What came of a try.
    pub(super) fn note<T>(&self, outcome: &Result<T, Failure>) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(failure) if failure.gone() => {
                since.get_or_insert_with(Instant::now);
            }
            // Says nothing about where the database is.
            Err(
                Failure::Held(_) | Failure::Final(StoreError::Busy(_) | StoreError::Unknown(_)),
            ) => {}
            _ => *since = None,
        }
    }

    /// Whether it has been away for longer than anybody is kept waiting.
    pub(super) fn known(&self) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() >= self.wait)
    }
}
