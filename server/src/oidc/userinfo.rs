//! UserInfo (OpenID Connect Core §5.3).

use super::subject::subject_of;
use super::{access, failure, for_any_origin, json};
use crate::app::{App, Error};
use crate::keys;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use std::sync::Arc;
use techpass_domain::client::Client;
use techpass_domain::oidc::bearer::{self, BearerError};
use techpass_domain::oidc::claims;
use techpass_domain::oidc::jwt::typ;
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::scope::OPENID;

/// `GET` or `POST /userinfo`, from any origin (§5.3: Cross-Origin Resource Sharing).
pub async fn answer(
    app: &App,
    headers: &HeaderMap,
    query: Option<&str>,
    form: Option<&str>,
) -> Response {
    let answered = match claims_for(app, headers, query, form).await {
        Ok(Ok((claims, client))) => written(app, claims, &client).await,
        Ok(Err(error)) => Ok(refused(app, error)),
        Err(error) => Err(error),
    };
    for_any_origin(answered.unwrap_or_else(|error| failure(&error)))
}

/// §5.3.2: JSON, or a signed JWT where the client registered `userinfo_signed_response_alg`.
async fn written(
    app: &App,
    claims: Map<String, Value>,
    client: &Client,
) -> Result<Response, Error> {
    let Some(alg) = client.userinfo_signed_response_alg else {
        return Ok(json(200, &claims.into()));
    };
    let claims = claims::signed_userinfo(claims, &app.issuer, &client.id);
    let keys = keys::ready(app, alg).await?;
    let token = keys.sign(alg, typ::ID_TOKEN, &claims.into())?;
    let headers = [
        (header::CONTENT_TYPE, "application/jwt"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((StatusCode::OK, headers, token).into_response())
}

/// RFC 6750 §3: the challenge, and the same in the body where something was sent.
fn refused(app: &App, error: BearerError) -> Response {
    let body = match error.code() {
        Some(code) => serde_json::json!({
            "error": code.as_str(),
            "error_description": error.to_string(),
        }),
        None => serde_json::json!({}),
    };
    let mut response = json(error.status(), &body);
    if let Ok(value) = HeaderValue::from_str(&error.www_authenticate(&app.issuer)) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

async fn claims_for(
    app: &App,
    headers: &HeaderMap,
    query: Option<&str>,
    form: Option<&str>,
) -> Result<Result<(Map<String, Value>, Arc<Client>), BearerError>, Error> {
    let header = headers.get(header::AUTHORIZATION);
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let (Ok(query), Ok(form)) = (
        query.map(Params::parse_repeated).transpose(),
        form.map(Params::parse).transpose(),
    ) else {
        return Ok(Err(BearerError::Malformed));
    };
    let token = match bearer::access_token(header, form.as_ref(), query.as_ref()) {
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
    if !presented.token.scope.contains(OPENID) {
        return Ok(Err(BearerError::Scope));
    }
    let subject = subject_of(app, &client, &account.id);
    let wanted = &grant.claims.userinfo;
    let claims = claims::userinfo(&subject, &account, &presented.token.scope, wanted);
    Ok(Ok((claims, client)))
}
