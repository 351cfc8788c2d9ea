//! Everything that can happen to a login, right and wrong, in the test's own words.

use crate::login::cast::{Computer, Person, Record, Standing, WELL, chosen, evidence, who};
use crate::login::ghost::Ghost;
use crate::login::worlds::{Theme, World, word};
use techpass_domain::id::ChallengeId;
use techpass_domain::login::{Event, SignedIn};
use techpass_domain::time::{Seconds, Timestamp};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// A person is chosen, with the session's entry of them.
    Choose(Person),
    /// The hero is chosen, and the entry handed over is the other one's.
    ChooseWithForeignEntry,
    Another,
    Password(bool),
    Code(bool),
    /// A number is sent; always under another name than the last.
    Send,
    Limited,
    Answer {
        challenge: u8,
        right: bool,
    },
    Decline {
        challenge: u8,
        reported: bool,
    },
    /// The same browser asks for a number in another login.
    Superseded(u8),
    Upstream(Said),
    UpstreamRefused,
    Device(Computer),
    Consent,
    Cancel,
    Collect,
    /// Not an event: the hero's record changes between two events.
    Record(Record),
    /// Not an event: seconds go by.
    Wait(Seconds),
}

/// What comes back from the home organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Said {
    /// The hero, by two factors, just now.
    Strong,
    /// The hero, by two factors, a little earlier.
    Earlier,
    /// The hero, by two factors; its clock is ahead of ours.
    ClockAhead,
    /// The hero, by one factor.
    Weak,
    /// Somebody who was not chosen.
    Stranger,
    /// Somebody who was not chosen, and the shell says they were.
    StrangerAsChosen,
    /// The hero, by a proof of somebody else.
    ForeignProof,
}

/// How long a number may be answered.
pub const NUMBER_S: Seconds = 120;
/// Until when no number may be sent.
const LIMITED_S: Seconds = 60;
/// How far the home organisation's clock may be off.
const AHEAD_S: Seconds = 20;
const EARLIER_S: Seconds = 40;

pub fn challenge(n: u8) -> ChallengeId {
    ChallengeId::new(if n == 0 { "chl_a" } else { "chl_b" })
}

impl Move {
    /// The event that the shell would report; `None` for what is not an event.
    pub fn event(self, world: &World, ghost: &Ghost, now: Timestamp) -> Option<Event> {
        Some(match self {
            Move::Choose(person) => Event::AccountChosen(
                chosen(world.role, person, ghost.record),
                world.signed_in(person, ghost.record),
            ),
            Move::ChooseWithForeignEntry => Event::AccountChosen(
                chosen(world.role, Person::Hero, ghost.record),
                foreign_entry(world, ghost),
            ),
            Move::Another => Event::AnotherAccount,
            Move::Password(right) => Event::PasswordChecked { right },
            Move::Code(right) => Event::CodeChecked { right },
            Move::Send => Event::NumberSent {
                challenge: challenge(ghost.coming()),
                expires_at: now.plus(NUMBER_S),
            },
            Move::Limited => Event::NumberLimited {
                until: now.plus(LIMITED_S),
            },
            Move::Answer {
                challenge: n,
                right,
            } => Event::NumberAnswered {
                challenge: challenge(n),
                right,
            },
            Move::Decline {
                challenge: n,
                reported,
            } => Event::NumberDeclined {
                challenge: challenge(n),
                reported,
            },
            Move::Superseded(n) => Event::NumberSuperseded {
                challenge: challenge(n),
            },
            Move::Upstream(said) => said.event(world, ghost, now),
            Move::UpstreamRefused => Event::UpstreamRefused,
            Move::Device(computer) => Event::DeviceSeen(evidence(computer)),
            Move::Consent => Event::ConsentGiven,
            Move::Cancel => Event::Cancelled,
            Move::Collect => Event::Collected,
            Move::Record(_) | Move::Wait(_) => return None,
        })
    }

    /// Whether a world of this theme goes on from here. Every move is tried everywhere; not every one is followed.
    pub fn followed(self, theme: Theme) -> bool {
        let only = |wanted| theme == wanted || theme == Theme::Everything;
        match self {
            Move::Wait(_) => only(Theme::Time),
            Move::Another | Move::Choose(Person::Other) => only(Theme::Switch),
            Move::Device(_) | Move::Record(_) => only(Theme::Change),
            _ => true,
        }
    }

