//! Whether to believe an upstream provider's answer (OpenID Connect Core §3.1.2.7 and §3.1.3.7, RFC 9207).
//!
//! Claims are read with their exact JSON types: a number in quotes is no number, and `"true"` is not true.

use super::pkce;
use crate::time::{Seconds, Timestamp};
use serde_json::{Map, Value};

/// The oldest acceptable `iat`, in seconds before now.
pub const AGE_MAX_S: Seconds = 600;
/// Characters of `sub` (Core §2).
pub const SUB_MAX: usize = 255;

/// What was asked of the upstream, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// Its issuer, exactly as configured.
    pub issuer: &'a str,
    /// Who we are to it.
    pub client_id: &'a str,
    /// What this very login sent.
    pub nonce: &'a str,
    /// Now.
    pub now: Timestamp,
    /// How far its clock may be off, in seconds.
    pub skew_s: Seconds,
    /// The `max_age` that was sent; then `auth_time` is required.
    pub max_age: Option<Seconds>,
}

/// Whom an upstream says it authenticated. `(iss, sub)` is the only name; nothing is ever linked by e-mail.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamIdentity {
    /// Its issuer.
    pub iss: String,
    /// The subject there.
    pub sub: String,
    /// When it authenticated the person, if it says.
    pub auth_time: Option<Timestamp>,
    /// How strongly.
    pub acr: Option<String>,
    /// By what.
    pub amr: Vec<String>,
    /// Its session.
    pub sid: Option<String>,
    /// All claims, as they came.
    pub claims: Map<String, Value>,
}

/// Why an upstream's ID token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// The claims are not an object.
    #[error("the ID token holds no object")]
    NotAnObject,
    /// A required claim is not there.
    #[error("the ID token has no {0}")]
    Missing(&'static str),
    /// A claim has another JSON type or form than it must.
    #[error("the ID token's {0} is malformed")]
    Malformed(&'static str),
    /// Rule 2: another issuer.
    #[error("the ID token is another issuer's")]
    Issuer,
    /// Rule 3: not for us, or for others as well.
    #[error("the ID token is not for us alone")]
    Audience,
    /// Rules 4 and 5: issued to another party, or not saying to whom.
    #[error("the ID token is issued to another party")]
    AuthorizedParty,
    /// Rule 9: too late.
    #[error("the ID token has expired")]
    Expired,
    /// Rule 10: `iat` or `nbf` in the future, or `iat` too long ago.
    #[error("the ID token is not of this moment")]
    NotNow,
    /// Rule 11: another login's.
    #[error("the ID token answers another login")]
    Nonce,
    /// Rule 13: the authentication is older than was asked for, or in the future.
    #[error("the ID token's authentication is not recent enough")]
    AuthTime,
}

/// Checks the claims of an ID token whose signature, algorithm and `typ` were verified (Core §3.1.3.7).
pub fn upstream_id_token(
    claims: &Value,
    expect: &Expect<'_>,
) -> Result<UpstreamIdentity, IdTokenError> {
    let claims = claims.as_object().ok_or(IdTokenError::NotAnObject)?;
    issuer(claims, expect)?;
    audience(claims, expect)?;
    times(claims, expect)?;
    nonce(claims, expect)?;
    let auth_time = auth_time(claims, expect)?;
    Ok(UpstreamIdentity {
        iss: expect.issuer.to_owned(),
        sub: subject(claims)?,
        auth_time,
        acr: text(claims, "acr")?.map(str::to_owned),
        amr: texts(claims, "amr")?,
        sid: text(claims, "sid")?.map(str::to_owned),
        claims: claims.clone(),
    })
}

/// Whose session ended at the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamLogout {
    /// The subject there.
    pub sub: String,
    /// The token's own name; it counts once.
    pub jti: String,
}

/// Checks the claims of a logout token whose signature, algorithm and `typ` were verified (Back-Channel Logout §2.6). One
/// that names only a session and no subject is refused: sessions there are not known here.
pub fn upstream_logout_token(
    claims: &Value,
    expect: &Expect<'_>,
) -> Result<UpstreamLogout, IdTokenError> {
    let claims = claims.as_object().ok_or(IdTokenError::NotAnObject)?;
    issuer(claims, expect)?;
    audience(claims, expect)?;
    times(claims, expect)?;
    // An ID token, which has a nonce, must never end a session.
    if claims.contains_key("nonce") {
        return Err(IdTokenError::Nonce);
    }
    let events = claims.get("events").and_then(Value::as_object);
    if !events.is_some_and(|events| {
        events
            .get(super::claims::LOGOUT_EVENT)
            .is_some_and(Value::is_object)
    }) {
        return Err(IdTokenError::Missing("events"));
    }
    let jti = text(claims, "jti")?.filter(|jti| !jti.is_empty());
    Ok(UpstreamLogout {
        sub: subject(claims)?,
        jti: jti.ok_or(IdTokenError::Missing("jti"))?.to_owned(),
    })
}

