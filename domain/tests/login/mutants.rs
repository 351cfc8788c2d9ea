//! Ways to break the machine from outside: each alters what goes in, what comes out, or the state between.

use crate::login::machine::{Machine, Stepped};
use techpass_domain::access::Policy;
use techpass_domain::id::ChallengeId;
use techpass_domain::login::{
    Achieved, Arrival, Asked, Effect, Event, Login, Next, Prompt, Rules, Who,
};
use techpass_domain::time::Timestamp;

/// Mishears the request.
pub struct Asks(pub fn(&mut Asked));

impl Machine for Asks {
    fn begin(&self, mut asked: Asked, arrival: Arrival, now: Timestamp) -> Login {
        (self.0)(&mut asked);
        Login::begin(asked, arrival, now)
    }
}

/// Mistakes what the browser brings.
pub struct Arrives(pub fn(&mut Arrival), pub fn(&mut Event));

impl Machine for Arrives {
    fn begin(&self, asked: Asked, mut arrival: Arrival, now: Timestamp) -> Login {
        (self.0)(&mut arrival);
        Login::begin(asked, arrival, now)
    }
    fn step(&self, login: Login, mut event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        (self.1)(&mut event);
        login.step(event, rules, now)
    }
}

/// Mishears an event; it is told which number is shown.
pub struct Hears(pub fn(&Login, Option<ChallengeId>, &mut Event));

impl Machine for Hears {
    fn step(&self, login: Login, mut event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let shown = match login.next(rules, now) {
            Next::Ask(Prompt::MatchNumber { challenge, .. }) => Some(challenge),
            _ => None,
        };
        (self.0)(&login, shown, &mut event);
        login.step(event, rules, now)
    }
}

/// Takes an event that it should not, or does not take one that it should.
pub struct Takes(pub fn(&Login, &Next, &Event) -> Option<Stepped>);

impl Machine for Takes {
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let next = login.next(rules, now);
        match (self.0)(&login, &next, &event) {
            Some(stepped) => stepped,
            None => login.step(event, rules, now),
        }
    }
}

/// Does something else than it should.
pub struct Does(pub fn(&Event, &mut Vec<Effect>));

impl Machine for Does {
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let (after, mut effects) = login.step(event.clone(), rules, now)?;
        (self.0)(&event, &mut effects);
        Ok((after, effects))
    }
}

/// Keeps something else than it should: the login before, the event, the login after.
pub struct Becomes(pub fn(&Login, &Event, &mut Login));

impl Machine for Becomes {
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let before = login.clone();
        let (mut after, effects) = login.step(event.clone(), rules, now)?;
        (self.0)(&before, &event, &mut after);
        Ok((after, effects))
    }
}

/// Takes the records of accounts for something else.
pub struct Reads(pub fn(&mut Login));

impl Machine for Reads {
    fn begin(&self, asked: Asked, arrival: Arrival, now: Timestamp) -> Login {
        let mut login = Login::begin(asked, arrival, now);
        (self.0)(&mut login);
        login
    }
    fn refreshed(&self, login: Login, fresh: Who) -> Login {
        let mut login = login.refreshed(fresh);
        (self.0)(&mut login);
        login
    }
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let (mut after, effects) = login.step(event, rules, now)?;
        (self.0)(&mut after);
        Ok((after, effects))
    }
}

/// Waits for something else than it should.
pub struct Shows(pub fn(&Login, Next, &Rules<'_>, Timestamp) -> Next);

impl Machine for Shows {
    fn next(&self, login: &Login, rules: &Rules<'_>, now: Timestamp) -> Next {
        (self.0)(login, login.next(rules, now), rules, now)
    }
}

/// Has a wrong clock: for pages, and for each event.
pub struct Clock(
    pub fn(&Login, Timestamp) -> Timestamp,
    pub fn(&Login, &Event, Timestamp) -> Timestamp,
);

impl Machine for Clock {
    fn next(&self, login: &Login, rules: &Rules<'_>, now: Timestamp) -> Next {
        login.next(rules, (self.0)(login, now))
    }
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let now = (self.1)(&login, &event, now);
        login.step(event, rules, now)
    }
}

/// Says something else of a grant than it should.
pub struct Says(pub fn(&Login, &Rules<'_>, Timestamp) -> Option<Achieved>);

impl Machine for Says {
    fn achieved(&self, login: &Login, rules: &Rules<'_>, now: Timestamp) -> Option<Achieved> {
        (self.0)(login, rules, now)
    }
}

/// Obeys another policy than it was given.
pub struct Obeys(pub fn(&mut Policy));

impl Obeys {
    fn misread(&self, rules: &Rules<'_>) -> Policy {
        let mut policy = rules.policy.clone();
        (self.0)(&mut policy);
        policy
    }
}

impl Machine for Obeys {
    fn next(&self, login: &Login, rules: &Rules<'_>, now: Timestamp) -> Next {
        let policy = &self.misread(rules);
        login.next(&Rules { policy }, now)
    }
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let policy = &self.misread(rules);
        login.step(event, &Rules { policy }, now)
    }
    fn achieved(&self, login: &Login, rules: &Rules<'_>, now: Timestamp) -> Option<Achieved> {
        let policy = &self.misread(rules);
        login.achieved(&Rules { policy }, now)
    }
}

/// Changes a field that only the login itself may touch, by way of its stored form.
pub fn meddle(login: &mut Login, field: &str, value: serde_json::Value) {
    let mut stored = serde_json::to_value(&*login).unwrap();
    stored[field] = value;
    *login = serde_json::from_value(stored).unwrap();
}
