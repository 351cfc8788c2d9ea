//! What must hold in every state and at every step, each under a name.

use crate::login::cast::{Person, Standing, T0, id};
use crate::login::ghost::{Due, Ghost, Phase};
use crate::login::moves::{Move, challenge};
use crate::login::worlds::{Demand, World};
use techpass_domain::access::Factor;
use techpass_domain::login::{Effect, LIFETIME_S, Next, NumberEnd, Outcome, Prompt, Refusal};
use techpass_domain::problem::Problem;
use techpass_domain::time::Timestamp;

macro_rules! checks {
    ($($name:ident: $rule:literal),+ $(,)?) => {
        /// The invariants.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Check { $($name),+ }
        impl Check {
            pub const ALL: &'static [Check] = &[$(Check::$name),+];
            /// The invariant in words.
            pub fn rule(self) -> &'static str {
                match self { $(Check::$name => $rule),+ }
            }
        }
    };
}

checks! {
    Grant: "A login is ready to be collected only when the chosen account has proven everything that its sign-in takes.",
    Freshness: "`prompt=login` makes the session count for nothing; under `max_age` only a young enough one counts.",
    Choice: "Where nobody is chosen, or `prompt=select_account` asks for a choice, a person chooses before anything else.",
    Consent: "Where consent is needed, nothing is granted without it, it is remembered once given, and consent for one account is none for another.",
    Only: "Where the request insists on an account, no other one is granted anything.",
    Computer: "A computer that the policy refuses, or that belongs to somebody else, lets nobody in.",
    UnknownAccount: "A login ID without a record is never granted anything.",
    Barred: "An account on hold, disabled or closed is never granted anything.",
    Withheld: "Once everything is proven, no further page stands in the way.",
    OneGrant: "A grant comes of `Collected` alone, with exactly one session and exactly one code.",
    Over: "A login that is over stays as it ended and takes no further event, and none ends without a cause.",
    Lifetime: "A login ends by itself after half an hour and then takes no event.",
    Silent: "`prompt=none` never shows a page, and is answered with the error that says what is missing.",
    Gate: "An event is taken exactly when the page shown asks for it.",
    Switch: "Choosing again drops every proof; what is kept belongs to the chosen account.",
    Discretion: "Whether an account is on hold, disabled or closed is told only after something was proven for it, and truthfully.",
    QuietPhone: "Phones ring only for an account that something vouches for, after every factor that comes before the number, and once for each number.",
    OtherNumber: "An answer to another number than the one shown is not taken.",
    ExpiredNumber: "A number that has expired is neither shown nor taken.",
    WrongNumber: "A wrong number is over at once; the third ends the login.",
    OneNumber: "At most one number of a login is open on the phones: one that is replaced or left behind is closed, with its true end.",
    Report: "A report puts the right account on hold and refuses the login; nothing else holds an account.",
    Decline: "A declined request refuses the login.",
    Failures: "A wrong factor is counted, a right one clears its count, each once.",
    Upstream: "An upstream's word for somebody else than the chosen account refuses the login.",
    UpstreamWeak: "An upstream's word for one factor is not enough.",
    Order: "The page shown asks for the first thing missing, in the policy's order, and a refusal names its true reason.",
    Facts: "What a grant states is about the chosen account and its own session entry, and is stated only for a grant.",
    AuthTime: "`auth_time` is the moment of a real authentication, never in the future, never newer than the session it rests on, and within `max_age`.",
    Methods: "`amr` and `acr` name the factors that were really used, and no others.",
    Reach: "From every page some way leads to a grant, unless the request insists on an account that has none.",
    Hope: "The chosen account itself can reach a grant exactly when its standing, its phone and its computer allow one.",
}

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub struct Broken {
    pub check: Check,
    pub what: String,
}

pub fn broken<T>(check: Check, what: impl std::fmt::Debug) -> Result<T, Broken> {
    let what = format!("{what:?}");
    Err(Broken { check, what })
}

/// Effects of one kind, and the check that looks at them.
type Kind = (Check, fn(&Effect) -> bool);

/// Where a login stands, by the test's account of it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub world: &'a World,
    pub ghost: &'a Ghost,
    pub now: Timestamp,
}

