//! Request objects: fetched, verified, and put in the place of the request's own parameters (OpenID Connect Core §6).

use crate::app::App;
use crate::remote::{self, Purpose};
use serde_json::{Map, Value};
use techpass_domain::client::Client;
use techpass_domain::oidc::error::AuthorizationError;
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::request_object::{self, Expect, Form, Source};

/// The parameters that count: the request's own, or with those of its object in their place. `None` when there is no
/// object. Nothing of an object is given out before it was verified.
pub async fn effective(
    app: &App,
    params: &Params,
    client: &Client,
) -> Result<Option<Params>, AuthorizationError> {
    let object = match request_object::source(params, client)? {
        None => return Ok(None),
        Some(Source::Value(object)) => object,
        Some(Source::Reference(uri)) => fetched(app, &uri).await?,
    };
    let claims = verified(app, client, object.trim()).await?;
    let expect = Expect {
        client,
        issuer: &app.issuer,
        skew_s: app.config.limits.clock_skew_s,
        now: app.now(),
    };
    request_object::merged(params, &claims, &expect).map(Some)
}

/// §6.2: from the registered address, by the guarded fetcher.
async fn fetched(app: &App, uri: &str) -> Result<String, AuthorizationError> {
    let body = match remote::document(app, uri, Purpose::RequestObject).await {
        Ok(body) => body,
        Err(error) => return request_object::unreachable(&error.to_string()),
    };
    match std::str::from_utf8(&body) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => request_object::invalid("it is not text"),
    }
}

async fn verified(
    app: &App,
    client: &Client,
    object: &str,
) -> Result<Map<String, Value>, AuthorizationError> {
    if let Form::Unsigned(claims) = request_object::form(object, client)? {
        return Ok(claims);
    }
    let algorithms = request_object::algorithms(client);
    match remote::signed_by(app, client, object, &algorithms).await {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) => request_object::invalid("it holds no JSON object"),
        Err(error) => request_object::invalid(&error.to_string()),
    }
}
