//! The token endpoint (RFC 6749 §3.2): what each grant type gives.

mod device;
mod machine;
mod refresh;

use super::client_auth::authenticate;
use super::json;
use super::refused::Refused;
use super::subject::subject_of;
use crate::app::{App, Error};
use crate::chance;
use crate::keys;
use crate::seal::{hashed, left_half_b64, sha256_b64};
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Map, Value, json as object};
use techpass_domain::account::{Account, Status};
use techpass_domain::audit::Record;
use techpass_domain::client::Client;
use techpass_domain::id::GrantId;
use techpass_domain::oidc::claims;
use techpass_domain::oidc::code::{self, CodeBinding, Redemption};
use techpass_domain::oidc::discovery::path;
use techpass_domain::oidc::error::{TokenError, TokenErrorCode};
use techpass_domain::oidc::jwt::typ;
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::scope::{OPENID, Scope};
use techpass_domain::oidc::token::{self, TokenRequest};
use techpass_domain::session::Grant;
use techpass_store::grants::GrantRow;
use techpass_store::{StoreError, Write, conflict};

/// `POST /token`.
pub async fn post(app: &App, headers: &HeaderMap, body: &str) -> Response {
    match answer(app, headers, body).await {
        Ok(body) => json(200, &body),
        Err(refused) => refused.into_response(app, "tokens"),
    }
}

async fn answer(app: &App, headers: &HeaderMap, body: &str) -> Result<Value, Refused> {
    let params = Params::parse(body).map_err(TokenError::from)?;
    let client = authenticate(app, headers, &params, path::TOKEN).await?;
    let request = token::parse(&params)?;
    token::permitted(
        request.grant_type(),
        &client,
        app.config.device_grant.enabled,
    )?;
    match request {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
        } => {
            let verifier = code_verifier.as_deref().map(sha256_b64);
            let redemption = Redemption {
                client_id: &client.id,
                redirect_uri: redirect_uri.as_deref(),
                verifier_s256: verifier.as_deref(),
            };
            redeem(app, &client, &code, redemption).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
        } => refresh::rotate(app, &client, &refresh_token, scope.as_ref()).await,
        TokenRequest::ClientCredentials { scope } => {
            machine::issue(app, &client, scope.as_ref()).await
        }
        TokenRequest::DeviceCode { device_code } => device::poll(app, &client, &device_code).await,
    }
}

/// A code, once. Whoever is second and rightful ends the grant; a stranger ends nothing.
async fn redeem(
    app: &App,
    client: &Client,
    code: &str,
    redemption: Redemption<'_>,
) -> Result<Value, Refused> {
    let now = app.now();
    let key_sha256 = hashed(code);
    let row = app.store.single_use("code", &key_sha256).await?;
    let Some(row) = row else {
        return Err(invalid_grant("The code is not valid.").into());
    };
    let binding: CodeBinding = serde_json::from_str(&row.data)?;
    if let Err(refusal) = code::redeem(&binding, row.used_at.is_some(), redemption, now) {
        if refusal == code::Refusal::Pkce {
            tracing::warn!(client = %client.id, reason = %refusal, "a code is refused");
        }
        if refusal.revokes_grant() {
            revoke(app, &binding.grant, "code replayed").await?;
        }
        return Err(refusal.error().into());
    }
    let grant = grant(app, &binding.grant).await?;
    let scope = Scope::parse(&grant.grant.scope).unwrap_or_default();
    let mut writes = vec![
        Write::Use {
            kind: "code",
            key_sha256,
            at: now,
        },
        Write::RequireGrant {
            id: binding.grant.clone(),
        },
    ];
    let refresh = refresh::first(app, client, &grant.grant, &scope, &mut writes)?;
    let gives = Gives {
        scope: &scope,
        refresh,
        refreshed: false,
    };
    let tokens = tokens(app, client, &grant.grant, gives).await?;
    match app.store.commit(writes).await {
        Ok(()) => Ok(tokens),
        Err(StoreError::Conflict(conflict::SINGLE_USE)) => {
            // Somebody redeemed it between the look and the commit: this is a replay.
            revoke(app, &binding.grant, "code replayed").await?;
            Err(code::Refusal::Replayed.error().into())
        }
        Err(StoreError::Conflict(_)) => Err(invalid_grant("The code is not valid.").into()),
        Err(error) => Err(error.into()),
    }
}

