//! The order in which a login asks. This list *is* the login.

use super::evidence::{Chosen, Evidence, Proof, Proofs, Who};
use super::number_match;
use super::{Login, NumberState, Prompt, Rules, Strength};
use crate::access::{self, Decision, Factor, Signals, Verdict};
use crate::account::{Home, Status};
use crate::id::AccountId;
use crate::problem::Problem;
use crate::time::Timestamp;

/// `acr` of a sign-in by number match in its familiar profile: two digits, a signed answer, a second factor.
pub const ACR_NUMBER_MATCH: &str = "urn:techpass:acr:number-match";
/// `acr` of a sign-in with one factor.
pub const ACR_SINGLE_FACTOR: &str = "urn:techpass:acr:single-factor";

impl Login {
    /// The first requirement that is not met; `None` when all are.
    pub(super) fn first_unmet(&self, rules: &Rules<'_>, now: Timestamp) -> Option<Prompt> {
        let evidence = &self.evidence;
        let Some(chosen) = &evidence.chosen else {
            return Some(Prompt::ChooseAccount);
        };
        if self.asked.select_account && !evidence.picked {
            return Some(Prompt::ChooseAccount);
        }
        if !self.is_the_one() {
            return Some(Prompt::Denied(Problem::WrongAccount));
        }
        let unmet = match chosen.home() {
            Home::Upstream(upstream) => {
                let proof = self.upstream_proof(chosen, now);
                match (proof, chosen) {
                    (Some(proof), Chosen::Known(who)) => {
                        self.barred(who).or_else(|| weak(proof.acr.as_deref()))
                    }
                    _ => Some(Prompt::Upstream(upstream.clone())),
                }
            }
            Home::Local => self.local_factors(chosen, &self.decision(rules, chosen), now),
        };
        unmet.or_else(|| self.consent_is_due(chosen).then_some(Prompt::Consent))
    }

    /// Core §3.1.2.4: asked for where the request wants it, or where nobody approved the client and the account has not
    /// allowed as much before.
    fn consent_is_due(&self, chosen: &Chosen) -> bool {
        let remembered = matches!(chosen, Chosen::Known(who) if who.consented);
        let due = self.asked.consent || (self.asked.approval && !remembered);
        due && !self.evidence.consent
    }

    /// What access control says of this login as it stands.
    pub fn decision(&self, rules: &Rules<'_>, chosen: &Chosen) -> Decision {
        access::decide(
            rules.policy,
            Signals {
                kind: chosen.kind(),
                account: chosen.account(),
                device: &self.evidence.device,
                test_client: self.asked.test_client,
            },
        )
    }

    fn local_factors(
        &self,
        chosen: &Chosen,
        decision: &Decision,
        now: Timestamp,
    ) -> Option<Prompt> {
        let factors = match &decision.verdict {
            Verdict::Deny(problem) => return Some(Prompt::Denied(*problem)),
            Verdict::Require(factors) => self.strengthened(factors, chosen),
        };
        // A rule that asks for nothing lets nobody in. One that begins with the number, on a computer that counts for
        // nothing, would ring the phone of whoever's login ID is typed.
        let enough = match factors.first() {
            None => false,
            Some(Factor::Number) => decision.device_counts,
            Some(Factor::Password | Factor::Code) => true,
        };
        if !enough {
            return Some(Prompt::Denied(Problem::TooWeak));
        }
        // A hold or a closed account is told only to somebody who has proven something.
        let mut proven_one = decision.device_counts;
        for factor in factors {
            if proven_one && let Some(barred) = self.barred_chosen(chosen) {
                return Some(barred);
            }
            if self.proof(factor, chosen, now).is_none() {
                return Some(self.ask(factor, chosen, now));
            }
            proven_one = true;
        }
        self.barred_chosen(chosen)
    }

    /// The factors of a rule, and the number where the request wants it too (Core §5.5.1.1).
    fn strengthened(&self, factors: &[Factor], chosen: &Chosen) -> Vec<Factor> {
        let wanted = match (self.asked.strength, chosen) {
            (Strength::Usual, _) => false,
            (Strength::Required, _) => true,
            // What is only preferred is no reason to refuse where nobody can be asked.
            (Strength::Preferred, _) if self.asked.none => false,
            (Strength::Preferred, Chosen::Known(who)) => who.has_authenticator,
            (Strength::Preferred, Chosen::Unknown { .. }) => true,
        };
        let mut all = factors.to_vec();
        if wanted && !factors.is_empty() && !factors.contains(&Factor::Number) {
            all.push(Factor::Number);
        }
        all
    }

