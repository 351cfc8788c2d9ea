//! People's records, and where they sign in.

use crate::id::{AccountId, Reference, UpstreamId};
use crate::text::{self, Hidden};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What sort of person or thing an account stands for; policies tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A public officer, whose home organisation checks the sign-in.
    Officer,
    /// Somebody who works for the government under contract, with a TechPass ID.
    Vendor,
    /// Temporary staff.
    Temp,
    /// Nobody of the others.
    Other,
    /// An account of a product, for automated tests and machines.
    Product,
    /// Somebody who runs this server.
    Operator,
}

impl Kind {
    /// The kind by its name in configuration files and commands.
    pub fn parse(text: &str) -> Option<Kind> {
        Some(match text {
            "officer" => Kind::Officer,
            "vendor" => Kind::Vendor,
            "temp" => Kind::Temp,
            "other" => Kind::Other,
            "product" => Kind::Product,
            "operator" => Kind::Operator,
            _ => return None,
        })
    }
}

/// Where the first factor of an account is checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Home {
    /// Here.
    Local,
    /// At an upstream provider, which is asked over OpenID Connect.
    Upstream(UpstreamId),
}

/// Whether an account may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It may.
    Active,
    /// A sign-in request was reported by its owner; only an administrator releases it.
    OnHold {
        /// When it was reported.
        since: Timestamp,
        /// What the person quotes to the help desk.
        reference: Reference,
    },
    /// Not used for too long, or switched off.
    Disabled,
    /// Closed for good.
    Closed,
}

/// A person's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `sub` in every token of this issuer.
    pub id: AccountId,
    /// What the person types: an e-mail address or a TechPass ID, in lower case.
    pub login_id: String,
    /// The name shown on pages, at most 200 characters.
    pub name: String,
    /// The organisation shown behind the name, if there is one.
    pub organisation: Option<String>,
    /// The contact address; for an officer usually the login ID.
    pub email: Option<String>,
    /// Officer, vendor, …
    pub kind: Kind,
    /// Who checks the first factor.
    pub home: Home,
    /// May it sign in.
    pub status: Status,
    /// Whether it may administer its tenant.
    #[serde(default)]
    pub tenant_administrator: bool,
    /// Further standard claims (OpenID Connect Core §5.1) by name, as JSON.
    #[serde(default)]
    pub claims: BTreeMap<String, serde_json::Value>,
    /// When the record was made.
    pub created_at: Timestamp,
}

/// A login ID as it is compared: surrounding space removed, in lower case. Login IDs are ASCII or Unicode text with
/// exactly one `@` between two non-empty parts, no white space, nothing that cannot be seen, and at most 254 bytes.
pub fn normalize_login_id(typed: &str) -> Result<String, LoginIdError> {
    let text = typed.trim().to_lowercase();
    if text.is_empty() {
        return Err(LoginIdError::Empty);
    }
    if text.len() > 254 {
        return Err(LoginIdError::TooLong);
    }
    let mut parts = text.split('@');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(local), Some(domain), None) if !local.is_empty() && !domain.is_empty() => {}
        _ => return Err(LoginIdError::NotAnAddress),
    }
    if text.chars().any(char::is_whitespace) {
        return Err(LoginIdError::NotAnAddress);
    }
    text::shown(&text)?;
    Ok(text)
}

/// The part of a normalized login ID behind the `@`; it decides the home organisation.
pub fn domain_of(login_id: &str) -> &str {
    login_id.rsplit('@').next().unwrap_or_default()
}

/// Why a typed login ID cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginIdError {
    /// Nothing was typed.
    #[error("enter your email or TechPass ID")]
    Empty,
    /// No `@`, or more than one, or white space inside.
    #[error("enter the whole address, like name@agency.example")]
    NotAnAddress,
    /// Over 254 bytes.
    #[error("the address is too long")]
    TooLong,
    /// A character that looks like none, so that two addresses would look like one.
    #[error("{0}; enter the address without it")]
    Hidden(#[from] Hidden),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn login_ids_are_compared_without_case_and_surrounding_space() {
        assert_eq!(
            normalize_login_id("  Mei.Tan@Agency.Example ").unwrap(),
            "mei.tan@agency.example"
        );
        for (typed, why) in [
            ("", LoginIdError::Empty),
            ("   ", LoginIdError::Empty),
            ("mei.tan", LoginIdError::NotAnAddress),
            ("@agency.example", LoginIdError::NotAnAddress),
            ("mei@", LoginIdError::NotAnAddress),
            ("mei@x@agency.example", LoginIdError::NotAnAddress),
            ("mei tan@agency.example", LoginIdError::NotAnAddress),
            ("mei\u{2028}tan@agency.example", LoginIdError::NotAnAddress),
            (
                "mei.tan\u{200d}@agency.example",
                LoginIdError::Hidden(Hidden('\u{200d}')),
            ),
            (
                "mei.tan@agency.example\u{202e}",
                LoginIdError::Hidden(Hidden('\u{202e}')),
            ),
            (
                "mei\u{7}@agency.example",
                LoginIdError::Hidden(Hidden('\u{7}')),
            ),
        ] {
            assert_eq!(normalize_login_id(typed), Err(why), "{typed:?}");
        }
        assert_eq!(
            normalize_login_id(&format!("{}@x.example", "a".repeat(250))),
            Err(LoginIdError::TooLong)
        );
    }

    #[test]
    fn the_domain_is_what_follows_the_at_sign() {
        assert_eq!(domain_of("mei.tan@agency.example"), "agency.example");
    }
}