impl View<'_> {
    /// Compares what the machine waits for with what the history calls for.
    pub fn page(self, next: &Next) -> Result<(), Broken> {
        let (world, ghost, now) = (self.world, self.ghost, self.now);
        if let Some(outcome) = ghost.over {
            return match *next == Next::Finish(outcome) {
                true => Ok(()),
                false => broken(blame_end(outcome), next),
            };
        }
        if now >= T0.plus(LIFETIME_S) {
            return match *next == Next::Finish(Outcome::Refused(Refusal::Expired)) {
                true => Ok(()),
                false => broken(Check::Lifetime, next),
            };
        }
        let deserved = ghost.deserves_a_grant(world, now);
        match next {
            Next::Collect if deserved => Ok(()),
            Next::Collect => broken(self.blame_grant(), next),
            Next::Ask(_) if world.asked.none => broken(Check::Silent, next),
            _ if deserved => broken(Check::Withheld, next),
            Next::Finish(outcome) if world.asked.none => {
                let expected = Outcome::Refused(ghost.silence(world, now));
                match *outcome == expected {
                    true => Ok(()),
                    false => broken(Check::Silent, (next, expected)),
                }
            }
            Next::Finish(_) => broken(Check::Over, next),
            Next::Ask(prompt) => self.prompt(prompt),
        }
    }

    /// The seconds from now on in which something ends, and the last ones before: of the login, of a number, of a limit,
    /// of a session's worth.
    pub fn edges(self) -> Vec<Timestamp> {
        let (world, ghost) = (self.world, self.ghost);
        let mut ends = vec![T0.plus(LIFETIME_S)];
        if let Phase::Live { until, .. } | Phase::Limited { until } = ghost.phase {
            ends.push(until);
        }
        if let (Some(max_age), Some((auth_time, _))) =
            (world.asked.max_age, ghost.counting(world, self.now))
        {
            ends.push(auth_time.plus(max_age + 1));
        }
        let around = ends.into_iter().flat_map(|end| [end.plus(-1), end]);
        around.filter(|at| *at >= self.now).collect()
    }

    /// Which promise an undeserved grant breaks.
    fn blame_grant(self) -> Check {
        let (world, ghost, now) = (self.world, self.ghost, self.now);
        let mut forgiving = world.clone();
        forgiving.asked.force_login = false;
        forgiving.asked.max_age = None;
        let refused = matches!(ghost.demand(world), Some(Demand::Refuse(_)));
        match (ghost.claimed, ghost.due(world, now)) {
            (Some(Person::Nobody), _) => Check::UnknownAccount,
            (_, Due::Choice) => Check::Choice,
            _ if !ghost.is_the_one(world) => Check::Only,
            _ if ghost.standing() != Standing::Active => Check::Barred,
            _ if refused => Check::Computer,
            (_, Due::Consent) => Check::Consent,
            (_, Due::Refusal(Problem::TooWeak)) => Check::UpstreamWeak,
            _ if ghost.deserves_a_grant(&forgiving, now) => Check::Freshness,
            _ => Check::Grant,
        }
    }

    fn prompt(self, prompt: &Prompt) -> Result<(), Broken> {
        let (world, ghost, now) = (self.world, self.ghost, self.now);
        if let Prompt::Denied(problem @ (Problem::OnHold | Problem::Disabled | Problem::Closed)) =
            prompt
            && (!ghost.vouched(world, now) || ghost.standing().bar() != Some(*problem))
        {
            return broken(Check::Discretion, prompt);
        }
        let is_send = *prompt == Prompt::SendNumber;
        if is_send && !self.may_ring() {
            return broken(Check::QuietPhone, prompt);
        }
        let right = match (ghost.due(world, now), prompt) {
            (Due::Choice, Prompt::ChooseAccount)
            | (Due::Consent, Prompt::Consent)
            | (Due::Proof(Factor::Password), Prompt::Password)
            | (Due::Proof(Factor::Code), Prompt::Code) => true,
            (Due::Word, Prompt::Upstream(upstream)) => upstream.as_str() == "wog",
            (Due::Refusal(expected), Prompt::Denied(problem)) => expected == *problem,
            (Due::Proof(Factor::Number), _) => return self.number_page(prompt),
            (Due::Choice, _) => return broken(Check::Choice, prompt),
            _ => false,
        };
        match right {
            true => Ok(()),
            false => broken(Check::Order, (prompt, ghost.due(world, now))),
        }
    }

    fn number_page(self, prompt: &Prompt) -> Result<(), Broken> {
        let now = self.now;
        let expected = match self.ghost.phase {
            Phase::NotSent => Prompt::SendNumber,
            Phase::Live {
                challenge: n,
                until,
            } if now < until => Prompt::MatchNumber {
                challenge: challenge(n),
                expires_at: until,
            },
            Phase::Live { .. } => Prompt::NumberOver(NumberEnd::Expired),
            Phase::Over(end) => Prompt::NumberOver(end),
            Phase::Limited { until } if now < until => Prompt::NumberLimited { until },
            Phase::Limited { .. } => Prompt::NumberOver(NumberEnd::Superseded),
        };
        let check = match (&self.ghost.phase, prompt) {
            _ if *prompt == expected => return Ok(()),
            (Phase::Live { until, .. }, _) if now >= *until => Check::ExpiredNumber,
            (Phase::Over(NumberEnd::Wrong), _) => Check::WrongNumber,
            (_, Prompt::MatchNumber { .. }) => Check::OneNumber,
            _ => Check::Order,
        };
        broken(check, (prompt, expected))
    }

    /// Whether the phones of the claimed account may be rung now. Nobody's phones are a pretence.
    fn may_ring(self) -> bool {
        let (world, ghost, now) = (self.world, self.ghost, self.now);
        let Some(Demand::Prove {
            factors,
            computer_counts,
        }) = ghost.demand(world)
        else {
            return false;
        };
        let before = factors
            .iter()
            .take_while(|factor| **factor != Factor::Number);
        let earlier: Vec<bool> = before
            .map(|factor| ghost.proven(world, *factor, now).is_some())
            .collect();
        let someone = computer_counts || !earlier.is_empty();
        someone && earlier.into_iter().all(|proven| proven) && ghost.standing() == Standing::Active
    }

    /// Whether the page shown asks for this, by a table of its own.
    fn asked_for(self, next: &Next, happened: Move) -> bool {
        let Next::Ask(prompt) = next else {
            return *next == Next::Collect && matches!(happened, Move::Collect | Move::Cancel);
        };
        let number_page = matches!(
            prompt,
            Prompt::SendNumber
                | Prompt::MatchNumber { .. }
                | Prompt::NumberOver(_)
                | Prompt::NumberLimited { .. }
        );
        match happened {
            Move::Cancel => true,
            Move::Choose(_) | Move::ChooseWithForeignEntry => *prompt == Prompt::ChooseAccount,
            Move::Another => *prompt != Prompt::ChooseAccount,
            Move::Password(_) => *prompt == Prompt::Password,
            Move::Code(_) => *prompt == Prompt::Code,
            Move::Send | Move::Limited => number_page,
            Move::Answer { challenge, .. }
            | Move::Decline { challenge, .. }
            | Move::Superseded(challenge) => number_page && self.open_number() == Some(challenge),
            Move::Upstream(_) | Move::UpstreamRefused => matches!(prompt, Prompt::Upstream(_)),
            Move::Device(_) => matches!(prompt, Prompt::Denied(_)),
            Move::Consent => *prompt == Prompt::Consent,
            Move::Collect | Move::Record(_) | Move::Wait(_) => false,
        }
    }

    /// The number that may be answered now.
    fn open_number(self) -> Option<u8> {
        match self.ghost.phase {
            Phase::Live { challenge, until } if self.now < until => Some(challenge),
            _ => None,
        }
    }

    /// Whether the machine was right to take an event, or not to.
    pub fn taken(self, next: &Next, happened: Move, taken: bool) -> Result<(), Broken> {
        if taken == self.asked_for(next, happened) {
            return Ok(());
        }
        let answer = matches!(
            happened,
            Move::Answer { .. } | Move::Decline { .. } | Move::Superseded(_)
        );
        let late = matches!(self.ghost.phase, Phase::Live { until, .. } if self.now >= until);
        let check = match next {
            _ if self.ghost.over.is_some() => Check::Over,
            Next::Finish(_) => Check::Lifetime,
            _ if answer && taken && late => Check::ExpiredNumber,
            _ if answer && taken => Check::OtherNumber,
            _ => Check::Gate,
        };
        broken(check, (next, happened, taken))
    }

    /// Compares the effects of an event that was taken with what its meaning calls for.
    pub fn effects(self, happened: Move, effects: &[Effect]) -> Result<(), Broken> {
        let expected = self.meant(happened);
        let kinds: [Kind; 6] = [
            (Check::Consent, |e| matches!(e, Effect::RememberConsent(_))),
            (Check::Report, |e| matches!(e, Effect::Hold(_))),
            (Check::QuietPhone, |e| matches!(e, Effect::NotifyPhones(_))),
            (Check::OneNumber, |e| matches!(e, Effect::EndNumber(..))),
            (Check::Failures, |e| {
                matches!(e, Effect::CountFailure(_) | Effect::ClearFailures(_))
            }),
            (Check::OneGrant, |e| {
                matches!(e, Effect::StartSession | Effect::IssueCode)
            }),
        ];
        for (check, of_kind) in kinds {
            let done: Vec<&Effect> = effects.iter().filter(|e| of_kind(e)).collect();
            let due: Vec<&Effect> = expected.iter().filter(|e| of_kind(e)).collect();
            if done != due {
                return broken(check, (happened, done, due));
            }
        }
        Ok(())
    }

    fn meant(self, happened: Move) -> Vec<Effect> {
        let ghost = self.ghost;
        let someone = ghost.claimed.filter(|person| *person != Person::Nobody);
        let left_behind = match ghost.phase {
            Phase::Live { challenge: n, .. } if ghost.open & (1 << n) != 0 => {
                Some(Effect::EndNumber(challenge(n), NumberEnd::Superseded))
            }
            _ => None,
        };
        let tried = |factor, right: bool| match right && someone.is_some() {
            true => Effect::ClearFailures(factor),
            false => Effect::CountFailure(factor),
        };
        match happened {
            Move::Password(right) => vec![tried(Factor::Password, right)],
            Move::Code(right) => vec![tried(Factor::Code, right)],
            Move::Send => {
                let ring = Effect::NotifyPhones(challenge(ghost.coming()));
                left_behind.into_iter().chain([ring]).collect()
            }
            Move::Answer {
                challenge: n,
                right,
            } => {
                let end = if right {
                    NumberEnd::Approved
                } else {
                    NumberEnd::Wrong
                };
                let end = Effect::EndNumber(challenge(n), end);
                vec![end, tried(Factor::Number, right)]
            }
            Move::Decline {
                challenge: n,
                reported,
            } => {
                let end = if reported {
                    NumberEnd::Reported
                } else {
                    NumberEnd::Declined
                };
                let hold = someone
                    .filter(|_| reported)
                    .map(|who| Effect::Hold(id(who)));
                let end = Effect::EndNumber(challenge(n), end);
                [Some(end), hold].into_iter().flatten().collect()
            }
            Move::Collect => {
                let grant = [Effect::StartSession, Effect::IssueCode];
                left_behind.into_iter().chain(grant).collect()
            }
            Move::Upstream(said) if said.word(self.now).is_some() => vec![],
            Move::Consent => someone
                .map(id)
                .map(Effect::RememberConsent)
                .into_iter()
                .collect(),
            Move::Device(_) | Move::Record(_) | Move::Wait(_) => vec![],
            _ => left_behind.into_iter().collect(),
        }
    }
}

fn blame_end(outcome: Outcome) -> Check {
    match outcome {
        Outcome::Granted => Check::OneGrant,
        Outcome::Refused(Refusal::Problem(Problem::Declined)) => Check::Decline,
        Outcome::Refused(Refusal::Problem(Problem::OnHold)) => Check::Report,
        Outcome::Refused(Refusal::Problem(Problem::WrongAccount)) => Check::Upstream,
        Outcome::Refused(Refusal::Problem(Problem::NumberWrong)) => Check::WrongNumber,
        Outcome::Refused(_) => Check::Over,
    }
}
