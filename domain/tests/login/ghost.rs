//! The history of one login as the test keeps it, never read by the machine: who claimed what, who proved what, when,
//! and which number may be answered. What a grant must rest on is said here a second time, in other words.

use crate::login::cast::{Computer, Person, Record, Standing, WELL, id};
use crate::login::moves::{Move, NUMBER_S};
use crate::login::worlds::{Demand, Facts, World};
use techpass_domain::access::Factor;
use techpass_domain::account::Home;
use techpass_domain::login::{NumberEnd, Outcome, Refusal, Strength};
use techpass_domain::problem::Problem;
use techpass_domain::time::Timestamp;

/// Where the number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    NotSent,
    Live { challenge: u8, until: Timestamp },
    Over(NumberEnd),
    Limited { until: Timestamp },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ghost {
    pub claimed: Option<Person>,
    /// By a person on a page of this login.
    pub picked: bool,
    /// Whether the claim brought the claimed person's own entry of the session.
    pub entry: bool,
    pub record: Record,
    pub computer: Computer,
    /// Proven in this login since the claim.
    pub here: Facts,
    pub consent: bool,
    pub phase: Phase,
    /// The number sent last.
    pub last: Option<u8>,
    /// Numbers laid out on phones and not closed, one bit each.
    pub open: u8,
    pub wrong: u8,
    /// How it ended, by what happened.
    pub over: Option<Outcome>,
}

/// What the history calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Choice,
    Proof(Factor),
    Word,
    Refusal(Problem),
    Consent,
    Nothing,
}

impl Ghost {
    pub fn begin(world: &World) -> Ghost {
        let signed_in = [Person::Hero, Person::Other]
            .into_iter()
            .filter(|person| world.session_of(*person).is_some());
        let signed_in: Vec<Person> = signed_in.collect();
        // Alone in this browser, or the only one that can be meant when nobody may be asked.
        let alone = match signed_in[..] {
            [one] if world.session.known <= 1 || world.asked.none => Some(one),
            _ => None,
        };
        let claimed = match world.asked.select_account {
            true => None,
            false => world.hint.or(alone),
        };
        Ghost {
            claimed,
            picked: false,
            entry: claimed.is_some_and(|person| signed_in.contains(&person)),
            record: world.record,
            computer: world.computer,
            here: Facts::default(),
            consent: false,
            phase: Phase::NotSent,
            last: None,
            open: 0,
            wrong: 0,
            over: None,
        }
    }

    /// The name of the next number.
    pub fn coming(&self) -> u8 {
        self.last.map_or(0, |last| 1 - last)
    }

    /// Whether a right answer comes of somebody who has no record: tried all the same, and never to be drawn.
    pub fn pretends(&self, happened: Move) -> bool {
        let right = match happened {
            Move::Password(right) | Move::Code(right) | Move::Answer { right, .. } => right,
            _ => false,
        };
        right && self.claimed == Some(Person::Nobody)
    }

    pub fn standing(&self) -> Standing {
        match self.claimed {
            Some(Person::Hero) => self.record.standing,
            _ => WELL.standing,
        }
    }

    fn has_phone(&self) -> bool {
        match self.claimed {
            Some(Person::Hero) => self.record.phone,
            _ => true,
        }
    }

    /// The session's part that this request lets count.
    pub fn counting(&self, world: &World, now: Timestamp) -> Option<(Timestamp, Facts)> {
        let (auth_time, facts) = world.session_of(self.claimed?)?;
        let old = world
            .asked
            .max_age
            .is_some_and(|max| now.0 - auth_time.0 > max);
        (self.entry && !old && !world.asked.force_login).then_some((auth_time, facts))
    }

    /// When the claimed person proved a factor, here or in a session that counts.
    pub fn proven(&self, world: &World, factor: Factor, now: Timestamp) -> Option<Timestamp> {
        let of = |facts: Facts| match factor {
            Factor::Password => facts.password,
            Factor::Code => facts.code,
            Factor::Number => facts.number,
        };
        let session = self.counting(world, now).map(|(_, facts)| facts);
        of(self.here).or_else(|| session.and_then(of))
    }

    pub fn word(&self, world: &World, now: Timestamp) -> Option<(Timestamp, bool)> {
        let session = self.counting(world, now);
        self.here
            .word
            .or_else(|| session.and_then(|(_, facts)| facts.word))
    }

    /// What the claimed person's sign-in takes, when it is decided here.
    pub fn demand(&self, world: &World) -> Option<Demand> {
        let person = self.claimed?;
        (world.home(person) == Home::Local).then(|| self.demand_of(world, person))
    }