/// RFC 9207 §2.4: whether an answer at our redirect URI comes from the provider that was asked. `required` is what its
/// metadata says of `authorization_response_iss_parameter_supported`.
pub fn answers(iss_parameter: Option<&str>, issuer: &str, required: bool) -> bool {
    match iss_parameter {
        Some(iss) => iss == issuer,
        None => !required,
    }
}

/// Rule 2: exactly the configured issuer.
fn issuer(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), IdTokenError> {
    let iss = text(claims, "iss")?.ok_or(IdTokenError::Missing("iss"))?;
    (iss == expect.issuer)
        .then_some(())
        .ok_or(IdTokenError::Issuer)
}

/// Rules 3 to 5: for us, for nobody else, and issued to us. No other audience is trusted, so a list may only repeat
/// ours, and then `azp` is required.
fn audience(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), IdTokenError> {
    let audiences = match claims.get("aud") {
        None => return Err(IdTokenError::Missing("aud")),
        Some(Value::String(one)) => vec![one.clone()],
        Some(_) => texts(claims, "aud")?,
    };
    if audiences.is_empty() || audiences.iter().any(|one| one != expect.client_id) {
        return Err(IdTokenError::Audience);
    }
    match text(claims, "azp")? {
        Some(azp) if azp != expect.client_id => Err(IdTokenError::AuthorizedParty),
        None if audiences.len() > 1 => Err(IdTokenError::AuthorizedParty),
        _ => Ok(()),
    }
}

/// Rules 9 and 10, and `nbf` (RFC 7519 §4.1.5).
fn times(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), IdTokenError> {
    let Expect { now, skew_s, .. } = *expect;
    let exp = moment(claims, "exp")?.ok_or(IdTokenError::Missing("exp"))?;
    let iat = moment(claims, "iat")?.ok_or(IdTokenError::Missing("iat"))?;
    if now >= exp.plus(skew_s) {
        return Err(IdTokenError::Expired);
    }
    let latest = now.plus(skew_s);
    let early = moment(claims, "nbf")?.is_some_and(|nbf| nbf > latest);
    if early || iat > latest || now.since(iat) > AGE_MAX_S.saturating_add(skew_s) {
        return Err(IdTokenError::NotNow);
    }
    Ok(())
}

/// Rule 11: exactly what this login sent.
fn nonce(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), IdTokenError> {
    let nonce = text(claims, "nonce")?.ok_or(IdTokenError::Missing("nonce"))?;
    let same = !expect.nonce.is_empty() && pkce::same(nonce.as_bytes(), expect.nonce.as_bytes());
    same.then_some(()).ok_or(IdTokenError::Nonce)
}

/// Rule 13: `auth_time` is required when `max_age` was sent, never in the future, and recent enough.
fn auth_time(
    claims: &Map<String, Value>,
    expect: &Expect<'_>,
) -> Result<Option<Timestamp>, IdTokenError> {
    let auth_time = moment(claims, "auth_time")?;
    match (auth_time, expect.max_age) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(IdTokenError::Missing("auth_time")),
        (Some(at), max_age) => {
            let age_max = max_age.map(|max_age| max_age.saturating_add(expect.skew_s));
            let old = age_max.is_some_and(|age_max| expect.now.since(at) > age_max);
            if old || at > expect.now.plus(expect.skew_s) {
                return Err(IdTokenError::AuthTime);
            }
            Ok(Some(at))
        }
    }
}

/// Core §2: not empty, at most 255 ASCII characters. Control characters and spaces around it name nobody.
fn subject(claims: &Map<String, Value>) -> Result<String, IdTokenError> {
    let sub = text(claims, "sub")?.ok_or(IdTokenError::Missing("sub"))?;
    let plain = sub.bytes().all(|b| (b' '..=b'~').contains(&b)) && sub.trim() == sub;
    if sub.is_empty() || sub.len() > SUB_MAX || !plain {
        return Err(IdTokenError::Malformed("sub"));
    }
    Ok(sub.to_owned())
}

fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, IdTokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(IdTokenError::Malformed(name)),
    }
}

fn texts(claims: &Map<String, Value>, name: &'static str) -> Result<Vec<String>, IdTokenError> {
    let items = match claims.get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(IdTokenError::Malformed(name)),
    };
    let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
    texts
        .collect::<Option<_>>()
        .ok_or(IdTokenError::Malformed(name))
}

/// A NumericDate (RFC 7519 §2): a JSON number, perhaps with a fraction, which is dropped.
fn moment(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, IdTokenError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let whole = value.as_i64().or_else(|| {
        // Beyond these bounds no clock is right, and within them a double holds every second exactly.
        let seconds = value.as_f64().filter(|s| s.abs() < 1e15)?;
        Some(seconds.floor() as i64)
    });
    match whole {
        Some(seconds) => Ok(Some(Timestamp(seconds))),
        None => Err(IdTokenError::Malformed(name)),
    }
}
