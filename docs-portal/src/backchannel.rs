//! Log-outs that begin elsewhere: the provider tells the portal (Back-Channel Logout 1.0 §2.5).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::logout_token::{self, LogoutToken, TokenRefusal};
use crate::params::Params;
use crate::portal::Portal;
use crate::sessions::Ending;

/// The endpoint's address, which the provider has registered as `backchannel_logout_uri`.
pub(crate) const PATH: &str = "/backchannel-logout";

enum Refusal {
    Request(&'static str),
    Token(TokenRefusal),
    Unavailable,
}

/// Ends the sessions that a valid logout token names. 200 also when there are none: the log-out
/// has then already happened. 400 for anything that is not a valid token, 503 when the provider's
/// keys cannot be read.
pub(crate) async fn receive(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match end_sessions(&portal, &headers, body).await {
        Ok(count) => {
            tracing::info!(sessions = count, "log-out by the provider");
            (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response()
        }
        Err(refusal) => refuse(&refusal),
    }
}

async fn end_sessions(
    portal: &Portal,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<usize, Refusal> {
    let body = body.map_err(|_| Refusal::Request("the body cannot be read"))?;
    let text = token_text(headers, &body)?;
    let token = verify(portal, &text).await?;
    if !portal.seen_tokens.first_time(&token, portal.now()) {
        return Err(Refusal::Request("the token was used before"));
    }
    let ending = Ending {
        sub: token.sub.as_deref(),
        sid: token.sid.as_deref(),
    };
    Ok(portal.sessions.end_all(&ending))
}

fn token_text(headers: &HeaderMap, body: &[u8]) -> Result<String, Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::Request("the body is not a form"));
    }
    let body = std::str::from_utf8(body).map_err(|_| Refusal::Request("the body is not text"))?;
    let params = Params::parse(body)
        .each_once()
        .map_err(|_| Refusal::Request("a parameter is repeated"))?;
    let token = params
        .first("logout_token")
        .filter(|token| !token.is_empty());
    token
        .map(str::to_owned)
        .ok_or(Refusal::Request("`logout_token` is missing"))
}

/// Verifies a token; an unknown key is looked for once in freshly read keys.
async fn verify(portal: &Portal, text: &str) -> Result<LogoutToken, Refusal> {
    let provider = &portal.provider;
    let known = provider.known().await.map_err(|_| Refusal::Unavailable)?;
    let client_id = provider.client_id.as_str();
    match logout_token::verify(text, &known, client_id, portal.now()) {
        Ok(token) => Ok(token),
        Err(TokenRefusal::UnknownKey) => {
            let fresh = provider
                .refreshed(&known)
                .await
                .map_err(|_| Refusal::Unavailable)?;
            let fresh = fresh.ok_or(Refusal::Token(TokenRefusal::UnknownKey))?;
            logout_token::verify(text, &fresh, client_id, portal.now()).map_err(Refusal::Token)
        }
        Err(refusal) => Err(Refusal::Token(refusal)),
    }
}

fn refuse(refusal: &Refusal) -> Response {
    let (status, error, description) = match refusal {
        Refusal::Request(why) => (
            StatusCode::BAD_REQUEST,
            "invalid_request",
            (*why).to_owned(),
        ),
        Refusal::Token(why) => (StatusCode::BAD_REQUEST, "invalid_request", why.to_string()),
        Refusal::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "the provider's keys cannot be read".to_owned(),
        ),
    };
    tracing::warn!(error, description, "a log-out by the provider was refused");
    let body = Json(json!({ "error": error, "error_description": description }));
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}
