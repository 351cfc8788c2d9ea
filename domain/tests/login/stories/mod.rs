//! Logins as people have them, page by page.

mod factors;
mod number;
mod session;

use crate::login::cast::{
    Computer, Owner, Person, Record, Role, Standing, T0, WELL, chosen, evidence, id, who,
};
use crate::login::moves::{NUMBER_S, challenge};
use crate::login::worlds::{Book, policy, word};
use techpass_domain::access::{Factor, Policy};
use techpass_domain::device::DeviceClass::{Gmd, NonSeGsib, SeGsib};
use techpass_domain::id::{Sid, UpstreamId};
use techpass_domain::login::requirement::{ACR_NUMBER_MATCH, ACR_SINGLE_FACTOR};
use techpass_domain::login::{
    Achieved, Arrival, Asked, Effect, Event, Login, Next, NumberEnd, Outcome, Prompt, Refusal,
    Rules, SignedIn, Strength, Unexpected,
};
use techpass_domain::problem::Problem;
use techpass_domain::time::{Seconds, Timestamp};

const OWN_GSIB: Computer = Computer::Proven(NonSeGsib, Owner::Hero);
const OWN_GMD: Computer = Computer::Proven(Gmd, Owner::Hero);

/// A login under way, with the clock in hand.
struct Story {
    login: Login,
    policy: Policy,
    now: Timestamp,
    done: Vec<Effect>,
}

impl Story {
    fn begin(asked: Asked, computer: Computer, signed_in: Vec<SignedIn>, now: Timestamp) -> Story {
        let arrival = Arrival {
            known: signed_in.len(),
            signed_in,
            hint: None,
            stranger: false,
            device: evidence(computer),
        };
        Story {
            login: Login::begin(asked, arrival, now),
            policy: policy(Book::Usual),
            now,
            done: Vec::new(),
        }
    }

    fn new(computer: Computer) -> Story {
        Story::begin(Asked::default(), computer, vec![], T0)
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            policy: &self.policy,
        }
    }

    #[track_caller]
    fn shows(&mut self, prompt: Prompt) -> &mut Story {
        assert_eq!(self.login.next(&self.rules(), self.now), Next::Ask(prompt));
        self
    }

    #[track_caller]
    fn ends(&mut self, refusal: Refusal) {
        let end = Next::Finish(Outcome::Refused(refusal));
        assert_eq!(self.login.next(&self.rules(), self.now), end);
    }

    #[track_caller]
    fn then(&mut self, event: Event) -> &mut Story {
        let (login, effects) = self
            .login
            .clone()
            .step(event, &self.rules(), self.now)
            .unwrap();
        // A login is stored between any two events.
        let stored = serde_json::to_string(&login).unwrap();
        self.login = serde_json::from_str(&stored).unwrap();
        assert_eq!(self.login, login);
        self.done = effects;
        self
    }

    #[track_caller]
    fn does(&mut self, effects: &[Effect]) -> &mut Story {
        assert_eq!(self.done, effects);
        self
    }

    #[track_caller]
    fn ignores(&mut self, event: Event) -> &mut Story {
        let stepped = self.login.clone().step(event, &self.rules(), self.now);
        assert_eq!(stepped, Err(Unexpected));
        self
    }

    fn after(&mut self, seconds: Seconds) -> &mut Story {
        self.now = self.now.plus(seconds);
        self
    }

    /// The phone gets its number and the person types it right.
    #[track_caller]
    fn matches_the_number(&mut self) -> &mut Story {
        let now = self.now;
        self.shows(Prompt::SendNumber)
            .then(sent(0, now))
            .does(&[Effect::NotifyPhones(challenge(0))])
            .shows(waiting(0, now))
            .then(answered(0, true))
    }

    #[track_caller]
    fn grants(&mut self) -> Achieved {
        assert_eq!(self.login.next(&self.rules(), self.now), Next::Collect);
        let achieved = self.login.achieved(&self.rules(), self.now).unwrap();
        self.then(Event::Collected)
            .does(&[Effect::StartSession, Effect::IssueCode]);
        assert_eq!(
            self.login.next(&self.rules(), self.now),
            Next::Finish(Outcome::Granted)
        );
        self.ignores(Event::Collected);
        achieved
    }
}

fn chooses(role: Role) -> Event {
    Event::AccountChosen(chosen(role, Person::Hero, WELL), None)
}

fn sent(n: u8, now: Timestamp) -> Event {
    Event::NumberSent {
        challenge: challenge(n),
        expires_at: now.plus(NUMBER_S),
    }
}

fn waiting(n: u8, now: Timestamp) -> Prompt {
    Prompt::MatchNumber {
        challenge: challenge(n),
        expires_at: now.plus(NUMBER_S),
    }
}

fn answered(n: u8, right: bool) -> Event {
    let challenge = challenge(n);
    Event::NumberAnswered { challenge, right }
}

fn password(right: bool) -> Event {
    Event::PasswordChecked { right }
}

/// The session that a grant leaves behind.
fn session(role: Role, achieved: &Achieved) -> Vec<SignedIn> {
    vec![SignedIn {
        who: who(role, Person::Hero, WELL),
        sid: Sid::new("sid_1"),
        auth_time: achieved.auth_time,
        proofs: achieved.proofs.clone(),
    }]
}

fn says(achieved: &Achieved, amr: &[&str], acr: &str, auth_time: Timestamp) {
    assert_eq!(achieved.account, id(Person::Hero));
    assert_eq!(achieved.amr, amr);
    assert_eq!(achieved.acr, acr);
    assert_eq!(achieved.auth_time, auth_time);
}
