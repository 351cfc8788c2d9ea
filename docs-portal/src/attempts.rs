//! Log-ins that have begun and not finished.
//!
//! An attempt belongs to the browser that began it, through a cookie of which only a hash is kept,
//! and is found by the `state` of its authorization request. Several tabs may each have one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypto::{self, Hash};

/// How long an attempt may take, in seconds.
pub(crate) const ATTEMPT_LIFETIME_S: i64 = 30 * 60;
/// Attempts one browser may have open; the oldest gives way.
const PER_BROWSER_MAX: usize = 10;
/// Browsers with open attempts; the one that has waited longest gives way.
const BROWSERS_MAX: usize = 20_000;

/// What must be remembered between the authorization request and its answer.
pub(crate) struct Attempt {
    /// The request's `state`.
    pub(crate) state: String,
    /// The request's `nonce`, expected in the ID token.
    pub(crate) nonce: String,
    /// The PKCE verifier (RFC 7636 §4.1).
    pub(crate) verifier: String,
    /// Where the person goes on to.
    pub(crate) next: String,
    /// When it began, Unix seconds.
    pub(crate) created_at: i64,
}

impl Attempt {
    fn is_open(&self, now: i64) -> bool {
        (self.created_at..self.created_at.saturating_add(ATTEMPT_LIFETIME_S)).contains(&now)
    }
}

/// All open attempts.
#[derive(Default)]
pub(crate) struct Attempts {
    by_browser: Mutex<HashMap<Hash, VecDeque<Attempt>>>,
}

impl Attempts {
    /// True when this browser has an attempt open, so that its cookie is worth keeping.
    pub(crate) fn knows(&self, browser: &str, now: i64) -> bool {
        self.lock()
            .get(&crypto::sha256(browser))
            .is_some_and(|attempts| attempts.iter().any(|attempt| attempt.is_open(now)))
    }

    /// Remembers an attempt.
    pub(crate) fn add(&self, browser: &str, attempt: Attempt) {
        let now = attempt.created_at;
        let browser = crypto::sha256(browser);
        let mut all = self.lock();
        if !all.contains_key(&browser) && all.len() >= BROWSERS_MAX {
            make_room(&mut all, now);
        }
        let own = all.entry(browser).or_default();
        own.retain(|attempt| attempt.is_open(now));
        while own.len() >= PER_BROWSER_MAX {
            own.pop_front();
        }
        own.push_back(attempt);
    }

    /// Takes the attempt with this `state` out: a second answer finds nothing.
    pub(crate) fn take(&self, browser: &str, state: &str, now: i64) -> Option<Attempt> {
        let browser = crypto::sha256(browser);
        let mut all = self.lock();
        let own = all.get_mut(&browser)?;
        let place = own
            .iter()
            .position(|attempt| crypto::same(&attempt.state, state))?;
        let attempt = own.remove(place)?;
        if own.is_empty() {
            all.remove(&browser);
        }
        attempt.is_open(now).then_some(attempt)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, VecDeque<Attempt>>> {
        self.by_browser
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(all: &mut HashMap<Hash, VecDeque<Attempt>>, now: i64) {
    all.retain(|_, attempts| attempts.iter().any(|attempt| attempt.is_open(now)));
    if all.len() < BROWSERS_MAX {
        return;
    }
    let oldest = all
        .iter()
        .min_by_key(|(_, attempts)| attempts.back().map_or(0, |attempt| attempt.created_at))
        .map(|(browser, _)| *browser);
    if let Some(browser) = oldest {
        all.remove(&browser);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(state: &str, created_at: i64) -> Attempt {
        Attempt {
            state: state.to_owned(),
            nonce: String::new(),
            verifier: String::new(),
            next: "/".to_owned(),
            created_at,
        }
    }

    #[test]
    fn an_attempt_is_for_one_browser_and_one_use() {
        let attempts = Attempts::default();
        attempts.add("browser", attempt("s1", 0));
        assert!(attempts.take("other", "s1", 1).is_none());
        assert!(attempts.take("browser", "s2", 1).is_none());
        assert!(attempts.take("browser", "s1", 1).is_some());
        assert!(attempts.take("browser", "s1", 1).is_none());
    }

    #[test]
    fn an_attempt_ends_after_its_lifetime() {
        let attempts = Attempts::default();
        attempts.add("browser", attempt("s1", 0));
        assert!(attempts.knows("browser", ATTEMPT_LIFETIME_S - 1));
        assert!(!attempts.knows("browser", ATTEMPT_LIFETIME_S));
        assert!(attempts.take("browser", "s1", ATTEMPT_LIFETIME_S).is_none());
    }

    #[test]
    fn the_eleventh_tab_replaces_the_first() {
        let attempts = Attempts::default();
        for tab in 0..=PER_BROWSER_MAX {
            attempts.add("browser", attempt(&format!("s{tab}"), 0));
        }
        assert!(attempts.take("browser", "s0", 1).is_none());
        assert!(attempts.take("browser", "s1", 1).is_some());
        assert!(
            attempts
                .take("browser", &format!("s{PER_BROWSER_MAX}"), 1)
                .is_some()
        );
    }

    #[test]
    fn the_store_is_bounded() {
        let attempts = Attempts::default();
        for browser in 0..BROWSERS_MAX {
            attempts.add(&browser.to_string(), attempt("s", i64::from(browser > 0)));
        }
        attempts.add("one more", attempt("s", 2));
        assert_eq!(attempts.lock().len(), BROWSERS_MAX);
        assert!(!attempts.knows("0", 2));
        assert!(attempts.knows("1", 2));
    }
}
