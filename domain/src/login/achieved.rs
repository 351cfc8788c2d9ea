//! What a satisfied login amounts to: who, when, by what, how strong.

use super::evidence::{Chosen, Proof, Proofs};
use super::requirement::{ACR_NUMBER_MATCH, ACR_SINGLE_FACTOR};
use super::{Login, Next, Rules};
use crate::account::Home;
use crate::id::{AccountId, Sid};
use crate::time::Timestamp;

/// The facts that a session keeps and an ID token states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Achieved {
    /// Who.
    pub account: AccountId,
    /// `auth_time`: when the authentication was complete. Factors of the session keep the session's moment.
    pub auth_time: Timestamp,
    /// `amr` (RFC 8176).
    pub amr: Vec<String>,
    /// `acr`.
    pub acr: String,
    /// What the session remembers.
    pub proofs: Proofs,
    /// The session's entry that this login rests on or renews.
    pub entry: Option<Sid>,
}

impl Login {
    /// What this login achieved; `None` unless everything is proven.
    pub fn achieved(&self, rules: &Rules<'_>, now: Timestamp) -> Option<Achieved> {
        if self.next(rules, now) != Next::Collect {
            return None;
        }
        let Some(chosen @ Chosen::Known(who)) = &self.evidence.chosen else {
            return None;
        };
        let counts = self.session_that_counts(&who.id, now);
        let mut proofs = match counts {
            Some(before) => merged(&self.evidence.here, &before.proofs),
            None => self.evidence.here.clone(),
        };
        if who.home == Home::Local {
            // An account that was at home elsewhere when its session began rests on nothing of that now.
            proofs.upstream = None;
            if self.decision(rules, chosen).device_counts {
                proofs.device = Some(Proof {
                    account: who.id.clone(),
                    at: now,
                });
            }
        }
        let auth_time = match counts {
            Some(before) => before.auth_time,
            None => latest(&self.evidence.here).unwrap_or(now),
        };
        // An upstream's clock may be ahead of this one; nobody authenticated in the future.
        let auth_time = auth_time.min(now);
        let before = self.evidence.before.as_ref();
        Some(Achieved {
            account: who.id.clone(),
            auth_time,
            amr: amr(&proofs),
            acr: acr(&proofs),
            entry: before.map(|entry| entry.sid.clone()),
            proofs,
        })
    }
}

fn merged(here: &Proofs, before: &Proofs) -> Proofs {
    let newer = |a: &Option<Proof>, b: &Option<Proof>| a.clone().or_else(|| b.clone());
    Proofs {
        password: newer(&here.password, &before.password),
        code: newer(&here.code, &before.code),
        number: newer(&here.number, &before.number),
        upstream: here.upstream.clone().or_else(|| before.upstream.clone()),
        // A computer is looked at in every login; what it was last time says nothing now.
        device: None,
    }
}

fn latest(proofs: &Proofs) -> Option<Timestamp> {
    let own = [&proofs.password, &proofs.code, &proofs.number];
    let own = own.into_iter().flatten().map(|proof| proof.at);
    own.chain(proofs.upstream.iter().map(|proof| proof.at))
        .max()
}

/// `pwd` password, `otp` verification code, `swk` the phone's key, `pop` the computer's key, and `mfa` when two of them
/// were used. An upstream's own values are passed on as they came.
fn amr(proofs: &Proofs) -> Vec<String> {
    if let Some(upstream) = &proofs.upstream {
        return upstream.amr.clone();
    }
    let all = [
        ("pop", &proofs.device),
        ("pwd", &proofs.password),
        ("otp", &proofs.code),
        ("swk", &proofs.number),
    ];
    let mut values: Vec<String> = all
        .into_iter()
        .filter(|(_, proof)| proof.is_some())
        .map(|(value, _)| value.to_owned())
        .collect();
    if values.len() > 1 {
        values.push("mfa".to_owned());
    }
    values
}

/// The number counts as a second factor beside anything else; an upstream's class is passed on.
fn acr(proofs: &Proofs) -> String {
    if let Some(upstream) = &proofs.upstream {
        return upstream
            .acr
            .clone()
            .unwrap_or_else(|| ACR_SINGLE_FACTOR.to_owned());
    }
    let beside = [&proofs.device, &proofs.password, &proofs.code];
    if proofs.number.is_some() && beside.into_iter().any(Option::is_some) {
        ACR_NUMBER_MATCH.to_owned()
    } else {
        ACR_SINGLE_FACTOR.to_owned()
    }
}
