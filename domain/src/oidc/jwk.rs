//! Public keys of clients (RFC 7517): what a set may hold, and which key of it a signature must be checked with.
//!
//! The algorithm comes from what is registered, and the key from the set; a token's header only names one of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Keys in one set.
pub const KEYS_MAX: usize = 50;
/// The shortest RSA modulus, in bytes: 2048 bits (RFC 7518 §3.3).
const RSA_BYTES_MIN: usize = 256;
/// The longest RSA modulus, in bytes: 8192 bits, so that a signature costs little to check.
const RSA_BYTES_MAX: usize = 1024;
/// Members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Algorithms that clients may sign with (RFC 7518 §3.1, RFC 8037 §3.1). `HS256` is no key of a set.
pub const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

/// Why a set is no JWK set of public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// RFC 7517 §5: an object with an array `keys`.
    #[error("it must be an object whose member keys is an array of JSON Web Keys")]
    Shape,
    /// No key at all.
    #[error("it holds no key")]
    Empty,
    /// More than [`KEYS_MAX`].
    #[error("it holds more than {KEYS_MAX} keys")]
    TooMany,
    /// A private or symmetric key is in it. It must be replaced: it is no secret any more.
    #[error("it holds a private or symmetric key; register the public half only")]
    Private,
    /// Under 2048 bits.
    #[error("it holds an RSA key of less than 2048 or more than 8192 bits")]
    Weak,
    /// A member that the key's type demands is missing or no base64url of the right length.
    #[error("it holds a key whose members are missing or malformed")]
    Malformed,
    /// Two keys that nothing tells apart.
    #[error("two of its keys have the same kid")]
    Ambiguous,
}

/// Which kind of key an algorithm needs: `kty` and, where there are several, `crv`.
fn kind(alg: &str) -> Option<(&'static str, Option<&'static str>)> {
    match alg {
        "RS256" | "PS256" => Some(("RSA", None)),
        "ES256" => Some(("EC", Some("P-256"))),
        "EdDSA" => Some(("OKP", Some("Ed25519"))),
        _ => None,
    }
}

fn text<'a>(key: &'a Value, name: &str) -> Option<&'a str> {
    key.get(name).and_then(Value::as_str)
}

fn bytes(key: &Value, name: &str) -> Option<usize> {
    let decoded = URL_SAFE_NO_PAD.decode(text(key, name)?).ok()?;
    Some(decoded.len())
}

fn keys(set: &Value) -> Result<&Vec<Value>, JwksError> {
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or(JwksError::Shape)?;
    match keys.len() {
        0 => Err(JwksError::Empty),
        n if n > KEYS_MAX => Err(JwksError::TooMany),
        _ => Ok(keys),
    }
}

/// Whether a client may register this set. Keys of a type or curve that is not used here may be in it (RFC 7517 §5);
/// private ones, weak ones and two of one name may not.
pub fn check_set(set: &Value) -> Result<(), JwksError> {
    let keys = keys(set)?;
    for (place, key) in keys.iter().enumerate() {
        check_key(key)?;
        let named = |other: &&Value| {
            text(key, "kid").is_some()
                && ["kid", "kty", "use"]
                    .iter()
                    .all(|m| text(other, m) == text(key, m))
        };
        if keys.iter().take(place).any(|other| named(&other)) {
            return Err(JwksError::Ambiguous);
        }
    }
    Ok(())
}

fn check_key(key: &Value) -> Result<(), JwksError> {
    if PRIVATE.iter().any(|name| key.get(name).is_some()) {
        return Err(JwksError::Private);
    }
    let exact = |name: &str, length: usize| match bytes(key, name) {
        Some(found) if found == length => Ok(()),
        _ => Err(JwksError::Malformed),
    };
    match (text(key, "kty"), text(key, "crv")) {
        (Some("RSA"), _) => {
            let length = bytes(key, "n").ok_or(JwksError::Malformed)?;
            bytes(key, "e").ok_or(JwksError::Malformed)?;
            match (RSA_BYTES_MIN..=RSA_BYTES_MAX).contains(&length) {
                true => Ok(()),
                false => Err(JwksError::Weak),
            }
        }
        (Some("EC"), Some("P-256")) => exact("x", 32).and_then(|()| exact("y", 32)),
        (Some("OKP"), Some("Ed25519")) => exact("x", 32),
        (Some(_), _) => Ok(()),
        (None, _) => Err(JwksError::Malformed),
    }
}

/// The one key of a set that a signature of this algorithm, by the key of this name, is checked with. Without a name it
/// is the only key of that kind (OpenID Connect Core §10.1). None when there is none, or when there are several.
pub fn choose<'a>(set: &'a Value, alg: &str, kid: Option<&str>) -> Option<&'a Value> {
    let named = |key: &&Value| kid.is_none_or(|kid| text(key, "kid") == Some(kid));
    let keys = keys(set).ok()?.iter().filter(named);
    let mut fitting = keys.filter(|key| fits(key, alg));
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Some(key),
        _ => None,
    }
}

fn fits(key: &Value, alg: &str) -> bool {
    let Some((kty, crv)) = kind(alg) else {
        return false;
    };
    text(key, "kty") == Some(kty)
        && crv.is_none_or(|crv| text(key, "crv") == Some(crv))
        && key.get("use").is_none_or(|u| u.as_str() == Some("sig"))
        && key.get("alg").is_none_or(|a| a.as_str() == Some(alg))
        && may_verify(key)
        && check_key(key).is_ok()
}

/// Whether a set has a key for this algorithm, or for any when none is named.
pub fn can_verify(set: &Value, alg: Option<&str>) -> bool {
    let algs: Vec<&str> = alg.map_or(ALGORITHMS.to_vec(), |alg| vec![alg]);
    let keys = keys(set).map(Vec::as_slice).unwrap_or_default();
    let fits = |key: &Value| algs.iter().any(|alg| fits(key, alg));
    keys.iter().any(fits)
}

/// RFC 7517 §4.3: operations that are named must include the one that is wanted.
fn may_verify(key: &Value) -> bool {
    let operations = key.get("key_ops");
    operations.is_none_or(|ops| {
        let ops = ops.as_array().map(Vec::as_slice).unwrap_or_default();
        ops.iter().any(|op| op.as_str() == Some("verify"))
    })
}
