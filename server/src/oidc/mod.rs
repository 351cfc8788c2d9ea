//! The protocol endpoints: what came in is parsed and judged by `techpass_domain::oidc`, what goes out is written here.

pub mod authorize;
pub mod backchannel;
pub mod end_session;
pub mod metadata;
pub mod token;
pub mod userinfo;

use crate::app::{App, Error};
use crate::jose;
use axum::response::{IntoResponse, Json, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use techpass_domain::client::SigningAlg;

/// A JSON answer that nobody may keep.
pub fn json(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

/// A failure of ours on an endpoint that answers programs; logged here, once.
pub fn failure(error: &Error) -> Response {
    crate::app::end_if_broken(error);
    crate::web::page::note_failure(error, &crate::web::observe::reference());
    let (status, code) = match error {
        Error::Store(_) | Error::Overloaded => (503, "temporarily_unavailable"),
        _ => (500, "server_error"),
    };
    let body =
        serde_json::json!({ "error": code, "error_description": "The server cannot answer now." });
    let mut response = json(status, &body);
    if status == 503 {
        let later = HeaderValue::from_static("5");
        response.headers_mut().insert(header::RETRY_AFTER, later);
    }
    response
}

/// The claims of a token that this server signed itself, whatever its age. `None` for anything else.
pub fn our_own(app: &App, token: &str) -> Option<Value> {
    let algorithms = [SigningAlg::ES256, SigningAlg::RS256].map(|alg| alg.as_str().to_owned());
    let claims = jose::by_jwks(token, &app.keys().jwks, &algorithms).ok()?;
    let ours = claims.get("iss").and_then(Value::as_str) == Some(&app.issuer);
    ours.then_some(claims)
}
