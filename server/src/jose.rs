//! Verifying what others signed. The key and the algorithm come from what we know of the signer, never from the token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use techpass_domain::authenticator::PhoneKey;
use techpass_domain::oidc::jwk;
use techpass_domain::oidc::jwt::{self, Unverified};

/// Why a token is not believed. The texts are for logs and clients; they never repeat the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Not a compact JWS, or one with members that must not be there.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Signed with an algorithm that was not agreed on.
    #[error("the token is signed with an algorithm that was not agreed on")]
    Algorithm,
    /// Made for something else.
    #[error("the token has another type than expected")]
    Type,
    /// No key of the signer fits.
    #[error("no key of the signer fits the token")]
    NoKey,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
}

fn parse(token: &str) -> Result<Unverified<'_>, JoseError> {
    Unverified::parse(token).map_err(|error| JoseError::Malformed(error.to_string()))
}

/// Whether a token says that it is of this type; nothing is verified.
pub fn says_typ(token: &str, typ: &str) -> bool {
    parse(token).is_ok_and(|token| jwt::is_typ(&token.header, typ))
}

/// Whether a token may be an ID token by its type; nothing is verified.
pub fn may_be_id_token(token: &str) -> bool {
    parse(token).is_ok_and(|token| jwt::may_be_id_token(&token.header))
}

/// A member of a phone's token that says who speaks, before anything is verified: only to find the key.
pub fn claimed(token: &str, name: &str) -> Option<String> {
    let claims = parse(token).ok()?.claims().ok()?;
    claims.get(name)?.as_str().map(str::to_owned)
}

/// The claims of a token that a phone's key signed for this purpose (ES256 only).
pub fn phone(token: &str, typ: &str, key: &PhoneKey) -> Result<Value, JoseError> {
    let compact = parse(token)?;
    if compact.header.alg != "ES256" {
        return Err(JoseError::Algorithm);
    }
    if !jwt::is_typ(&compact.header, typ) {
        return Err(JoseError::Type);
    }
    let key = DecodingKey::from_ec_components(&key.x, &key.y).map_err(|_| JoseError::NoKey)?;
    check(&compact, &key, Algorithm::ES256)?;
    claims(&compact)
}

/// Whether the coordinates are a point of the curve that a signature can be checked with.
pub fn is_p256(key: &PhoneKey) -> bool {
    let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|b| b.len() == 32);
    key.kty == "EC" && key.crv == "P-256" && coordinate(&key.x) && coordinate(&key.y)
}

/// The claims of a token signed by one of these keys with one of these algorithms. `kid` chooses the key; without it
/// the only key of that kind is taken (OpenID Connect Core §10.1). Nothing but signature and form is verified.
pub fn by_jwks<S: AsRef<str>>(
    token: &str,
    jwks: &Value,
    algorithms: &[S],
) -> Result<Value, JoseError> {
    let compact = parse(token)?;
    let alg = compact.header.alg.as_str();
    if !algorithms.iter().any(|agreed| agreed.as_ref() == alg) {
        return Err(JoseError::Algorithm);
    }
    let jwk = jwk::choose(jwks, alg, compact.header.kid.as_deref()).ok_or(JoseError::NoKey)?;
    let (key, algorithm) = decoding_key(jwk, alg).ok_or(JoseError::NoKey)?;
    check(&compact, &key, algorithm)?;
    claims(&compact)
}

/// A public key that [`jwk::choose`] found fit for the algorithm, for the library that verifies.
fn decoding_key(jwk: &Value, alg: &str) -> Option<(DecodingKey, Algorithm)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let rsa = || DecodingKey::from_rsa_components(text("n")?, text("e")?).ok();
    match alg {
        "RS256" => Some((rsa()?, Algorithm::RS256)),
        "PS256" => Some((rsa()?, Algorithm::PS256)),
        "ES256" => {
            let key = DecodingKey::from_ec_components(text("x")?, text("y")?);
            Some((key.ok()?, Algorithm::ES256))
        }
        "EdDSA" => {
            let key = DecodingKey::from_ed_components(text("x")?);
            Some((key.ok()?, Algorithm::EdDSA))
        }
        _ => None,
    }
}

/// The claims of a token that carries an HMAC under this secret; `HS256` and nothing else (RFC 7518 §3.2). The secret is
/// one that this server made, so it has 256 random bits.
pub fn by_secret(token: &str, secret: &[u8]) -> Result<Value, JoseError> {
    let compact = parse(token)?;
    if compact.header.alg != "HS256" {
        return Err(JoseError::Algorithm);
    }
    check(
        &compact,
        &DecodingKey::from_secret(secret),
        Algorithm::HS256,
    )?;
    claims(&compact)
}

/// Whether a token may be one that names no type, or this one; nothing is verified. Tokens that name another type are
/// made for something else (RFC 8725 §3.11).
pub fn may_be_typ(token: &str, typ: &str) -> bool {
    parse(token)
        .is_ok_and(|token| jwt::may_be_id_token(&token.header) || jwt::is_typ(&token.header, typ))
}

fn check(
    compact: &Unverified<'_>,
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<(), JoseError> {
    let signature = URL_SAFE_NO_PAD.encode(&compact.signature);
    let input = compact.signing_input.as_bytes();
    match jsonwebtoken::crypto::verify(&signature, input, key, algorithm) {
        Ok(true) => Ok(()),
        _ => Err(JoseError::Signature),
    }
}

fn claims(compact: &Unverified<'_>) -> Result<Value, JoseError> {
    let claims = compact.claims();
    claims.map_err(|error| JoseError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests;
