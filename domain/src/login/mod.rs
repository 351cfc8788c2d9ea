//! One login: a browser's attempt to satisfy one authorization request.
//!
//! [`Login::begin`] takes what was asked and what the browser already carries. [`Login::next`] says what is still
//! missing. [`Login::step`] takes what happened and answers with the new login and the effects to carry out. Pure: no
//! clock, no randomness, no I/O. No secret ever enters a login, so it can be stored, logged and replayed.
//!
//! The order in which things are asked stands in [`requirement`]; what each page accepts in [`prompt`].

pub mod achieved;
pub mod effect;
pub mod event;
pub mod evidence;
pub mod lockout;
pub mod number_match;
pub mod prompt;
pub mod requirement;
pub mod verification_code;

pub use achieved::Achieved;
pub use effect::{Effect, NumberEnd};
pub use event::Event;
pub use evidence::{Chosen, Evidence, Proof, Proofs, SignedIn, UpstreamProof, Who};
pub use prompt::Prompt;

use crate::access::{Factor, Policy};
use crate::device::DeviceEvidence;
use crate::id::{AccountId, ChallengeId};
use crate::problem::Problem;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a login lives.
pub const LIFETIME_S: Seconds = 30 * 60;
/// Wrong numbers that end a login.
pub const WRONG_NUMBERS_MAX: u8 = 3;

/// What the authorization request wants of the login (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Asked {
    /// `prompt=none`: never show a page.
    pub none: bool,
    /// `prompt=login`: authenticate again, whatever the session says.
    pub force_login: bool,
    /// `prompt=select_account`: let the person choose, even from one.
    pub select_account: bool,
    /// `prompt=consent`: ask for consent, whatever was allowed before.
    pub consent: bool,
    /// The client is not approved beforehand: consent is asked for unless it is remembered.
    #[serde(default)]
    pub approval: bool,
    /// `max_age`, in seconds.
    pub max_age: Option<Seconds>,
    /// How strong the sign-in is to be, beyond what access control asks for.
    #[serde(default)]
    pub strength: Strength,
    /// The only account that the answer may be about (`id_token_hint` or the `sub` claim; Core §3.1.2.1, §5.5.1).
    #[serde(default)]
    pub only: Option<AccountId>,
    /// Whether the client is marked for automated tests.
    pub test_client: bool,
}

/// Whether a request wants the number on top of what access control asks for (Core §5.5.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// What access control asks for.
    #[default]
    Usual,
    /// The number too, from whoever has a phone and may be asked.
    Preferred,
    /// The number too; without a phone there is no way in.
    Required,
}

/// What the browser and the request bring when a login begins.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Accounts signed in in this browser.
    pub signed_in: Vec<SignedIn>,
    /// How many accounts are known in this browser, signed in or not.
    pub known: usize,
    /// Whom `id_token_hint` or `login_hint` names.
    pub hint: Option<Chosen>,
    /// Whether the request names somebody whom this browser does not know: a person is asked who they are.
    pub stranger: bool,
    /// What was shown of the computer.
    pub device: DeviceEvidence,
}

/// The rules a login is measured against; the same for every login of an instance.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Conditional access.
    pub policy: &'a Policy,
}

/// One browser's attempt to satisfy one authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Login {
    /// What was asked.
    pub asked: Asked,
    /// What has been proven.
    pub evidence: Evidence,
    number: NumberState,
    wrong_numbers: u8,
    /// How many accounts were signed in when it began.
    signed_in_here: usize,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    outcome: Option<Outcome>,
}

/// Where the number stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NumberState {
    NotSent,
    Live {
        challenge: ChallengeId,
        expires_at: Timestamp,
    },
    Over(NumberEnd),
    Limited {
        until: Timestamp,
    },
}

/// How a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The session is kept and the code was given out.
    Granted,
    /// It was not to be.
    Refused(Refusal),
}

/// Why a login ended without a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Its time was over.
    Expired,
    /// The person went back; with the problem that stood on the page, if one did.
    Cancelled(Option<Problem>),
    /// Something ended it; the page says what.
    Problem(Problem),
    /// The upstream provider refused and told the person why.
    Upstream,
    /// `prompt=none`, and nobody suitable is signed in.
    LoginRequired,
    /// `prompt=none`, and more would have to be proven.
    InteractionRequired,
    /// `prompt=none`, and several are signed in.
    AccountSelectionRequired,
    /// `prompt=none`, and consent is missing.
    ConsentRequired,
}

/// What a login waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// A page.
    Ask(Prompt),
    /// Everything is proven; the browser comes to take the answer.
    Collect,
    /// Nothing: it is over.
    Finish(Outcome),
}

/// The event does not answer what the login asks now. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event does not answer the current prompt")]
pub struct Unexpected;