/// An account that may not sign in any more gets no new tokens either.
fn may_still(account: Option<&Account>) -> Result<(), TokenError> {
    if account.is_some_and(|account| account.status == Status::Active) {
        Ok(())
    } else {
        Err(invalid_grant("The account may not sign in."))
    }
}

async fn grant(app: &App, id: &GrantId) -> Result<GrantRow, Refused> {
    match app.store.grant_with_account(id).await? {
        Some((grant, account)) if grant.revoked_at.is_none() => {
            may_still(account.as_ref())?;
            Ok(grant)
        }
        _ => Err(invalid_grant("The code is not valid.").into()),
    }
}

/// Ends a grant with everything it begot.
pub async fn revoke(app: &App, id: &GrantId, cause: &str) -> Result<(), Error> {
    let grant = app.store.grant(id).await?;
    let record = Record {
        at: app.now(),
        kind: "grant.revoked".to_owned(),
        account: grant.as_ref().map(|row| row.grant.account.clone()),
        client: grant.as_ref().map(|row| row.grant.client.clone()),
        reference: None,
        detail: object!({ "cause": cause }),
    };
    let at = app.now();
    let revoke = Write::RevokeGrant { id: id.clone(), at };
    Ok(app.store.commit(vec![revoke, app.audit(record)?]).await?)
}

/// What a token response rests on beside the grant.
struct Gives<'a> {
    scope: &'a Scope,
    refresh: Option<String>,
    refreshed: bool,
}

/// The token response (RFC 6749 §5.1, Core §3.1.3.3).
async fn tokens(
    app: &App,
    client: &Client,
    grant: &Grant,
    gives: Gives<'_>,
) -> Result<Value, Error> {
    let Gives { scope, refresh, .. } = gives;
    let subject = subject_of(app, client, &grant.account);
    let person = asked_by_name(app, grant).await?;
    let now = app.now();
    let keys = keys::ready(app, client.id_token_signed_response_alg).await?;
    let alg = client.id_token_signed_response_alg;
    let access = claims::access_token(&claims::AccessTokenInput {
        issuer: &app.issuer,
        audience: &app.issuer,
        subject: &subject,
        grant,
        scope,
        jti: &format!("{}.{}", grant.id, chance::secret()?),
        issued_at: now,
        lifetime_s: app.config.tokens.access_s,
    });
    let access = keys.sign(alg, typ::ACCESS_TOKEN, &access.into())?;
    let at_hash = left_half_b64(claims::TokenHash::of(alg), &access);
    let id = claims::id_token(&claims::IdTokenInput {
        issuer: &app.issuer,
        subject: &subject,
        grant,
        person: &person,
        issued_at: now,
        lifetime_s: app.config.tokens.id_token_s,
        at_hash: Some(&at_hash),
        refreshed: gives.refreshed,
    });
    let mut body = object!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": app.config.tokens.access_s,
        "scope": scope.to_string(),
    });
    let granted = Scope::parse(&grant.scope).unwrap_or_default();
    let id = granted
        .contains(OPENID)
        .then(|| keys.sign(alg, typ::ID_TOKEN, &id.into()))
        .transpose()?;
    if let Some(members) = body.as_object_mut() {
        let optional = [("id_token", id), ("refresh_token", refresh)];
        for (name, value) in optional {
            if let Some(value) = value {
                members.insert(name.to_owned(), value.into());
            }
        }
    }
    Ok(body)
}

/// What the request wants of the person in the ID token (Core §5.5).
async fn asked_by_name(app: &App, grant: &Grant) -> Result<Map<String, Value>, Error> {
    let wanted = &grant.claims.id_token;
    if wanted.is_empty() {
        return Ok(Map::new());
    }
    let account = app.store.account(&grant.account).await?;
    let of = |account| claims::person(&account, std::iter::empty(), wanted);
    Ok(account.map(of).unwrap_or_default())
}

fn invalid_grant(description: &str) -> TokenError {
    TokenError::new(TokenErrorCode::InvalidGrant, description)
}
