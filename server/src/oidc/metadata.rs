//! Discovery and the key set.

use crate::app::App;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use http::{HeaderMap, HeaderValue, header};
use techpass_domain::oidc::discovery;

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery §4).
pub async fn discovery(State(app): State<App>) -> Response {
    public(
        Json(discovery::metadata(
            &app.issuer,
            &discovery::Options::default(),
        ))
        .into_response(),
    )
}

/// `GET /jwks.json` (RFC 7517 §5).
pub async fn jwks(State(app): State<App>) -> Response {
    public(Json(app.keys().jwks.clone()).into_response())
}

/// Anybody may read these, from any origin, and keep them a little.
fn public(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    response
}
