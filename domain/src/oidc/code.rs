//! Authorization codes: what one is bound to, and when it redeems (RFC 6749 §4.1.2 and §4.1.3, RFC 9700 §4.5).

use super::error::{TokenError, TokenErrorCode};
use super::pkce;
use crate::id::{ClientId, GrantId};
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a code lives, in seconds.
pub const LIFETIME_S: Seconds = 60;

/// What a code is bound to; kept beside its hash until the last token that it begot has expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeBinding {
    /// For whom.
    pub client_id: ClientId,
    /// The redirect URI of the authorization request.
    pub redirect_uri: String,
    /// The PKCE challenge, if there was one.
    pub code_challenge: Option<String>,
    /// What redeeming gives.
    pub grant: GrantId,
    /// Its end: [`LIFETIME_S`] after it was issued.
    pub expires_at: Timestamp,
}

/// What a redeemer brings.
#[derive(Clone, Copy, Debug)]
pub struct Redemption<'a> {
    /// The client, after it authenticated.
    pub client_id: &'a ClientId,
    /// `redirect_uri`.
    pub redirect_uri: Option<&'a str>,
    /// Base64url SHA-256 of `code_verifier`.
    pub verifier_s256: Option<&'a str>,
}

/// Why a code does not redeem. The client learns only `invalid_grant`; the record says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was issued to another client.
    #[error("the code was issued to another client")]
    Foreign,
    /// The redirect URI is missing or another one.
    #[error("the redirect URI is not the one of the request")]
    RedirectUri,
    /// The verifier is missing, wrong, or not called for.
    #[error("the PKCE verifier does not fit the request")]
    Pkce,
    /// It was redeemed before, and this redeemer is the rightful one.
    #[error("the code was redeemed before")]
    Replayed,
    /// Too late.
    #[error("the code has expired")]
    Expired,
}

impl Refusal {
    /// Whether the grant and all its tokens end (RFC 6749 §4.1.2). Only a replay by the rightful client does that: a
    /// stranger who holds a used code must not be able to sign others out.
    pub fn revokes_grant(self) -> bool {
        self == Refusal::Replayed
    }

    /// What the client is told.
    pub fn error(self) -> TokenError {
        let description = match self {
            Refusal::Expired => "The code has expired.",
            Refusal::Pkce => "The code_verifier does not fit.",
            Refusal::RedirectUri => "The redirect_uri is not the one of the request.",
            Refusal::Foreign | Refusal::Replayed => "The code is not valid.",
        };
        TokenError::new(TokenErrorCode::InvalidGrant, description)
    }
}

/// Whether a code redeems. Who fails client, redirect URI or PKCE burns nothing; so these come before the question
/// whether it was used. `used_before` is what the database said; the database also decides who is first.
pub fn redeem(
    binding: &CodeBinding,
    used_before: bool,
    redemption: Redemption<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    if *redemption.client_id != binding.client_id {
        return Err(Refusal::Foreign);
    }
    if redemption.redirect_uri != Some(binding.redirect_uri.as_str()) {
        return Err(Refusal::RedirectUri);
    }
    if !pkce::redeems(binding.code_challenge.as_deref(), redemption.verifier_s256) {
        return Err(Refusal::Pkce);
    }
    if used_before {
        return Err(Refusal::Replayed);
    }
    if now >= binding.expires_at {
        return Err(Refusal::Expired);
    }
    Ok(())
}
