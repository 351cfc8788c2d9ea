//! Refresh tokens: each use gives the next one of its family (OpenID Connect Core §12, RFC 9700 §4.14).

use super::{Gives, invalid_grant, may_still, revoke, tokens};
use crate::app::{App, Error};
use crate::chance;
use crate::oidc::refused::Refused;
use crate::seal::hashed;
use serde_json::Value;
use techpass_domain::client::{Client, GrantType};
use techpass_domain::id::GrantId;
use techpass_domain::oidc::introspection::REFRESH_PREFIX;
use techpass_domain::oidc::refresh::{self, RefreshBinding, Rotation, Standing, Successor};
use techpass_domain::oidc::scope::{OFFLINE_ACCESS, Scope};
use techpass_domain::session::Grant;
use techpass_domain::time::Timestamp;
use techpass_store::write::NewRefresh;
use techpass_store::{StoreError, Write};

/// The first refresh token of a family, for a client that is registered for them.
pub fn first(
    app: &App,
    client: &Client,
    grant: &Grant,
    scope: &Scope,
    writes: &mut Vec<Write>,
) -> Result<Option<String>, Error> {
    if !client.may(GrantType::RefreshToken) {
        return Ok(None);
    }
    let now = app.now();
    let lifetime_s = if scope.contains(OFFLINE_ACCESS) {
        app.config.tokens.offline_s
    } else {
        app.config.session.absolute_s
    };
    let next = Successor {
        generation: 0,
        expires_at: now.plus(lifetime_s),
    };
    let (token, write) = new_refresh(client, &grant.id, next, now)?;
    writes.push(write);
    Ok(Some(token))
}

fn new_refresh(
    client: &Client,
    grant: &GrantId,
    next: Successor,
    now: Timestamp,
) -> Result<(String, Write), Error> {
    let token = chance::prefixed(REFRESH_PREFIX)?;
    let binding = RefreshBinding {
        client_id: client.id.clone(),
        issued_at: now,
    };
    let write = Write::AddRefresh(NewRefresh {
        token_sha256: hashed(&token),
        grant: grant.clone(),
        generation: next.generation,
        data: serde_json::to_string(&binding)?,
        expires_at: next.expires_at,
    });
    Ok((token, write))
}

/// A refresh token, once; its successor takes its place.
pub async fn rotate(
    app: &App,
    client: &Client,
    token: &str,
    scope: Option<&Scope>,
) -> Result<Value, Refused> {
    let now = app.now();
    let token_sha256 = hashed(token);
    let row = app.store.refresh_token(&token_sha256).await?;
    let Some(row) = row else {
        return Err(invalid_grant("The refresh token is not valid.").into());
    };
    let binding: RefreshBinding = serde_json::from_str(&row.data)?;
    let successor = match &row.successor_sha256 {
        Some(hash) => app.store.refresh_token(hash).await?,
        None => None,
    };
    let found = app.store.grant_with_account(&row.grant).await?;
    let standing = Standing {
        client_id: &binding.client_id,
        generation: row.generation,
        expires_at: row.expires_at,
        used_at: row.used_at,
        successor_unused: successor.is_some_and(|next| next.used_at.is_none()),
        revoked: found
            .as_ref()
            .is_none_or(|(grant, _)| grant.revoked_at.is_some()),
    };
    let rotation = match refresh::rotate(standing, &client.id, now) {
        Ok(rotation) => rotation,
        Err(refusal) => {
            if refusal.revokes_grant() {
                revoke(app, &row.grant, "refresh token replayed").await?;
            }
            return Err(refusal.error().into());
        }
    };
    let found = found.ok_or_else(|| invalid_grant("The refresh token is not valid."))?;
    let (grant, account) = found;
    may_still(account.as_ref())?;
    let granted = Scope::parse(&grant.grant.scope).unwrap_or_default();
    let scope = granted.narrowed(scope)?;
    let (next, lost) = match rotation {
        Rotation::Next(next) => (next, None),
        Rotation::ReplaceLost(next) => (next, row.successor_sha256),
    };
    let (fresh, add) = new_refresh(client, &row.grant, next, now)?;
    let replace = replacing(token_sha256, lost, hashed(&fresh), now);
    let require = Write::RequireGrant { id: row.grant };
    let gives = Gives {
        scope: &scope,
        refresh: Some(fresh),
        refreshed: true,
    };
    let tokens = tokens(app, client, &grant.grant, gives).await?;
    match app.store.commit(vec![replace, add, require]).await {
        Ok(()) => Ok(tokens),
        // Of two at once the second gets nothing; that alone is no proof of theft, and the first answer stands.
        Err(StoreError::Conflict(_)) => {
            Err(invalid_grant("The refresh token is not valid.").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Uses the token up; or, where its answer got lost, puts another successor in the place of the lost one.
fn replacing(
    token_sha256: String,
    lost: Option<String>,
    successor_sha256: String,
    at: Timestamp,
) -> Write {
    match lost {
        None => Write::UseRefresh {
            token_sha256,
            successor_sha256,
            at,
        },
        Some(lost_sha256) => Write::ReplaceSuccessor {
            token_sha256,
            lost_sha256,
            successor_sha256,
            at,
        },
    }
}
