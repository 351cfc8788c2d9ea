//! Revocation: a client gives a token back (RFC 7009).

use super::access;
use super::client_auth::authenticate;
use super::json;
use super::refused::Refused;
use crate::app::App;
use crate::seal::hashed;
use axum::response::Response;
use http::HeaderMap;
use serde_json::json as object;
use techpass_domain::client::Client;
use techpass_domain::oidc::discovery::path;
use techpass_domain::oidc::error::TokenError;
use techpass_domain::oidc::introspection::{self, Kind};
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::refresh::RefreshBinding;
use techpass_domain::oidc::token;

/// `POST /revoke`. What is worth nothing to this client already is answered like what was revoked (§2.2).
pub async fn post(app: &App, headers: &HeaderMap, body: &str) -> Response {
    match answer(app, headers, body).await {
        Ok(()) => json(200, &object!({})),
        Err(refused) => refused.into_response(app, "revocation"),
    }
}

async fn answer(app: &App, headers: &HeaderMap, body: &str) -> Result<(), Refused> {
    let params = Params::parse(body).map_err(TokenError::from)?;
    let client = authenticate(app, headers, &params, path::REVOKE).await?;
    let token = token::required(&params, "token")?;
    match introspection::kind(&token) {
        Kind::Jwt => {
            if let Some(token) = access::of_any_age(app, &token)
                && introspection::may_revoke(&client, &token.client)
            {
                access::revoke(app, &token).await?;
            }
            Ok(())
        }
        Kind::Refresh => refresh_token(app, &client, &token).await,
        Kind::Unknown => Ok(()),
    }
}

/// §2.1: with a refresh token its grant ends, and so do the access tokens of the grant.
async fn refresh_token(app: &App, client: &Client, token: &str) -> Result<(), Refused> {
    let Some(row) = app.store.refresh_token(&hashed(token)).await? else {
        return Ok(());
    };
    let binding: RefreshBinding = serde_json::from_str(&row.data)?;
    if introspection::may_revoke(client, &binding.client_id) {
        super::token::revoke(app, &row.grant, "revoked by the client").await?;
    }
    Ok(())
}
