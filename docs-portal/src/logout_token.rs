//! Logout tokens (Back-Channel Logout 1.0 §2.4 and §2.6).
//!
//! The `openidconnect` crate has keys and signatures and no logout token, so the compact JWS is
//! taken apart here, strictly.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::crypto::{self, Hash};
use crate::provider::{ALGORITHMS, Known, is_recent};

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The longest token that is read, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Identifiers of seen tokens that are kept.
const SEEN_MAX: usize = 100_000;

/// Why a logout token is refused. The texts go back to the provider.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    /// No key of the provider fits; freshly read keys may have it.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// Anything else.
    #[error("{0}")]
    Invalid(&'static str),
}

use TokenRefusal::Invalid;

/// What a valid logout token says.
#[derive(Debug)]
pub(crate) struct LogoutToken {
    /// The account.
    pub(crate) sub: Option<String>,
    /// The provider's session.
    pub(crate) sid: Option<String>,
    /// The token's identifier.
    pub(crate) jti: String,
    /// The end of the token's life, Unix seconds.
    pub(crate) expires_at: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default)]
    crit: Value,
}

/// Checks a token against the provider's issuer and keys.
pub(crate) fn verify(
    token: &str,
    known: &Known,
    client_id: &str,
    now: i64,
) -> Result<LogoutToken, TokenRefusal> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Invalid("the token is too long"));
    }
    let (signed, signature) = token
        .rsplit_once('.')
        .ok_or(Invalid("the token is not a JWS"))?;
    let (header, payload) = signed
        .split_once('.')
        .ok_or(Invalid("the token is not a JWS"))?;
    let header: Header = decode(header)?;
    check_header(&header)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| Invalid("the signature is not base64url"))?;
    key(known, &header)?
        .verify_signature(&header.alg, signed.as_bytes(), &signature)
        .map_err(|_| Invalid("the signature is wrong"))?;
    let claims: Map<String, Value> = decode(payload)?;
    check_claims(&claims, known.issuer(), client_id, now)
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenRefusal> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Invalid("the token is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| Invalid("the token is not the expected JSON"))
}

fn check_header(header: &Header) -> Result<(), TokenRefusal> {
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Invalid("the algorithm is not accepted"));
    }
    if header.crit != Value::Null {
        return Err(Invalid("`crit` is not supported"));
    }
    if let Some(typ) = &header.typ {
        let typ = typ.to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "logout+jwt" {
            return Err(Invalid("`typ` is not `logout+jwt`"));
        }
    }
    Ok(())
}

/// The one key that the header means. Without `kid` there must be only one that fits.
fn key<'a>(known: &'a Known, header: &Header) -> Result<&'a CoreJsonWebKey, TokenRefusal> {
    let wanted = |key: &&CoreJsonWebKey| match &header.kid {
        Some(kid) => key.key_id().is_some_and(|id| id.as_str() == kid),
        None => true,
    };
    // Hashing checks the key's type, use and algorithm without a signature at hand.
    let fits = |key: &&CoreJsonWebKey| key.hash_bytes(b"", &header.alg).is_ok();
    let mut keys = known.keys().keys().iter().filter(wanted).filter(fits);
    let key = keys.next().ok_or(TokenRefusal::UnknownKey)?;
    if keys.next().is_some() {
        return Err(Invalid(
            "several keys fit: the token must name one by `kid`",
        ));
    }
    Ok(key)
}

fn check_claims(
    claims: &Map<String, Value>,
    issuer: &str,
    client_id: &str,
    now: i64,
) -> Result<LogoutToken, TokenRefusal> {
    if text(claims, "iss")?.as_deref() != Some(issuer) {
        return Err(Invalid("`iss` is not the provider"));
    }
    if !is_for(claims.get("aud"), client_id) {
        return Err(Invalid("`aud` is not this client"));
    }
    let issued_at = moment(claims, "iat").ok_or(Invalid("`iat` is missing"))?;
    if !is_recent(issued_at, now) {
        return Err(Invalid("`iat` is not of just now"));
    }
    let expires_at = moment(claims, "exp").ok_or(Invalid("`exp` is missing"))?;
    if expires_at <= now {
        return Err(Invalid("the token has expired"));
    }
    if !claims
        .get("events")
        .and_then(|events| events.get(EVENT))
        .is_some_and(Value::is_object)
    {
        return Err(Invalid("`events` does not name a log-out"));
    }
    if claims.contains_key("nonce") {
        return Err(Invalid("`nonce` is forbidden in a logout token"));
    }
    let jti = text(claims, "jti")?.ok_or(Invalid("`jti` is missing"))?;
    let (sub, sid) = (text(claims, "sub")?, text(claims, "sid")?);
    if sub.is_none() && sid.is_none() {
        return Err(Invalid("neither `sub` nor `sid` is there"));
    }
    Ok(LogoutToken {
        sub,
        sid,
        jti,
        expires_at,
    })
}

/// A claim that is text when it is there.
fn text(claims: &Map<String, Value>, name: &str) -> Result<Option<String>, TokenRefusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(value)) if !value.is_empty() => Ok(Some(value.clone())),
        Some(_) => Err(Invalid("a claim that must be text is not")),
    }
}

/// A NumericDate (RFC 7519 §2), which may have a fraction.
fn moment(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let number = claims.get(name)?;
    // A cast from a float saturates, which is what a moment out of range should do.
    number
        .as_i64()
        .or_else(|| number.as_f64().map(|seconds| seconds as i64))
}

/// True when the audience is this client and nobody else, as for ID tokens.
fn is_for(audience: Option<&Value>, client_id: &str) -> bool {
    match audience {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(several)) => {
            !several.is_empty() && several.iter().all(|one| one.as_str() == Some(client_id))
        }
        _ => false,
    }
}

/// The tokens that were acted upon. A token works once (§2.6).
#[derive(Default)]
pub(crate) struct SeenTokens {
    until: Mutex<HashMap<Hash, i64>>,
}

impl SeenTokens {
    /// True the first time a token comes. Identifiers are kept until the token has expired.
    pub(crate) fn first_time(&self, token: &LogoutToken, now: i64) -> bool {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= SEEN_MAX {
            until.retain(|_, until| now < *until);
        }
        let id = crypto::sha256(&token.jti);
        // Full of live identifiers: refusing is safe, the provider sends its log-out again.
        if until.contains_key(&id) || until.len() >= SEEN_MAX {
            return false;
        }
        until.insert(id, token.expires_at);
        true
    }
}
