//! Judges a history by what was promised. It knows no more than the clients did: what had no answer may have happened or
//! not, and what overlaps in time may have happened in either order.

#[cfg(test)]
mod tests;

use super::history::{Event, Got, What};
use std::collections::{BTreeMap, BTreeSet};

/// How long an access token is certain to be good, in microseconds; it lives for ten minutes.
const ACCESS_US: u64 = 9 * 60 * 1_000_000;
/// The same of a code, which lives for one.
const CODE_US: u64 = 50 * 1_000_000;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Of what.
    pub of: String,
    /// When, in microseconds since the history began.
    pub at_us: u64,
}

/// The promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A one-time value gave something twice.
    Twice,
    /// Something that was acknowledged is gone.
    Lost,
    /// Something that was ended works.
    Alive,
    /// An answer speaks of somebody else.
    Foreign,
    /// A status that no fault excuses, or a refusal without `Retry-After`.
    Clumsy,
}

impl Rule {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Rule::Twice => "a one-time value worked twice",
            Rule::Lost => "something acknowledged is gone",
            Rule::Alive => "something ended still works",
            Rule::Foreign => "an answer belongs to somebody else",
            Rule::Clumsy => "a fault was answered with 500, or without Retry-After",
        }
    }
}

/// What a history says of one value, by kind.
#[derive(Default)]
struct Index<'a> {
    codes: BTreeMap<&'a str, Vec<&'a Event>>,
    issued: BTreeMap<&'a str, u64>,
    rotations: BTreeMap<&'a str, Vec<&'a Event>>,
    rotations_of: BTreeMap<&'a str, Vec<&'a Event>>,
    /// From a family to its session, its code, and when its newest access token was given.
    families: BTreeMap<&'a str, (&'a str, &'a str)>,
    fresh_us: BTreeMap<&'a str, Vec<u64>>,
    log_outs: BTreeMap<&'a str, Vec<&'a Event>>,
    revocations: BTreeMap<&'a str, Vec<&'a Event>>,
    answers: BTreeMap<&'a str, Vec<&'a Event>>,
    steps: BTreeMap<(&'a str, i64), Vec<&'a Event>>,
    /// From a refresh token to the one it came from.
    parents: BTreeMap<&'a str, &'a str>,
}

