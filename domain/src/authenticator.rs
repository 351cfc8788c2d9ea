//! Enrolled phones and the requests they answer.

use crate::id::{AccountId, AuthenticatorId, ChallengeId, ClientId, LoginId};
use crate::login::NumberEnd;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Phones that one account may have.
pub const AUTHENTICATORS_MAX: usize = 5;

/// The public half of a phone's key (RFC 7517; P-256 only).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneKey {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// base64url, 32 bytes.
    pub x: String,
    /// base64url, 32 bytes.
    pub y: String,
}

/// An enrolled phone application. Its verification-code seed is kept sealed, in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticator {
    /// Its row.
    pub id: AuthenticatorId,
    /// Whose.
    pub account: AccountId,
    /// What the person called it.
    pub name: String,
    /// What it signs with.
    pub key: PhoneKey,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

/// A number shown in a browser and waiting to be typed on a phone. The number itself is not in it: it follows from the
/// nonce and a key of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Its row.
    pub id: ChallengeId,
    /// The login that waits for it.
    pub login: LoginId,
    /// SHA-256 of the cookie of that login's browser.
    #[serde(default)]
    pub browser_sha256: Option<String>,
    /// Whose phones may answer; for an unknown account nobody's.
    pub account: Option<AccountId>,
    /// Counts requests of unknown accounts as those of known ones: the account, or a hash of what was typed.
    pub subject: String,
    /// Random; the number follows from it.
    pub nonce: String,
    /// The application, as shown on the phone.
    pub app: String,
    /// Its client.
    pub client: ClientId,
    /// From where the browser came, as shown on the phone.
    pub location: String,
    /// The computer, as shown on the phone.
    pub device: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it may be answered.
    pub expires_at: Timestamp,
}

/// What the phone decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// "Yes", with a number.
    Approve,
    /// "No, it's not me", by mistake or otherwise without report.
    Decline,
    /// "No, it's not me", reported.
    Report,
}

/// The payload of an answer: everything shown and decided (docs/authenticator-protocol.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Version, 1.
    pub v: u8,
    /// The issuer.
    pub aud: String,
    /// The phone.
    pub sub: AuthenticatorId,
    /// The request.
    pub request: ChallengeId,
    /// Its nonce.
    pub nonce: String,
    /// The login ID shown.
    pub account: String,
    /// The application shown.
    pub app: String,
    /// The place shown.
    pub location: String,
    /// The computer shown.
    pub device: String,
    /// When the request was made.
    pub created_at: Timestamp,
    /// Until when it could be answered.
    pub expires_at: Timestamp,
    /// What the person decided.
    pub decision: Decision,
    /// The number typed, for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// When, by the phone's clock.
    pub iat: i64,
}

impl Answer {
    /// Whether the answer repeats what was shown, for this issuer, phone and login ID.
    pub fn repeats(&self, challenge: &Challenge, issuer: &str, login_id: &str) -> bool {
        self.v == 1
            && self.aud == issuer
            && self.request == challenge.id
            && self.nonce == challenge.nonce
            && self.account == login_id
            && self.app == challenge.app
            && self.location == challenge.location
            && self.device == challenge.device
            && self.created_at == challenge.created_at
            && self.expires_at == challenge.expires_at
            && (self.decision == Decision::Approve) == self.number.is_some()
    }
}

/// What an answer came to, kept so that the same answer sent again gets the same reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// How it ended.
    pub end: NumberEnd,
    /// base64url SHA-256 of the answer that ended it, if one did.
    pub answer_sha256: Option<String>,
}
