//! Moments and durations, in whole seconds. The domain never asks for the time; it is told.

use serde::{Deserialize, Serialize};

/// A number of seconds.
pub type Seconds = i64;

/// Seconds since 1970-01-01T00:00:00Z, the NumericDate of RFC 7519 §2.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment and `seconds` more; stays at the end of time rather than wrapping.
    #[must_use]
    pub fn plus(self, seconds: Seconds) -> Timestamp {
        Timestamp(self.0.saturating_add(seconds))
    }

    /// Seconds passed since `earlier`; negative when `earlier` lies in the future.
    pub fn since(self, earlier: Timestamp) -> Seconds {
        self.0.saturating_sub(earlier.0)
    }
}
