//! Discovery and the key set: documents that are written once and served from memory.

use crate::app::App;
use crate::config::Config;
use crate::web::document::Document;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use techpass_domain::keys::SET_MAX_AGE_S;
use techpass_domain::oidc::discovery;

/// What the provider says of itself; it follows from the configuration alone.
#[derive(Clone, Debug)]
pub struct Documents {
    provider: Document,
}

impl Documents {
    /// The documents of an instance.
    pub fn of(config: &Config) -> Documents {
        let options = discovery::Options {
            device_grant: config.device_grant.enabled,
            registration: config.registration.exists(),
            ..Default::default()
        };
        let metadata = discovery::metadata(&config.issuer(), &options);
        Documents {
            provider: Document::new(&metadata, SET_MAX_AGE_S),
        }
    }
}

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery §4) and
/// `GET /.well-known/oauth-authorization-server` (RFC 8414 §3): the same facts.
pub async fn discovery(State(app): State<App>, headers: HeaderMap) -> Response {
    app.documents.provider.answer(&headers)
}

/// `GET /jwks.json` (RFC 7517 §5).
pub async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    app.keys().jwks.answer(&headers)
}
