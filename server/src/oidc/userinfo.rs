//! UserInfo (OpenID Connect Core §5.3).

use super::subject::subject_of;
use super::{failure, for_any_origin, json};
use crate::app::{App, Error};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use techpass_domain::account::Status;
use techpass_domain::id::GrantId;
use techpass_domain::oidc::bearer::{self, BearerError};
use techpass_domain::oidc::claims;
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::scope::Scope;

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
    let Some((grant, scope)) = believed(app, token) else {
        return Ok(Err(BearerError::Invalid));
    };
    // A token lives no longer than what it rests on: the grant, and the account.
    let row = app.store.grant(&grant).await?;
    let Some(row) = row.filter(|row| row.revoked_at.is_none()) else {
        return Ok(Err(BearerError::Invalid));
    };
    let account = app.store.account(&row.grant.account).await?;
    let Some(account) = account.filter(|account| account.status == Status::Active) else {
        return Ok(Err(BearerError::Invalid));
    };
    let Some(client) = app.store.client(&row.grant.client).await? else {
        return Ok(Err(BearerError::Invalid));
    };
    let subject = subject_of(app, &client, &account.id);
    let wanted = &row.grant.claims.userinfo;
    Ok(Ok(
        claims::userinfo(&subject, &account, &scope, wanted).into()
    ))
}

/// An access token of ours that has not expired: its grant and scope.
fn believed(app: &App, token: &str) -> Option<(GrantId, Scope)> {
    let claims = super::our_own_access_token(app, token)?;
    let token = claims::check_access_token(&claims, &app.issuer, &app.issuer, app.now()).ok()?;
    let (grant, _) = token.jti.split_once('.')?;
    Some((GrantId::new(grant), token.scope))
}
