//! How requests of programs end that give nothing: by the client's doing, or by ours.

use super::{failure, json};
use crate::app::{App, Error};
use axum::response::Response;
use http::{HeaderValue, header};
use techpass_domain::oidc::error::TokenError;
use techpass_store::StoreError;

/// Why a request at the token endpoint or one of its neighbours gives nothing.
pub enum Refused {
    /// The client's doing.
    Client(TokenError),
    /// Ours.
    Failure(Error),
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        Refused::Client(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Failure(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Refused::Failure(error.into())
    }
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Refused::Failure(error.into())
    }
}

impl Refused {
    /// The answer (RFC 6749 §5.2); `what` was refused, for the log.
    pub fn into_response(self, app: &App, what: &'static str) -> Response {
        let error = match self {
            Refused::Failure(error) => return failure(&error),
            Refused::Client(error) => error,
        };
        tracing::info!(
            error = error.code.as_str(),
            description = error.description.as_str(),
            what,
            "request refused"
        );
        let mut response = json(error.status(), &error.body());
        if let Some(challenge) = error.www_authenticate(&app.issuer)
            && let Ok(value) = HeaderValue::from_str(&challenge)
        {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