    /// The demand, with the number on top where the request wants it and it can be had or is insisted on.
    fn demand_of(&self, world: &World, person: Person) -> Demand {
        use Factor::{Code, Number, Password};
        let demand = world.demand(person, self.computer);
        let wanted = match world.asked.strength {
            Strength::Usual => false,
            Strength::Preferred => self.has_phone() && !world.asked.none,
            Strength::Required => true,
        };
        match demand {
            Demand::Prove {
                factors,
                computer_counts,
            } if wanted => Demand::Prove {
                factors: match factors {
                    [Password] => &[Password, Number],
                    [Code] => &[Code, Number],
                    other => other,
                },
                computer_counts,
            },
            other => other,
        }
    }

    /// Whether the claimed person is the one that the request insists on.
    pub fn is_the_one(&self, world: &World) -> bool {
        let claimed = self.claimed.map(id);
        world.asked.only.is_none()
            || world.asked.only == claimed.filter(|_| self.claimed != Some(Person::Nobody))
    }

    fn allowed(&self, world: &World) -> bool {
        let before = self.claimed == Some(Person::Hero) && self.record.allowed;
        let due = world.asked.consent || (world.asked.approval && !before);
        self.consent || !due
    }

    /// What a grant must rest on.
    pub fn deserves_a_grant(&self, world: &World, now: Timestamp) -> bool {
        let Some(person) = self.claimed.filter(|person| *person != Person::Nobody) else {
            return false;
        };
        let proven = match (world.home(person), self.demand_of(world, person)) {
            (Home::Upstream(_), _) => matches!(self.word(world, now), Some((_, true))),
            (Home::Local, Demand::Refuse(_)) => false,
            (Home::Local, Demand::Prove { factors, .. }) => factors
                .iter()
                .all(|factor| self.proven(world, *factor, now).is_some()),
        };
        proven
            && self.standing() == Standing::Active
            && (!world.asked.select_account || self.picked)
            && self.is_the_one(world)
            && self.allowed(world)
    }

    /// Whether anything stands behind the claim: a factor of the claimed person, their home's word, or a computer whose
    /// class is a factor.
    pub fn vouched(&self, world: &World, now: Timestamp) -> bool {
        let computer = matches!(
            self.demand(world),
            Some(Demand::Prove {
                computer_counts: true,
                ..
            })
        );
        let factors = [Factor::Password, Factor::Code, Factor::Number];
        let proven = |factor: &Factor| self.proven(world, *factor, now).is_some();
        computer || factors.iter().any(proven) || self.word(world, now).is_some()
    }

    /// The first thing missing.
    pub fn due(&self, world: &World, now: Timestamp) -> Due {
        if self.claimed.is_none() || (world.asked.select_account && !self.picked) {
            return Due::Choice;
        }
        if !self.is_the_one(world) {
            return Due::Refusal(Problem::WrongAccount);
        }
        let bar = self.standing().bar();
        let unmet = match self.demand(world) {
            None => match (self.word(world, now), bar) {
                (None, _) => Some(Due::Word),
                (Some(_), Some(bar)) => Some(Due::Refusal(bar)),
                (Some((_, strong)), None) => (!strong).then_some(Due::Refusal(Problem::TooWeak)),
            },
            Some(Demand::Refuse(problem)) => Some(Due::Refusal(problem)),
            Some(Demand::Prove {
                factors,
                computer_counts,
            }) => {
                let missing = factors
                    .iter()
                    .position(|factor| self.proven(world, *factor, now).is_none());
                match (bar, missing.map(|n| factors[n])) {
                    (Some(bar), _) if computer_counts || missing != Some(0) => {
                        Some(Due::Refusal(bar))
                    }
                    (_, Some(Factor::Number)) if !self.has_phone() => {
                        Some(Due::Refusal(Problem::NoAuthenticator))
                    }
                    (_, missing) => missing.map(Due::Proof),
                }
            }
        };
        match unmet {
            Some(due) => due,
            None if !self.allowed(world) => Due::Consent,
            None => Due::Nothing,
        }
    }

    /// What `prompt=none` is answered (Core §3.1.2.6), where no grant is deserved.
    pub fn silence(&self, world: &World, now: Timestamp) -> Refusal {
        let signed_in =
            usize::from(world.session.hero.is_some()) + usize::from(world.session.other);
        match (self.claimed, self.due(world, now)) {
            (None, _) if signed_in > 1 => Refusal::AccountSelectionRequired,
            (None, _) => Refusal::LoginRequired,
            (Some(_), _) if !self.is_the_one(world) => Refusal::LoginRequired,
            (Some(_), _) if self.counting(world, now).is_none() => Refusal::LoginRequired,
            (Some(_), Due::Refusal(problem)) => Refusal::Problem(problem),
            (Some(_), Due::Consent) => Refusal::ConsentRequired,
            (Some(_), _) => Refusal::InteractionRequired,
        }
    }