impl Login {
    /// Begins with what the browser already carries: its session, its hints and its computer.
    ///
    /// One signed-in account is taken without asking where no other is known in this browser, or where no page may be
    /// shown; a hint names the account unless the request wants the picker.
    pub fn begin(asked: Asked, arrival: Arrival, now: Timestamp) -> Login {
        let signed_in_here = arrival.signed_in.len();
        let one_known = arrival.known <= 1 && !arrival.stranger;
        let alone = signed_in_here == 1 && (one_known || asked.none);
        let chosen = match arrival.hint {
            _ if asked.select_account => None,
            Some(hint) => Some(hint),
            None if alone => arrival
                .signed_in
                .first()
                .map(|one| Chosen::Known(one.who.clone())),
            None => None,
        };
        let before = chosen.as_ref().and_then(Chosen::account).and_then(|id| {
            let mut entries = arrival.signed_in.iter();
            entries.find(|one| one.who.id == *id).cloned()
        });
        Login {
            asked,
            evidence: Evidence {
                chosen,
                picked: false,
                device: arrival.device,
                here: Proofs::default(),
                before,
                consent: false,
            },
            number: NumberState::NotSent,
            wrong_numbers: 0,
            signed_in_here,
            expires_at: now.plus(LIFETIME_S),
            outcome: None,
        }
    }

    /// The login with the account's record as it stands now. Another account than the chosen one changes nothing.
    #[must_use]
    pub fn refreshed(mut self, fresh: Who) -> Login {
        if let Some(Chosen::Known(who)) = &mut self.evidence.chosen
            && who.id == fresh.id
        {
            *who = fresh;
        }
        self
    }

    /// Whether too many numbers were asked for, rather than one taken from this login by another.
    pub fn was_limited(&self) -> bool {
        matches!(self.number, NumberState::Limited { .. })
    }

    /// What is missing now.
    pub fn next(&self, rules: &Rules<'_>, now: Timestamp) -> Next {
        if let Some(outcome) = self.outcome {
            return Next::Finish(outcome);
        }
        if now >= self.expires_at {
            return Next::Finish(Outcome::Refused(Refusal::Expired));
        }
        match self.first_unmet(rules, now) {
            None => Next::Collect,
            Some(prompt) if self.asked.none => {
                Next::Finish(Outcome::Refused(self.silent_refusal(&prompt, now)))
            }
            Some(prompt) => Next::Ask(prompt),
        }
    }

    /// What `prompt=none` answers instead of a page (Core §3.1.2.6).
    fn silent_refusal(&self, prompt: &Prompt, now: Timestamp) -> Refusal {
        let session_counts = self.evidence.chosen.as_ref().is_some_and(|chosen| {
            let account = chosen.account();
            account.is_some_and(|id| self.session_that_counts(id, now).is_some())
        });
        match prompt {
            Prompt::ChooseAccount if self.signed_in_here > 1 => Refusal::AccountSelectionRequired,
            Prompt::ChooseAccount => Refusal::LoginRequired,
            // Core §3.1.2.1: another account than the one that the request insists on is as good as none.
            _ if !self.is_the_one() => Refusal::LoginRequired,
            Prompt::Consent => Refusal::ConsentRequired,
            _ if !session_counts => Refusal::LoginRequired,
            Prompt::Denied(problem) => Refusal::Problem(*problem),
            _ => Refusal::InteractionRequired,
        }
    }

    /// Applies one event. It must answer what the login waits for; anything else is refused and changes nothing.
    pub fn step(
        mut self,
        event: Event,
        rules: &Rules<'_>,
        now: Timestamp,
    ) -> Result<(Login, Vec<Effect>), Unexpected> {
        let next = self.next(rules, now);
        let expected = match &next {
            Next::Ask(prompt) => prompt.accepts(&event),
            Next::Collect => matches!(event, Event::Collected | Event::Cancelled),
            Next::Finish(_) => false,
        };
        if !expected {
            return Err(Unexpected);
        }
        let mut effects = Vec::new();
        match event {
            Event::AccountChosen(chosen, before) => self.choose(chosen, before, &mut effects),
            Event::AnotherAccount => self.forget_account(&mut effects),
            Event::PasswordChecked { right } => {
                self.prove(Factor::Password, right, now, &mut effects)
            }
            Event::CodeChecked { right } => self.prove(Factor::Code, right, now, &mut effects),
            Event::NumberSent {
                challenge,
                expires_at,
            } => self.number_sent(challenge, expires_at, &mut effects),
            Event::NumberLimited { until } => {
                self.end_live_number(&mut effects);
                self.number = NumberState::Limited { until };
            }
            Event::NumberAnswered { challenge, right } => {
                self.number_answered(challenge, right, now, &mut effects)
            }
            Event::NumberDeclined {
                challenge,
                reported,
            } => self.number_declined(challenge, reported, &mut effects),
            Event::NumberSuperseded { .. } => self.end_live_number(&mut effects),
            Event::UpstreamReturned {
                who,
                as_chosen,
                proof,
            } => self.upstream_returned(who, as_chosen, proof),
            Event::UpstreamRefused => self.outcome = Some(Outcome::Refused(Refusal::Upstream)),
            Event::DeviceSeen(device) => self.evidence.device = device,
            Event::ConsentGiven => {
                self.evidence.consent = true;
                effects.extend(self.account().cloned().map(Effect::RememberConsent));
            }
            Event::Cancelled => self.cancel(&next),
            Event::Collected => {
                self.outcome = Some(Outcome::Granted);
                effects.extend([Effect::StartSession, Effect::IssueCode]);
            }
        }
        if self.outcome.is_some() {
            // However it ended: no phone goes on asking for a login that is over.
            self.end_live_number(&mut effects);
        }
        Ok((self, effects))
    }

