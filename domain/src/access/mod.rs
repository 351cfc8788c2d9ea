//! Conditional access: which factors a sign-in needs, or why it is refused.
//!
//! One function, [`decide`], over [`Signals`] and a [`Policy`] that is data. A policy engine can take its place without
//! anything else changing, since callers see only the [`Decision`].

use crate::account::Kind;
use crate::device::{DeviceClass, DeviceEvidence};
use crate::id::AccountId;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};

/// Something a person proves in a login. Each becomes a value of `amr` (RFC 8176).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Factor {
    /// A password of this server.
    Password,
    /// A verification code of the phone, typed into the browser (RFC 6238).
    Code,
    /// The number shown in the browser, typed on the phone and signed there.
    Number,
}

/// Which computers a rule speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceMatch {
    /// A proven non-SE GSIB.
    NonSeGsib,
    /// A proven GMD.
    Gmd,
    /// A proven SE GSIB.
    SeGsib,
    /// Everything whose class is not proven.
    Unproven,
}

/// What a rule does when it matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Sign-in needs these factors, asked in this order.
    Require(Vec<Factor>),
    /// Sign-in is refused.
    Deny(Problem),
}

/// One rule; the first that matches decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, as records and the help desk see it.
    pub name: String,
    /// Kinds of accounts it speaks of; empty for all.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Computers it speaks of; empty for all.
    #[serde(default)]
    pub devices: Vec<DeviceMatch>,
    /// Whether it speaks only of clients marked `test`.
    #[serde(default)]
    pub test_clients_only: bool,
    /// What follows.
    pub then: Verdict,
}

/// The rules, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The first that matches decides; when none does, the sign-in is refused.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// What holds where an operator says nothing: officers by the class of their computer, everybody else by password
    /// and number, product accounts not at all.
    pub fn standard() -> Policy {
        let rule = |name: &str, kinds: &[Kind], devices: &[DeviceMatch], then| Rule {
            name: name.to_owned(),
            kinds: kinds.to_vec(),
            devices: devices.to_vec(),
            test_clients_only: false,
            then,
        };
        let officers = [Kind::Officer];
        let others = [Kind::Vendor, Kind::Temp, Kind::Other, Kind::Operator];
        Policy {
            rules: vec![
                rule(
                    "Officers on a non-SE GSIB",
                    &officers,
                    &[DeviceMatch::NonSeGsib],
                    Verdict::Require(vec![Factor::Number]),
                ),
                rule(
                    "Officers on a GMD",
                    &officers,
                    &[DeviceMatch::Gmd],
                    Verdict::Require(vec![Factor::Code, Factor::Number]),
                ),
                rule(
                    "SE GSIB computers are not used here",
                    &officers,
                    &[DeviceMatch::SeGsib],
                    Verdict::Deny(Problem::DeviceSe),
                ),
                rule(
                    "Officers need a government computer",
                    &officers,
                    &[DeviceMatch::Unproven],
                    Verdict::Deny(Problem::DeviceUnproven),
                ),
                rule(
                    "Everybody else by password and number",
                    &others,
                    &[],
                    Verdict::Require(vec![Factor::Password, Factor::Number]),
                ),
            ],
        }
    }
}

/// What is known of a sign-in. Nothing in it was merely claimed by a browser.
#[derive(Clone, Copy, Debug)]
pub struct Signals<'a> {
    /// The kind of the account (of an unknown one: the kind usual here, so that both are treated alike).
    pub kind: Kind,
    /// The account, when it is known.
    pub account: Option<&'a AccountId>,
    /// What was verified of the computer.
    pub device: &'a DeviceEvidence,
    /// Whether the client is marked for automated tests.
    pub test_client: bool,
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Factors, or a refusal.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: String,
    /// Whether the computer itself counts as a factor: its class was proven and the rule asked for that class.
    pub device_counts: bool,
}

const NO_RULE: &str = "no rule matches";
const OWNER_RULE: &str = "the computer belongs to its owner";

/// Decides by the first matching rule. A rule that asks for a class is refused with DEV-505 when the computer is
/// registered to somebody else, whatever else it says.
pub fn decide(policy: &Policy, signals: Signals<'_>) -> Decision {
    for rule in &policy.rules {
        if !rule.kinds.is_empty() && !rule.kinds.contains(&signals.kind) {
            continue;
        }
        if rule.test_clients_only && !signals.test_client {
            continue;
        }
        if rule.devices.is_empty() {
            return decision(rule, false);
        }
        if belongs_to_another(signals) {
            return Decision {
                verdict: Verdict::Deny(Problem::DeviceForeign),
                rule: OWNER_RULE.to_owned(),
                device_counts: false,
            };
        }
        let shown = class_shown(signals.device);
        if rule.devices.contains(&shown) {
            return decision(rule, shown != DeviceMatch::Unproven);
        }
    }
    Decision {
        verdict: Verdict::Deny(Problem::NotAssigned),
        rule: NO_RULE.to_owned(),
        device_counts: false,
    }
}

fn decision(rule: &Rule, device_counts: bool) -> Decision {
    Decision {
        verdict: rule.then.clone(),
        rule: rule.name.clone(),
        device_counts,
    }
}

fn class_shown(device: &DeviceEvidence) -> DeviceMatch {
    match device {
        DeviceEvidence::Unproven => DeviceMatch::Unproven,
        DeviceEvidence::Key { class, .. } => match class {
            DeviceClass::NonSeGsib => DeviceMatch::NonSeGsib,
            DeviceClass::Gmd => DeviceMatch::Gmd,
            DeviceClass::SeGsib => DeviceMatch::SeGsib,
        },
    }
}

/// The computer has an owner, and it is not this account (an unknown account owns nothing).
fn belongs_to_another(signals: Signals<'_>) -> bool {
    match signals.device {
        DeviceEvidence::Key {
            owner: Some(owner), ..
        } => signals.account != Some(owner),
        DeviceEvidence::Key { owner: None, .. } | DeviceEvidence::Unproven => false,
    }
}

#[cfg(test)]
mod tests;
