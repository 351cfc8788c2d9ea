//! The protocol endpoints: what came in is parsed and judged by `techpass_domain::oidc`, what goes out is written here.

pub mod access;
pub mod authorize;
pub mod backchannel;
pub mod client_auth;
pub mod device;
pub mod device_routes;
pub mod end_session;
pub mod introspect;
pub mod metadata;
pub mod refused;
pub mod registration;
pub mod request_object;
pub mod revoke;
pub mod subject;
pub mod token;
pub mod userinfo;

use crate::app::{App, Error};
use axum::response::{IntoResponse, Json, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use std::sync::Arc;
use techpass_domain::oidc::jwt;

/// A JSON answer that nobody may keep.
pub fn json(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    let no_store = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, no_store);
    // RFC 6749 §5.1 wants both.
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// An answer that scripts of every site may read: no cookie had a part in it (Fetch, `Access-Control-Allow-Origin`).
pub fn for_any_origin(mut response: Response) -> Response {
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "www-authenticate"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// A failure of ours on an endpoint that answers programs; logged here, once.
pub fn failure(error: &Error) -> Response {
    crate::app::end_if_broken(error);
    crate::web::page::note_failure(error, &crate::web::observe::reference());
    let (status, code) = match error {
        Error::Store(techpass_store::StoreError::Nul) => (400, "invalid_request"),
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

/// The claims of an ID token that this server signed itself, whatever its age. `None` for anything else: no other kind of
/// token is a hint.
pub fn our_own_id_token(app: &App, token: &str) -> Option<Arc<Value>> {
    ours(app, app.keys().believed(token, jwt::typ::ID_TOKEN)?)
}

/// The same of an access token.
pub fn our_own_access_token(app: &App, token: &str) -> Option<Arc<Value>> {
    ours(app, app.keys().believed(token, jwt::typ::ACCESS_TOKEN)?)
}

fn ours(app: &App, claims: Arc<Value>) -> Option<Arc<Value>> {
    let ours = claims.get("iss").and_then(Value::as_str) == Some(&app.issuer);
    ours.then_some(claims)
}

#[cfg(test)]
pub(crate) mod tests;