    /// Proofs belong to the account that gave them: a choice drops what was proven before it.
    fn choose(&mut self, chosen: Chosen, before: Option<SignedIn>, effects: &mut Vec<Effect>) {
        self.forget_account(effects);
        self.evidence.before = before.filter(|entry| Some(&entry.who.id) == chosen.account());
        self.evidence.chosen = Some(chosen);
        self.evidence.picked = true;
    }

    fn forget_account(&mut self, effects: &mut Vec<Effect>) {
        self.end_live_number(effects);
        self.number = NumberState::NotSent;
        self.evidence.here = Proofs::default();
        self.evidence.before = None;
        self.evidence.chosen = None;
        self.evidence.picked = false;
        self.evidence.consent = false;
    }

    fn prove(&mut self, factor: Factor, right: bool, now: Timestamp, effects: &mut Vec<Effect>) {
        let account = self.account().cloned();
        let (true, Some(account)) = (right, account) else {
            effects.push(Effect::CountFailure(factor));
            return;
        };
        let proof = Some(Proof { account, at: now });
        match factor {
            Factor::Password => self.evidence.here.password = proof,
            Factor::Code => self.evidence.here.code = proof,
            Factor::Number => self.evidence.here.number = proof,
        }
        effects.push(Effect::ClearFailures(factor));
    }

    fn number_sent(
        &mut self,
        challenge: ChallengeId,
        expires_at: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        self.end_live_number(effects);
        effects.push(Effect::NotifyPhones(challenge.clone()));
        self.number = NumberState::Live {
            challenge,
            expires_at,
        };
    }

    fn number_answered(
        &mut self,
        challenge: ChallengeId,
        right: bool,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let end = if right {
            NumberEnd::Approved
        } else {
            NumberEnd::Wrong
        };
        effects.push(Effect::EndNumber(challenge, end));
        self.number = NumberState::Over(end);
        self.prove(Factor::Number, right, now, effects);
        if !right {
            self.wrong_numbers = self.wrong_numbers.saturating_add(1);
            if self.wrong_numbers >= WRONG_NUMBERS_MAX {
                self.refuse(Problem::NumberWrong);
            }
        }
    }

    fn number_declined(
        &mut self,
        challenge: ChallengeId,
        reported: bool,
        effects: &mut Vec<Effect>,
    ) {
        let (end, problem) = if reported {
            (NumberEnd::Reported, Problem::OnHold)
        } else {
            (NumberEnd::Declined, Problem::Declined)
        };
        effects.push(Effect::EndNumber(challenge, end));
        self.number = NumberState::Over(end);
        if reported && let Some(account) = self.account().cloned() {
            effects.push(Effect::Hold(account));
        }
        self.refuse(problem);
    }

    /// The shell knows whom an unknown login ID meant; of a known account the login judges for itself.
    fn upstream_returned(&mut self, who: Who, as_chosen: bool, proof: UpstreamProof) {
        let same = self.account().is_none_or(|chosen| *chosen == who.id);
        if !as_chosen || !same || proof.account != who.id {
            return self.refuse(Problem::WrongAccount);
        }
        self.evidence.chosen = Some(Chosen::Known(who));
        self.evidence.here.upstream = Some(proof);
    }

    fn cancel(&mut self, next: &Next) {
        let problem = match next {
            Next::Ask(Prompt::Denied(problem)) => Some(*problem),
            _ => None,
        };
        self.outcome = Some(Outcome::Refused(Refusal::Cancelled(problem)));
    }

    /// A number that is replaced or left behind is over, on the phones too.
    fn end_live_number(&mut self, effects: &mut Vec<Effect>) {
        if let NumberState::Live { challenge, .. } = &self.number {
            let end = NumberEnd::Superseded;
            effects.push(Effect::EndNumber(challenge.clone(), end));
            self.number = NumberState::Over(end);
        }
    }

    fn refuse(&mut self, problem: Problem) {
        self.outcome = Some(Outcome::Refused(Refusal::Problem(problem)));
    }

    /// Whether the chosen account is the one that the request insists on, if it insists on one.
    fn is_the_one(&self) -> bool {
        self.asked.only.is_none() || self.account() == self.asked.only.as_ref()
    }

    fn account(&self) -> Option<&AccountId> {
        self.evidence.chosen.as_ref().and_then(Chosen::account)
    }
}
