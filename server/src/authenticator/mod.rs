//! The phone's side of the server (docs/authenticator-protocol.md): enrolling, reading requests, answering; and the
//! Authenticator web app.

pub mod answer;
pub mod enrol;
pub mod requests;
pub mod web_app;

use crate::app::{App, Error};
use crate::jose::{self, JoseError};
use crate::seal::sha256_b64;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};
use techpass_domain::id::AuthenticatorId;
use techpass_domain::time::Seconds;
use techpass_store::authenticators::Phone;
use techpass_store::{StoreError, Write, conflict};
use totp_rs::{Algorithm, Builder, Totp};

/// How far a phone's clock may be off.
const SKEW_S: Seconds = 300;
/// Largest body, in bytes.
pub const BODY_MAX: usize = 16 * 1024;

/// A refusal in the protocol's words.
#[derive(Debug)]
pub enum Refused {
    /// Status, `error`, sentence.
    Because(u16, &'static str, &'static str),
    /// 401 with our time.
    Clock,
    /// Ours.
    Failure(Error),
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused::Failure(error.into())
    }
}

impl Refused {
    /// As an answer.
    pub fn into_response(self, app: &App) -> Response {
        let (status, body) = match self {
            Refused::Failure(error) => return crate::oidc::failure(&error),
            Refused::Because(status, error, message) => {
                (status, json!({ "error": error, "message": message }))
            }
            Refused::Clock => (
                401,
                json!({ "error": "clock_skew", "message": "This phone's clock is off.", "now": app.now() }),
            ),
        };
        crate::oidc::json(status, &body)
    }
}

/// Where the sealed seed of a phone belongs.
pub fn seed_place(id: &AuthenticatorId) -> String {
    format!("authenticators|{id}")
}

/// RFC 6238 with six digits, thirty seconds and SHA-1, which every authenticator application knows.
pub fn totp(secret: Vec<u8>) -> Result<Totp, Error> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(secret)
        .build()
        .map_err(|_| Error::internal("a verification code's seed does not parse"))
}

/// Who speaks, by the key of its `Authorization: Phone` header. The proof is for this method and address, recent, and
/// counts once.
pub async fn speaker(
    app: &App,
    headers: &HeaderMap,
    method: &str,
    path: &str,
) -> Result<Phone, Refused> {
    const INVALID: Refused = Refused::Because(
        401,
        "invalid_phone",
        "This phone is not enrolled here, or was removed.",
    );
    let header = headers.get(header::AUTHORIZATION);
    let token = header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Phone "));
    let Some(token) = token else {
        return Err(INVALID);
    };
    let (phone, claims) = verified(app, token, "techpass-phone+jwt").await?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let here = format!("{}{path}", app.issuer);
    if text("htm") != Some(method) || text("htu") != Some(&here) {
        return Err(INVALID);
    }
    fresh_once(app, &claims).await?;
    Ok(phone)
}

/// The phone that a token names, and its claims, signed by that phone for this server.
pub async fn verified(app: &App, token: &str, typ: &str) -> Result<(Phone, Value), Refused> {
    const INVALID: Refused = Refused::Because(
        401,
        "invalid_phone",
        "This phone is not enrolled here, or was removed.",
    );
    const SIGNATURE: Refused = Refused::Because(
        403,
        "bad_signature",
        "The answer was not signed by this phone.",
    );
    let Some(id) = jose::claimed(token, "sub") else {
        return Err(INVALID);
    };
    let phone = app.store.phone(&AuthenticatorId::new(id)).await?;
    let Some(phone) = phone else {
        return Err(INVALID);
    };
    match jose::phone(token, typ, &phone.authenticator.key) {
        Ok(claims) if claims.get("aud").and_then(Value::as_str) == Some(&app.issuer) => {
            Ok((phone, claims))
        }
        Ok(_) | Err(JoseError::Signature) => Err(SIGNATURE),
        Err(_) => Err(SIGNATURE),
    }
}

/// `iat`, or the beginning of time where there is none.
fn issued_at(claims: &Value) -> i64 {
    claims.get("iat").and_then(Value::as_i64).unwrap_or(0)
}

/// Whether a message was made too far from now, in whichever direction.
fn clock_is_off(app: &App, iat: i64) -> bool {
    app.now().0.abs_diff(iat) > SKEW_S.unsigned_abs()
}

/// The clock may be a little off; a `jti` counts once.
async fn fresh_once(app: &App, claims: &Value) -> Result<(), Refused> {
    let now = app.now();
    if clock_is_off(app, issued_at(claims)) {
        return Err(Refused::Clock);
    }
    let jti = claims
        .get("jti")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if jti.len() < 16 || jti.len() > 128 {
        return Err(Refused::Because(
            400,
            "invalid_request",
            "The message has no usable jti.",
        ));
    }
    let sub = claims
        .get("sub")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let burn = Write::Burn {
        kind: "phone-jti",
        key_sha256: sha256_b64(&format!("{sub}|{jti}")),
        at: now,
        expires_at: now.plus(2 * SKEW_S),
    };
    match app.store.commit(vec![burn]).await {
        Ok(()) => Ok(()),
        Err(StoreError::Conflict(conflict::SINGLE_USE)) => Err(Refused::Because(
            401,
            "invalid_phone",
            "The message was used before.",
        )),
        Err(error) => Err(error.into()),
    }
}

/// The Authenticator web app lives on its own origin: it, and nobody else, may read these answers in a browser.
pub fn allow_app(app: &App, headers: &HeaderMap, response: &mut Response) {
    let Some(url) = &app.config.authenticator.public_url else {
        return;
    };
    let allowed = crate::config::origin(url);
    let origin = headers.get(header::ORIGIN);
    if origin.and_then(|value| value.to_str().ok()) != Some(&allowed) {
        return;
    }
    let to = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&allowed) {
        to.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    }
    to.insert(header::VARY, HeaderValue::from_static("Origin"));
    let methods = HeaderValue::from_static("GET, POST");
    to.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let names = HeaderValue::from_static("authorization, content-type");
    to.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
    let exposed = HeaderValue::from_static("retry-after");
    to.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    to.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
}