    /// The words on an arrow of the diagram.
    pub fn label(self) -> &'static str {
        match self {
            Move::Choose(_) | Move::ChooseWithForeignEntry => "account chosen",
            Move::Another => "another account",
            Move::Password(true) => "password right",
            Move::Password(false) => "password wrong",
            Move::Code(true) => "code right",
            Move::Code(false) => "code wrong",
            Move::Send => "number sent",
            Move::Limited => "too many numbers",
            Move::Answer { right: true, .. } => "number right",
            Move::Answer { right: false, .. } => "number wrong",
            Move::Decline {
                reported: false, ..
            } => "declined",
            Move::Decline { reported: true, .. } => "reported",
            Move::Superseded(_) => "newer number in this browser",
            Move::Upstream(Said::Weak) => "upstream vouches weakly",
            Move::Upstream(Said::Strong | Said::Earlier | Said::ClockAhead) => "upstream vouches",
            Move::Upstream(_) => "upstream names somebody else",
            Move::UpstreamRefused => "upstream refuses",
            Move::Device(_) => "computer seen again",
            Move::Consent => "consent given",
            Move::Cancel => "cancelled",
            Move::Collect => "collected",
            Move::Record(_) => "record changes",
            Move::Wait(_) => "time passes",
        }
    }
}

impl Said {
    fn event(self, world: &World, ghost: &Ghost, now: Timestamp) -> Event {
        let (person, vouched, at) = match self {
            Said::Strong | Said::Weak => (Person::Hero, Person::Hero, now),
            Said::Earlier => (Person::Hero, Person::Hero, now.plus(-EARLIER_S)),
            Said::ClockAhead => (Person::Hero, Person::Hero, now.plus(AHEAD_S)),
            Said::Stranger | Said::StrangerAsChosen => (Person::Stranger, Person::Stranger, now),
            Said::ForeignProof => (Person::Hero, Person::Stranger, now),
        };
        Event::UpstreamReturned {
            who: who(world.role, person, ghost.record),
            as_chosen: self != Said::Stranger,
            proof: word(vouched, at, self != Said::Weak),
        }
    }

    /// The moment and strength of a word that counts, in our clock.
    pub fn word(self, now: Timestamp) -> Option<(Timestamp, bool)> {
        match self {
            Said::Strong => Some((now, true)),
            Said::Weak => Some((now, false)),
            Said::Earlier => Some((now.plus(-EARLIER_S), true)),
            Said::ClockAhead => Some((now.plus(AHEAD_S), true)),
            Said::Stranger | Said::StrangerAsChosen | Said::ForeignProof => None,
        }
    }
}

/// The other one's entry, made to look as useful as it can.
fn foreign_entry(world: &World, ghost: &Ghost) -> Option<SignedIn> {
    world.signed_in(Person::Other, ghost.record)
}

/// Every move worth trying in a state of a world.
pub fn moves(world: &World, ghost: &Ghost) -> Vec<Move> {
    let mut all = vec![
        Move::Choose(Person::Hero),
        Move::Choose(Person::Other),
        Move::Choose(Person::Nobody),
        Move::Another,
        Move::Password(true),
        Move::Password(false),
        Move::Code(true),
        Move::Code(false),
        Move::Send,
        Move::Limited,
        Move::UpstreamRefused,
        Move::Upstream(Said::Strong),
        Move::Consent,
        Move::Cancel,
        Move::Collect,
    ];
    for challenge in [0, 1] {
        all.push(Move::Superseded(challenge));
        for flag in [true, false] {
            all.push(Move::Answer {
                challenge,
                right: flag,
            });
            all.push(Move::Decline {
                challenge,
                reported: flag,
            });
        }
    }
    if world.session.other {
        all.push(Move::ChooseWithForeignEntry);
    }
    if world.home(Person::Hero) != world.home(Person::Other) {
        all.extend(
            [
                Said::ClockAhead,
                Said::Weak,
                Said::Stranger,
                Said::ForeignProof,
            ]
            .map(Move::Upstream),
        );
        // The shell asks the home organisation for a fresh authentication, and checks that it got one.
        if !world.asked.force_login {
            all.push(Move::Upstream(Said::Earlier));
        }
        if ghost.claimed == Some(Person::Hero) {
            all.push(Move::Upstream(Said::StrangerAsChosen));
        }
    }
    all.extend(world.computers().iter().copied().map(Move::Device));
    all.extend(
        records()
            .into_iter()
            .filter(|r| *r != ghost.record)
            .map(Move::Record),
    );
    all
}

fn records() -> [Record; 5] {
    let standing = |standing| Record { standing, ..WELL };
    let phone = false;
    let allowed = true;
    [
        WELL,
        Record { allowed, ..WELL },
        Record { phone, ..WELL },
        standing(Standing::OnHold),
        standing(Standing::Closed),
    ]
}
