//! Who is signed in at the portal. In memory: a restart logs everybody out of the portal, and the
//! provider's session makes the next log-in short.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Secret;
use crate::crypto::{self, Hash};

/// Sessions the portal keeps; the one nearest its end gives way.
const SESSIONS_MAX: usize = 100_000;

/// A person as the provider described them.
pub(crate) struct Person {
    /// The provider's identifier of the account (`sub`).
    pub(crate) sub: String,
    /// The provider's identifier of its session (`sid`), when it gave one.
    pub(crate) sid: Option<String>,
    /// The name to show.
    pub(crate) name: String,
    /// The organisation to show after the name.
    pub(crate) organisation: Option<String>,
    /// The e-mail address to show.
    pub(crate) email: Option<String>,
    /// The ID token, kept for the log-out's `id_token_hint`.
    pub(crate) id_token: Secret,
}

impl Person {
    /// `NAME (ORGANISATION)`, or the name alone.
    pub(crate) fn label(&self) -> String {
        match &self.organisation {
            Some(organisation) => format!("{} ({organisation})", self.name),
            None => self.name.clone(),
        }
    }
}

struct Session {
    person: Arc<Person>,
    expires_at: i64,
}

/// Which sessions a log-out ends (Back-Channel Logout 1.0 §2.4).
pub(crate) struct Ending<'a> {
    /// The account, when named.
    pub(crate) sub: Option<&'a str>,
    /// The provider's session, when named. Without it every session of the account ends.
    pub(crate) sid: Option<&'a str>,
}

impl Ending<'_> {
    /// A log-out that names nothing ends nothing.
    fn covers(&self, person: &Person) -> bool {
        let sub = self.sub.map(|sub| sub == person.sub);
        let sid = self.sid.map(|sid| Some(sid) == person.sid.as_deref());
        match (sub, sid) {
            (None, None) => false,
            (sub, sid) => sub.unwrap_or(true) && sid.unwrap_or(true),
        }
    }
}

/// All sessions, by the hash of their cookie.
#[derive(Default)]
pub(crate) struct Sessions {
    by_cookie: Mutex<HashMap<Hash, Session>>,
}

impl Sessions {
    /// Opens a session under a new cookie value and gives that value.
    pub(crate) fn open(&self, person: Person, now: i64, lifetime_s: i64) -> String {
        let cookie = crypto::random_token();
        let session = Session {
            person: Arc::new(person),
            expires_at: now.saturating_add(lifetime_s),
        };
        let mut all = self.lock();
        if all.len() >= SESSIONS_MAX {
            make_room(&mut all, now);
        }
        all.insert(crypto::sha256(&cookie), session);
        cookie
    }

    /// The person of a session that has not ended.
    pub(crate) fn find(&self, cookie: &str, now: i64) -> Option<Arc<Person>> {
        self.lock()
            .get(&crypto::sha256(cookie))
            .filter(|session| now < session.expires_at)
            .map(|session| Arc::clone(&session.person))
    }

    /// Ends one session and gives its person. An expired session still names its person, so that
    /// the log-out can tell the provider whom it is about.
    pub(crate) fn end(&self, cookie: &str) -> Option<Arc<Person>> {
        self.lock()
            .remove(&crypto::sha256(cookie))
            .map(|session| session.person)
    }

    /// Ends every session that a log-out covers, and gives their number.
    pub(crate) fn end_all(&self, ending: &Ending<'_>) -> usize {
        let mut all = self.lock();
        let before = all.len();
        all.retain(|_, session| !ending.covers(&session.person));
        before - all.len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Session>> {
        self.by_cookie
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(all: &mut HashMap<Hash, Session>, now: i64) {
    all.retain(|_, session| now < session.expires_at);
    if all.len() < SESSIONS_MAX {
        return;
    }
    let first = all
        .iter()
        .min_by_key(|(_, session)| session.expires_at)
        .map(|(cookie, _)| *cookie);
    if let Some(cookie) = first {
        all.remove(&cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(sub: &str, sid: Option<&str>) -> Person {
        Person {
            sub: sub.to_owned(),
            sid: sid.map(str::to_owned),
            name: "Mei Tan".to_owned(),
            organisation: None,
            email: None,
            id_token: Secret::from(String::new()),
        }
    }

    #[test]
    fn a_session_ends_at_its_time() {
        let sessions = Sessions::default();
        let cookie = sessions.open(person("a", None), 0, 60);
        assert!(sessions.find(&cookie, 59).is_some());
        assert!(sessions.find(&cookie, 60).is_none());
        assert!(sessions.find("another", 0).is_none());
    }

    #[test]
    fn an_ending_covers_what_it_names() {
        let all = [("a", "1"), ("a", "2"), ("b", "3")];
        let left = |sub, sid| {
            let sessions = Sessions::default();
            for (sub, sid) in all {
                sessions.open(person(sub, Some(sid)), 0, 60);
            }
            all.len() - sessions.end_all(&Ending { sub, sid })
        };
        assert_eq!(left(Some("a"), None), 1);
        assert_eq!(left(None, Some("1")), 2);
        assert_eq!(left(Some("a"), Some("1")), 2);
        assert_eq!(left(Some("b"), Some("1")), 3);
        assert_eq!(left(None, None), 3);
    }

    #[test]
    fn the_label_has_the_organisation() {
        let mut mei = person("a", None);
        assert_eq!(mei.label(), "Mei Tan");
        mei.organisation = Some("AGENCY".to_owned());
        assert_eq!(mei.label(), "Mei Tan (AGENCY)");
    }
}