    fn ask(&self, factor: Factor, chosen: &Chosen, now: Timestamp) -> Prompt {
        match factor {
            Factor::Password => Prompt::Password,
            Factor::Code => Prompt::Code,
            Factor::Number => match (&self.number, chosen) {
                (_, Chosen::Known(who)) if !who.has_authenticator => {
                    Prompt::Denied(Problem::NoAuthenticator)
                }
                (number, _) => number.prompt(now),
            },
        }
    }

    fn barred_chosen(&self, chosen: &Chosen) -> Option<Prompt> {
        match chosen {
            Chosen::Known(who) => self.barred(who),
            Chosen::Unknown { .. } => None,
        }
    }

    fn barred(&self, who: &Who) -> Option<Prompt> {
        match who.status {
            Status::Active => None,
            Status::OnHold { .. } => Some(Prompt::Denied(Problem::OnHold)),
            Status::Disabled => Some(Prompt::Denied(Problem::Disabled)),
            Status::Closed => Some(Prompt::Denied(Problem::Closed)),
        }
    }

    /// The proof of a factor that counts now: by the chosen account, of this login, or of the session where the request
    /// lets a session count.
    pub(super) fn proof(&self, factor: Factor, chosen: &Chosen, now: Timestamp) -> Option<&Proof> {
        let account = chosen.account()?;
        select(&self.evidence.here, factor, account).or_else(|| {
            let before = self.session_that_counts(account, now)?;
            select(&before.proofs, factor, account)
        })
    }

    pub(super) fn upstream_proof(
        &self,
        chosen: &Chosen,
        now: Timestamp,
    ) -> Option<&super::evidence::UpstreamProof> {
        let account = chosen.account()?;
        let of_here = self.evidence.here.upstream.as_ref();
        of_here.filter(|p| p.account == *account).or_else(|| {
            let before = self.session_that_counts(account, now)?;
            let proof = before.proofs.upstream.as_ref();
            proof.filter(|p| p.account == *account)
        })
    }

    /// The session's entry, unless the request asked for a fresh login or a younger authentication
    /// (`prompt=login`, `max_age`; OpenID Connect Core §3.1.2.1). `max_age=0` means what `prompt=login` means, also in the
    /// very second of an authentication.
    pub(super) fn session_that_counts(
        &self,
        account: &AccountId,
        now: Timestamp,
    ) -> Option<&super::evidence::SignedIn> {
        let before = self.evidence.before.as_ref()?;
        let young = self
            .asked
            .max_age
            .is_none_or(|max_age| max_age > 0 && now.since(before.auth_time) <= max_age);
        (before.who.id == *account && !self.asked.force_login && young).then_some(before)
    }
}

fn select<'a>(proofs: &'a Proofs, factor: Factor, account: &AccountId) -> Option<&'a Proof> {
    let proof = match factor {
        Factor::Password => &proofs.password,
        Factor::Code => &proofs.code,
        Factor::Number => &proofs.number,
    };
    proof.as_ref().filter(|p| p.account == *account)
}

/// An upstream's word counts when it says two factors.
fn weak(acr: Option<&str>) -> Option<Prompt> {
    (acr != Some(ACR_NUMBER_MATCH)).then_some(Prompt::Denied(Problem::TooWeak))
}

impl NumberState {
    fn prompt(&self, now: Timestamp) -> Prompt {
        match self {
            NumberState::NotSent => Prompt::SendNumber,
            NumberState::Live {
                challenge,
                expires_at,
            } if number_match::waits(*expires_at, now) => Prompt::MatchNumber {
                challenge: challenge.clone(),
                expires_at: *expires_at,
            },
            NumberState::Live { .. } => Prompt::NumberOver(super::NumberEnd::Expired),
            NumberState::Over(end) => Prompt::NumberOver(*end),
            NumberState::Limited { until } if now < *until => {
                Prompt::NumberLimited { until: *until }
            }
            NumberState::Limited { .. } => Prompt::NumberOver(super::NumberEnd::Superseded),
        }
    }
}

impl Evidence {
    /// Whether anything was proven in this login.
    pub fn proven_here(&self) -> bool {
        !self.here.is_empty()
    }
}
