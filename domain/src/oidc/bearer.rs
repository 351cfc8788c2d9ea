//! How an access token comes to a protected resource, and what a refusal says (RFC 6750).

use super::error::{BearerErrorCode, Description};
use super::params::Params;

/// Bytes of an access token.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Why a protected resource gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// No token at all: the answer names no error (RFC 6750 §3.1).
    #[error("there is no access token")]
    Missing,
    /// A token in two places or in the query, or what cannot be one.
    #[error("the access token is malformed, sent twice or sent in the query")]
    Malformed,
    /// Expired, revoked, or not one of ours.
    #[error("the access token is not valid")]
    Invalid,
    /// `openid` or another scope is missing.
    #[error("the access token does not reach this far")]
    Scope,
}

impl BearerError {
    /// The code, unless nothing was sent.
    pub fn code(self) -> Option<BearerErrorCode> {
        match self {
            BearerError::Missing => None,
            BearerError::Malformed => Some(BearerErrorCode::InvalidRequest),
            BearerError::Invalid => Some(BearerErrorCode::InvalidToken),
            BearerError::Scope => Some(BearerErrorCode::InsufficientScope),
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.code().map_or(401, BearerErrorCode::status)
    }

    /// The `WWW-Authenticate` header (RFC 6750 §3); `realm` is the issuer.
    pub fn www_authenticate(self, realm: &str) -> String {
        let realm = Description::new(realm);
        match self.code() {
            None => format!("Bearer realm=\"{realm}\""),
            Some(code) => format!(
                "Bearer realm=\"{realm}\", error=\"{}\", error_description=\"{self}\"",
                code.as_str()
            ),
        }
    }
}

/// Takes the access token from the `Authorization` header (RFC 6750 §2.1) or a form body (§2.2), never from both. One in
/// the query (§2.3) is refused wherever else there may be one: addresses are logged (RFC 9700 §4.3.2).
pub fn access_token<'a>(
    authorization_header: Option<&'a str>,
    form: Option<&'a Params>,
    query: Option<&Params>,
) -> Result<&'a str, BearerError> {
    if query.is_some_and(|query| query.has("access_token")) {
        return Err(BearerError::Malformed);
    }
    let in_form = form.and_then(|form| form.get("access_token"));
    let token = match (authorization_header, in_form) {
        (None, None) => return Err(BearerError::Missing),
        (Some(_), Some(_)) => return Err(BearerError::Malformed),
        (None, Some(token)) => token,
        (Some(header), None) => match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim(),
            _ => return Err(BearerError::Missing),
        },
    };
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !token.bytes().all(b64token) {
        return Err(BearerError::Malformed);
    }
    Ok(token)
}

/// The characters of `b64token`, RFC 6750 §2.1.
fn b64token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}
