//! Introspection: what a token is worth now (RFC 7662).

use super::access;
use super::client_auth::authenticate;
use super::json;
use super::refused::Refused;
use super::subject::subject_of;
use crate::app::{App, Error};
use crate::seal::hashed;
use axum::response::Response;
use http::HeaderMap;
use serde_json::Value;
use techpass_domain::account::Status;
use techpass_domain::client::Client;
use techpass_domain::oidc::discovery::path;
use techpass_domain::oidc::error::{TokenError, TokenErrorCode};
use techpass_domain::oidc::introspection::{self, Kind, RefreshFacts};
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::refresh::RefreshBinding;
use techpass_domain::oidc::scope::Scope;
use techpass_domain::oidc::token;

/// `POST /introspect`.
pub async fn post(app: &App, headers: &HeaderMap, body: &str) -> Response {
    match answer(app, headers, body).await {
        Ok(body) => json(200, &body),
        Err(refused) => refused.into_response(app, "introspection"),
    }
}

async fn answer(app: &App, headers: &HeaderMap, body: &str) -> Result<Value, Refused> {
    let params = Params::parse(body).map_err(TokenError::from)?;
    let asker = authenticate(app, headers, &params, path::INTROSPECT).await?;
    if !introspection::may_ask(&asker) {
        let description = "A public client cannot ask about tokens.";
        return Err(TokenError::new(TokenErrorCode::InvalidClient, description).into());
    }
    let token = token::required(&params, "token")?;
    let known = match introspection::kind(&token) {
        Kind::Jwt => access_token(app, &asker, &token).await?,
        Kind::Refresh => refresh_token(app, &asker, &token).await?,
        Kind::Unknown => None,
    };
    Ok(known.unwrap_or_else(introspection::inactive))
}

async fn access_token(app: &App, asker: &Client, token: &str) -> Result<Option<Value>, Error> {
    let presented = access::presented(app, token);
    let Some(presented) = presented.filter(|it| introspection::may_know(asker, &it.token.client))
    else {
        return Ok(None);
    };
    let living = access::living(app, &presented.token).await?;
    Ok(living.map(|living| {
        let login_id = living.person.as_ref().map(|(_, account)| &account.login_id);
        let login_id = login_id.map(String::as_str);
        introspection::access_token(&presented.claims, &presented.token.scope, login_id)
    }))
}

async fn refresh_token(app: &App, asker: &Client, token: &str) -> Result<Option<Value>, Error> {
    let Some(row) = app.store.refresh_token(&hashed(token)).await? else {
        return Ok(None);
    };
    let binding: RefreshBinding = serde_json::from_str(&row.data)?;
    let over = row.used_at.is_some() || app.now() >= row.expires_at;
    if over || !introspection::may_know(asker, &binding.client_id) {
        return Ok(None);
    }
    let found = app.store.grant_with_account(&row.grant).await?;
    let found = found.filter(|(grant, _)| grant.revoked_at.is_none());
    let Some((grant, account)) = found else {
        return Ok(None);
    };
    let account = account.filter(|account| account.status == Status::Active);
    let owner = app.store.client(&binding.client_id).await?;
    let (Some(account), Some(owner)) = (account, owner) else {
        return Ok(None);
    };
    let facts = RefreshFacts {
        issuer: &app.issuer,
        client: &owner.id,
        sub: &subject_of(app, &owner, &account.id),
        scope: &Scope::parse(&grant.grant.scope).unwrap_or_default(),
        issued_at: binding.issued_at,
        expires_at: row.expires_at,
    };
    Ok(Some(introspection::refresh_token(
        &facts,
        Some(&account.login_id),
    )))
}
