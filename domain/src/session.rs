//! The signed-in state of one browser, and what clients were given in it.

use crate::id::{AccountId, ClientId, GrantId, SessionId, Sid};
use crate::login::{Proofs, SignedIn, Who};
use crate::oidc::claims_request::ClaimsRequest;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a session may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// Without use, in seconds.
    pub idle_s: Seconds,
    /// In all, in seconds.
    pub absolute_s: Seconds,
    /// Accounts signed in at once in one browser.
    pub accounts_max: usize,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Lifetimes {
            idle_s: 8 * 60 * 60,
            absolute_s: 12 * 60 * 60,
            accounts_max: 5,
        }
    }
}

/// One account in one session. `sid` of ID tokens and logout tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name towards clients.
    pub sid: Sid,
    /// The session of the browser.
    pub session: SessionId,
    /// Who.
    pub account: AccountId,
    /// When it authenticated.
    pub auth_time: Timestamp,
    /// Authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// Authentication class.
    pub acr: String,
    /// What it proved.
    pub proofs: Proofs,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used for a login.
    pub used_at: Timestamp,
}

impl Entry {
    /// Whether it still counts.
    pub fn alive(&self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        now.since(self.used_at) < lifetimes.idle_s
            && now.since(self.created_at) < lifetimes.absolute_s
    }

    /// The entry as a login sees it.
    pub fn signed_in(&self, who: Who) -> SignedIn {
        SignedIn {
            who,
            sid: self.sid.clone(),
            auth_time: self.auth_time,
            proofs: self.proofs.clone(),
        }
    }
}

/// What a client was given for an account: the parent of a code and its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its row.
    pub id: GrantId,
    /// To whom.
    pub client: ClientId,
    /// For whom.
    pub account: AccountId,
    /// In which session.
    pub sid: Sid,
    /// What was granted, separated by spaces.
    pub scope: String,
    /// Claims asked for by name (Core §5.5).
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// The request's `nonce`.
    pub nonce: Option<String>,
    /// For the ID token.
    pub auth_time: Timestamp,
    /// For the ID token.
    pub acr: String,
    /// For the ID token.
    pub amr: Vec<String>,
    /// Begin.
    pub created_at: Timestamp,
}
