//! What clients asked and what they were told, with their own times: the only thing that the checker knows.
//!
//! Values are named, not kept: `a3-c12` is the twelfth code of the third person. A history holds no secret.

use anyhow::Result;
use serde::Serialize;
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// A whole sign-in; taken means that the browser was told that it is signed in, and has a code.
    SignIn { session: String, code: String },
    /// A sign-in that nobody needs to be asked for; taken means a code.
    Silent { session: String, code: String },
    /// A code for tokens.
    Redeem {
        session: String,
        code: String,
        family: String,
        refresh: String,
    },
    /// A refresh token for its successor.
    Rotate {
        family: String,
        refresh: String,
        next: String,
    },
    /// UserInfo for an access token; also introspection, where "refused" is "not active".
    UserInfo { family: String },
    /// A token of the family is given up by its application.
    Revoke { family: String },
    /// Everybody in this browser logs out.
    LogOut { session: String },
    /// A phone's answer; `choice` tells different answers to the same request apart.
    Answer { request: String, choice: String },
    /// A verification code, typed.
    Step { account: String, step: i64 },
    /// Anything else that is needed on the way.
    Page { name: String },
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Got {
    /// It was done.
    Taken,
    /// It was refused for its own sake: wrong, used, ended.
    Refused,
    /// The server had no place or no disk for it, and said so.
    Busy,
    /// No answer: it may have been done or not.
    Unknown,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Who asked.
    pub actor: usize,
    /// When it was sent, in microseconds since the history began.
    pub begun_us: u64,
    /// When the answer was there, or given up.
    pub ended_us: u64,
    /// What was asked.
    #[serde(flatten)]
    pub what: What,
    /// What came back.
    pub got: Got,
    /// The answer's status; 0 without an answer.
    pub status: u16,
    /// Whether a refusal for want of room said when to come back.
    pub retry_after: bool,
    /// Whose account it has to be.
    pub account: String,
    /// Whose account the answer spoke of, or what else was foreign in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Events as they end.
pub struct History {
    began: Instant,
    began_ns: u64,
    events: RefCell<Vec<Event>>,
}

impl History {
    /// Begins now.
    pub fn new() -> History {
        History {
            began: Instant::now(),
            began_ns: monotonic_ns(),
            events: RefCell::default(),
        }
    }

    /// Microseconds since it began.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// A moment of it on the system's monotonic clock, in nanoseconds; if anything a little late.
    pub fn system_ns(&self, at_us: u64) -> u64 {
        self.began_ns + at_us * 1000
    }

    /// Notes an event.
    pub fn note(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    /// How many were taken.
    pub fn taken(&self) -> usize {
        let events = self.events.borrow();
        events.iter().filter(|e| e.got == Got::Taken).count()
    }

    /// How many people signed in.
    pub fn sign_ins(&self) -> usize {
        let events = self.events.borrow();
        let done = events.iter().filter(|e| e.got == Got::Taken);
        done.filter(|e| matches!(e.what, What::SignIn { .. }))
            .count()
    }

    /// All of them in the order in which they were sent.
    pub fn sorted(&self) -> Vec<Event> {
        let mut events = self.events.borrow().clone();
        events.sort_by_key(|event| event.begun_us);
        events
    }

    /// Writes them as lines of JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for event in self.sorted() {
            serde_json::to_writer(&mut file, &event)?;
            file.write_all(b"\n")?;
        }
        Ok(file.flush()?)
    }
}

/// The system's monotonic clock, which every process reads alike.
fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