impl<'a> Index<'a> {
    fn of(events: &'a [Event]) -> Index<'a> {
        let mut index = Index::default();
        for event in events {
            index.add(event);
        }
        index
    }

    fn add(&mut self, event: &'a Event) {
        let taken = event.got == Got::Taken;
        match &event.what {
            What::SignIn { code, .. } | What::Silent { code, .. } if taken => {
                self.issued.insert(code, event.ended_us);
            }
            What::Redeem {
                session,
                code,
                family,
                ..
            } => {
                self.codes.entry(code).or_default().push(event);
                if taken {
                    self.families.insert(family, (session, code));
                    self.given(family, event.begun_us);
                }
            }
            What::Rotate {
                family,
                refresh,
                next,
            } => {
                self.rotations.entry(refresh).or_default().push(event);
                self.rotations_of.entry(family).or_default().push(event);
                if taken {
                    self.parents.insert(next, refresh);
                    self.given(family, event.begun_us);
                }
            }
            What::LogOut { session } => self.log_outs.entry(session).or_default().push(event),
            What::Revoke { family } => self.revocations.entry(family).or_default().push(event),
            What::Answer { request, .. } => self.answers.entry(request).or_default().push(event),
            What::Step { account, step } => {
                self.steps.entry((account, *step)).or_default().push(event);
            }
            _ => {}
        }
    }

    fn given(&mut self, family: &'a str, at_us: u64) {
        self.fresh_us.entry(family).or_default().push(at_us);
    }

    /// Requests that could have ended the family before this moment.
    fn may_be_dead(&self, family: &str, before_us: u64) -> bool {
        let begun = |all: Option<&Vec<&Event>>| {
            all.is_some_and(|all| all.iter().any(|e| e.begun_us < before_us))
        };
        let Some((session, code)) = self.families.get(family) else {
            return true;
        };
        if begun(self.log_outs.get(session)) || begun(self.revocations.get(family)) {
            return true;
        }
        let tries = self.codes.get(code).map_or(&[][..], Vec::as_slice);
        if tries.iter().filter(|e| e.begun_us < before_us).count() > 1 {
            return true;
        }
        // A refresh token that came twice may have ended it.
        let mut seen = BTreeSet::new();
        let all = self.rotations_of.get(family).into_iter().flatten();
        all.filter(|e| e.begun_us < before_us)
            .any(|e| match &e.what {
                What::Rotate { refresh, .. } => !seen.insert(refresh),
                _ => false,
            })
    }

    /// When the family was certainly over: somebody was told so.
    fn dead_since(&self, family: &str) -> Option<u64> {
        let told = |all: Option<&Vec<&Event>>, got: Got| {
            let all = all.into_iter().flatten();
            all.filter(|e| e.got == got).map(|e| e.ended_us).min()
        };
        let (session, code) = self.families.get(family)?;
        let tries = self.codes.get(code).map_or(&[][..], Vec::as_slice);
        let first = tries.iter().find(|e| e.got == Got::Taken)?;
        let replayed = tries.iter().filter(|e| e.got == Got::Refused);
        let replayed = replayed.filter(|e| e.begun_us > first.ended_us);
        let ends = [
            told(self.log_outs.get(session), Got::Taken),
            told(self.revocations.get(family), Got::Taken),
            replayed.map(|e| e.ended_us).min(),
        ];
        ends.into_iter().flatten().min()
    }
}

/// Everything that is wrong. `slack_us` is how long the end of something may take to be seen elsewhere.
pub fn check(events: &[Event], slack_us: u64) -> Vec<Violation> {
    let index = Index::of(events);
    let mut found = Vec::new();
    once(&index, &mut found);
    for event in events {
        each(event, &mut found);
        lost(&index, event, &mut found);
        alive(&index, event, slack_us, &mut found);
    }
    found
}

fn say(found: &mut Vec<Violation>, rule: Rule, of: impl Into<String>, event: &Event) {
    found.push(Violation {
        rule,
        of: of.into(),
        at_us: event.begun_us,
    });
}

/// What one answer says by itself.
fn each(event: &Event, found: &mut Vec<Violation>) {
    if let Some(subject) = &event.subject
        && *subject != event.account
    {
        let of = format!("{subject} instead of {}", event.account);
        say(found, Rule::Foreign, of, event);
    }
    let clumsy = match event.status {
        429 | 503 => !event.retry_after,
        status => status >= 500 && !matches!(status, 502 | 504),
    };
    if clumsy {
        let of = format!("status {} to {:?}", event.status, event.what);
        say(found, Rule::Clumsy, of, event);
    }
}

/// One-time values.
fn once(index: &Index<'_>, found: &mut Vec<Violation>) {
    let taken = |all: &[&'_ Event]| -> Vec<Event> {
        let all = all.iter().filter(|e| e.got == Got::Taken);
        all.map(|e| (*e).clone()).collect()
    };
    let codes = index
        .codes
        .iter()
        .map(|(of, all)| (format!("code {of}"), all));
    let steps = index.steps.iter();
    let steps = steps.map(|((who, step), all)| (format!("step {step} of {who}"), all));
    for (of, all) in codes.chain(steps) {
        if let [_, second, ..] = taken(all).as_slice() {
            say(found, Rule::Twice, of, second);
        }
    }
    for (request, all) in &index.answers {
        let all = taken(all);
        let choices: BTreeSet<_> = all.iter().map(|e| format!("{:?}", e.what)).collect();
        if let (true, Some(last)) = (choices.len() > 1, all.last()) {
            say(found, Rule::Twice, format!("request {request}"), last);
        }
    }
    // A token may have several successors, each in place of one whose answer was lost; only one of them may ever work.
    for (refresh, all) in &index.rotations {
        let mut used = taken(all).into_iter().filter(|e| {
            let What::Rotate { next, .. } = &e.what else {
                return false;
            };
            let uses = index.rotations.get(next.as_str());
            uses.is_some_and(|uses| uses.iter().any(|e| e.got == Got::Taken))
        });
        if let Some(second) = used.nth(1) {
            say(
                found,
                Rule::Twice,
                format!("refresh token {refresh}"),
                &second,
            );
        }
    }
}

/// Refusals of what had been acknowledged, and that nothing can have ended.
fn lost(index: &Index<'_>, event: &Event, found: &mut Vec<Violation>) {
    if event.got != Got::Refused {
        return;
    }
    let before = event.ended_us;
    let other = |all: Option<&Vec<&Event>>| {
        let mut all = all.into_iter().flatten();
        all.any(|e| !std::ptr::eq(*e, event) && e.begun_us < before)
    };
    let (gone, of) = match &event.what {
        What::Silent { session, .. } => (
            !other(index.log_outs.get(session.as_str())),
            format!("session {session}"),
        ),
        What::Redeem { session, code, .. } => {
            let issued = index.issued.get(code.as_str());
            let young = issued.is_some_and(|at| before < at + CODE_US);
            let tried = other(index.codes.get(code.as_str()));
            let ended = other(index.log_outs.get(session.as_str()));
            (young && !tried && !ended, format!("code {code}"))
        }
        What::Rotate {
            family, refresh, ..
        } => {
            let known = !index.may_be_dead(family, before);
            let replaced = index.parents.get(refresh.as_str()).is_some_and(|parent| {
                let of_parent = index.rotations.get(parent);
                of_parent.is_some_and(|all| all.len() > 1)
            });
            (known && !replaced, format!("refresh token {refresh}"))
        }
        What::UserInfo { family } => {
            let given = index.fresh_us.get(family.as_str()).into_iter().flatten();
            let newest = given.filter(|at| **at < event.begun_us).max();
            let young = newest.is_some_and(|at| before < at + ACCESS_US);
            (
                young && !index.may_be_dead(family, before),
                format!("tokens of {family}"),
            )
        }
        // Any other refusal has its own reason, such as a wrong number.
        What::Answer { request, .. } if event.status == 404 => {
            let unanswered = !other(index.answers.get(request.as_str()));
            (unanswered, format!("request {request}"))
        }
        _ => return,
    };
    if gone {
        say(found, Rule::Lost, of, event);
    }
}

/// What was taken although it had ended before.
fn alive(index: &Index<'_>, event: &Event, slack_us: u64, found: &mut Vec<Violation>) {
    if event.got != Got::Taken {
        return;
    }
    let over = |end: Option<u64>| end.is_some_and(|end| event.begun_us > end + slack_us);
    let logged_out = |session: &str| {
        let all = index.log_outs.get(session).into_iter().flatten();
        all.filter(|e| e.got == Got::Taken)
            .map(|e| e.ended_us)
            .min()
    };
    let (alive, of) = match &event.what {
        What::Silent { session, .. } => (over(logged_out(session)), format!("session {session}")),
        What::Redeem { session, code, .. } => (over(logged_out(session)), format!("code {code}")),
        What::Rotate { family, .. } | What::UserInfo { family } => (
            over(index.dead_since(family)),
            format!("tokens of {family}"),
        ),
        _ => return,
    };
    if alive {
        say(found, Rule::Alive, of, event);
    }
}