    /// Whether the hero can still be let in without another claim, another computer or a change of the record.
    pub fn hopeful(&self, world: &World, now: Timestamp) -> bool {
        let hero = self.claimed == Some(Person::Hero);
        let local = world.home(Person::Hero) == Home::Local;
        let wanted = self.is_the_one(world);
        if self.record.standing != Standing::Active || (local && !hero) || !wanted {
            return false;
        }
        match self.demand(world) {
            None => !matches!(self.word(world, now), Some((_, false))),
            Some(Demand::Refuse(_)) => false,
            Some(Demand::Prove { factors, .. }) => {
                let number = self.proven(world, Factor::Number, now).is_some();
                self.record.phone || number || !factors.contains(&Factor::Number)
            }
        }
    }

    /// The history with one move more, which the machine took.
    pub fn saw(mut self, world: &World, happened: Move, now: Timestamp) -> Ghost {
        let known = self.claimed.is_some_and(|person| person != Person::Nobody);
        match happened {
            Move::Choose(person) => {
                self = self.claims(Some(person));
                self.entry = world.session_of(person).is_some();
            }
            Move::ChooseWithForeignEntry => self = self.claims(Some(Person::Hero)),
            Move::Another => self = self.claims(None),
            Move::Password(true) if known => self.here.password = Some(now),
            Move::Code(true) if known => self.here.code = Some(now),
            Move::Send => {
                let challenge = self.coming();
                self = self.closed();
                self.last = Some(challenge);
                self.open |= 1 << challenge;
                let until = now.plus(NUMBER_S);
                self.phase = Phase::Live { challenge, until };
            }
            Move::Limited => {
                self = self.closed();
                let until = now.plus(60);
                self.phase = Phase::Limited { until };
            }
            Move::Answer { right, .. } => self = self.answered(right, known.then_some(now)),
            Move::Decline { reported, .. } => {
                self = self.closed();
                self.over = Some(refused(match reported {
                    true => Problem::OnHold,
                    false => Problem::Declined,
                }));
            }
            Move::Superseded(_) => {
                self = self.closed();
                self.phase = Phase::Over(NumberEnd::Superseded);
            }
            Move::Upstream(said) => match said.word(now) {
                Some(word) => {
                    self.claimed = Some(Person::Hero);
                    self.here.word = Some(word);
                }
                None => self.over = Some(refused(Problem::WrongAccount)),
            },
            Move::UpstreamRefused => self.over = Some(Outcome::Refused(Refusal::Upstream)),
            Move::Device(computer) => self.computer = computer,
            Move::Consent => self.consent = true,
            Move::Cancel => {
                let problem = match self.due(world, now) {
                    Due::Refusal(problem) => Some(problem),
                    _ => None,
                };
                self.over = Some(Outcome::Refused(Refusal::Cancelled(problem)));
            }
            Move::Collect => self.over = Some(Outcome::Granted),
            Move::Record(record) => self.record = record,
            Move::Password(_) | Move::Code(_) | Move::Wait(_) => {}
        }
        match self.over {
            Some(_) => self.closed(),
            None => self,
        }
    }

    /// Another claim: whatever was proven or allowed before it belongs to somebody else.
    fn claims(self, person: Option<Person>) -> Ghost {
        Ghost {
            claimed: person,
            picked: person.is_some(),
            entry: false,
            here: Facts::default(),
            consent: false,
            phase: Phase::NotSent,
            ..self.closed()
        }
    }

    fn answered(self, right: bool, proven_at: Option<Timestamp>) -> Ghost {
        let mut after = self.closed();
        if right {
            after.phase = Phase::Over(NumberEnd::Approved);
            after.here.number = proven_at;
            return after;
        }
        after.phase = Phase::Over(NumberEnd::Wrong);
        after.wrong += 1;
        if after.wrong == 3 {
            after.over = Some(refused(Problem::NumberWrong));
        }
        after
    }

    /// No number is left on any phone.
    fn closed(mut self) -> Ghost {
        self.open = 0;
        self
    }
}

fn refused(problem: Problem) -> Outcome {
    Outcome::Refused(Refusal::Problem(problem))
}
