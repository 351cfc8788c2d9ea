//! UserInfo (OpenID Connect Core §5.3).

use super::subject::subject_of;
use super::{access, failure, for_any_origin, json};
use crate::app::{App, Error};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use techpass_domain::oidc::bearer::{self, BearerError};
use techpass_domain::oidc::claims;
use techpass_domain::oidc::params::Params;

/// `GET` or `POST /userinfo`.
pub async fn answer(app: &App, headers: &HeaderMap, form: Option<&str>) -> Response {
    for_any_origin(match claims_for(app, headers, form).await {
        Ok(Ok(claims)) => json(200, &claims),
        Ok(Err(error)) => refused(app, error),
        Err(error) => failure(&error),
    })
}

fn refused(app: &App, error: BearerError) -> Response {
    let body = match error.code() {
        Some(code) => serde_json::json!({ "error": code.as_str() }),
        None => serde_json::json!({}),
    };
    let mut response = json(error.status(), &body);
    if let Ok(value) = HeaderValue::from_str(&error.www_authenticate(&app.issuer)) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, value);
    }
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}

async fn claims_for(
    app: &App,
    headers: &HeaderMap,
    form: Option<&str>,
) -> Result<Result<Value, BearerError>, Error> {
    let header = headers.get(header::AUTHORIZATION);
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let form = match form.map(Params::parse) {
        Some(Ok(form)) => Some(form),
        Some(Err(_)) => return Ok(Err(BearerError::Malformed)),
        None => None,
    };
    let token = match bearer::access_token(header, form.as_ref()) {
        Ok(token) => token,
        Err(error) => return Ok(Err(error)),
    };
    let Some(presented) = access::presented(app, token) else {
        return Ok(Err(BearerError::Invalid));
    };
    // A machine's token speaks of nobody.
    let living = access::living(app, &presented.token).await?;
    let Some((client, (grant, account))) =
        living.and_then(|living| Some((living.client, living.person?)))
    else {
        return Ok(Err(BearerError::Invalid));
    };
    let subject = subject_of(app, &client, &account.id);
    let wanted = &grant.claims.userinfo;
    let scope = &presented.token.scope;
    Ok(Ok(
        claims::userinfo(&subject, &account, scope, wanted).into()
    ))
}
