//! What a person allowed an application to have (OpenID Connect Core §3.1.2.4).

use crate::id::{AccountId, ClientId};
use crate::oidc::claims::of_scope;
use crate::oidc::scope::Scope;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything an account allowed a client, remembered until it is withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Who allowed it.
    pub account: AccountId,
    /// To whom.
    pub client: ClientId,
    /// Scopes.
    pub scope: Scope,
    /// Claims asked for one by one (Core §5.5), by name, beyond those of the scopes.
    #[serde(default)]
    pub claims: BTreeSet<String>,
    /// When something was last added.
    pub given_at: Timestamp,
}

impl Consent {
    /// Whether it reaches as far as a request asks: every scope and every claim.
    pub fn covers(&self, scope: &Scope, claims: &BTreeSet<String>) -> bool {
        let with_scope = |name: &String| of_scope(&self.scope).any(|one| one == name);
        scope.iter().all(|value| self.scope.contains(value))
            && claims
                .iter()
                .all(|name| self.claims.contains(name) || with_scope(name))
    }

    /// With what was allowed before: consent to more takes nothing back.
    #[must_use]
    pub fn with(mut self, before: Option<Consent>) -> Consent {
        if let Some(before) = before {
            self.scope = before.scope.and(&self.scope);
            self.claims.extend(before.claims);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn consent(scope: &str, claims: &[&str]) -> Consent {
        Consent {
            account: AccountId::new("acc_1"),
            client: ClientId::new("docs"),
            scope: Scope::parse(scope).unwrap(),
            claims: names(claims),
            given_at: Timestamp(1),
        }
    }

    fn names(claims: &[&str]) -> BTreeSet<String> {
        claims.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn consent_reaches_no_further_than_it_was_given() {
        let given = consent("openid email", &["nickname"]);
        for (scope, claims, covered) in [
            ("openid", &[][..], true),
            ("openid email", &["nickname"], true),
            ("email openid", &[], true),
            ("openid profile", &[], false),
            ("openid", &["phone_number"], false),
            ("openid", &["email_verified"], true),
            ("openid offline_access", &[], false),
        ] {
            let scope = Scope::parse(scope).unwrap();
            assert_eq!(
                given.covers(&scope, &names(claims)),
                covered,
                "{scope} {claims:?}"
            );
        }
    }

    #[test]
    fn consent_to_more_takes_nothing_back() {
        let both = consent("openid profile", &["website"])
            .with(Some(consent("openid email", &["nickname"])));
        assert_eq!(both.scope.to_string(), "openid email profile");
        assert_eq!(both.claims, names(&["nickname", "website"]));
    }
}
