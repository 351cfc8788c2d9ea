//! The only place that asks for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use techpass_domain::time::{Seconds, Timestamp};

/// The time, and a hand to move it: a demonstration and tests set it forward.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_s: Arc<AtomicI64>,
    stopped_at: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// A clock that stands still until it is moved.
    pub fn stopped(at: Timestamp) -> Clock {
        Clock {
            offset_s: Arc::default(),
            stopped_at: Some(Arc::new(AtomicI64::new(at.0))),
        }
    }

    /// Now.
    #[allow(clippy::disallowed_methods)] // Here it is handed out.
    pub fn now(&self) -> Timestamp {
        let base = match &self.stopped_at {
            Some(at) => at.load(Ordering::SeqCst),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
                }),
        };
        Timestamp(base).plus(self.offset_s.load(Ordering::SeqCst))
    }

    /// Moves the clock forward by so many seconds, or back.
    pub fn advance(&self, seconds: Seconds) {
        self.offset_s.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// How far the system's clock is into its second, in microseconds. It only puts what happens within one second into order;
/// nothing is decided by it.
#[allow(clippy::disallowed_methods)] // Here it is handed out.
pub fn within_second() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.subsec_micros())
}

/// A moment as people and programs both read it: `2026-01-31T12:00:00Z` (RFC 3339).
pub fn utc(at: Timestamp) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(at.0);
    let text = moment.ok().and_then(|moment| {
        let format = time::format_description::well_known::Rfc3339;
        moment.format(&format).ok()
    });
    text.unwrap_or_else(|| at.0.to_string())
}
