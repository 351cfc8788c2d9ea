//! Access tokens as they come back: what one rests on, and whether that still stands.

use crate::app::{App, Error};
use crate::seal::hashed;
use serde_json::Value;
use std::sync::Arc;
use techpass_domain::account::{Account, Status};
use techpass_domain::client::{Client, GrantType};
use techpass_domain::id::GrantId;
use techpass_domain::oidc::claims::{self, AccessToken};
use techpass_domain::session::Grant;
use techpass_store::grants::Standing;
use techpass_store::{StoreError, Write, conflict};

/// Where the names of revoked access tokens are kept until the tokens have expired.
const REVOKED: &str = "revoked-token";

/// An access token of ours that has not expired.
pub struct Presented {
    /// Everything it says.
    pub claims: Arc<Value>,
    /// The same, read.
    pub token: AccessToken,
}

/// A token that is worth something.
pub struct Living {
    /// The client it was issued to.
    pub client: Arc<Client>,
    /// The person it speaks of, and what was granted; none for a machine's own token.
    pub person: Option<(Grant, Account)>,
}

/// Reads a token: signed by us, for us, in time. What it rests on is not looked at.
pub fn presented(app: &App, token: &str) -> Option<Presented> {
    let claims = super::our_own_access_token(app, token)?;
    let token = claims::check_access_token(&claims, &app.issuer, &app.issuer, app.now()).ok()?;
    Some(Presented { claims, token })
}

/// The same, whatever its age: a clock that is ahead must not keep a token from being revoked.
pub fn of_any_age(app: &App, token: &str) -> Option<AccessToken> {
    let claims = super::our_own_access_token(app, token)?;
    claims::read_access_token(&claims, &app.issuer, &app.issuer).ok()
}

/// What a token rests on, while it stands: a token lives no longer than its grant, its account, its client, and its own
/// revocation.
pub async fn living(app: &App, token: &AccessToken) -> Result<Option<Living>, Error> {
    let Some(client) = app.store.client(&token.client).await? else {
        return Ok(None);
    };
    let own_name = hashed(&token.jti);
    // The name of a person's token begins with the grant's; a machine's has no dot.
    let Some((grant, _)) = token.jti.split_once('.') else {
        let revoked = app.store.single_use(REVOKED, &own_name).await?.is_some();
        let person = None;
        let may = client.may(GrantType::ClientCredentials) && !revoked;
        return Ok(may.then_some(Living { client, person }));
    };
    let grant = GrantId::new(grant);
    let standing = app.store.standing(&grant, REVOKED, &own_name).await?;
    let stands = |standing: &Standing| {
        !standing.burnt
            && standing.grant.revoked_at.is_none()
            && standing.account.status == Status::Active
    };
    Ok(standing.filter(stands).map(|standing| Living {
        client,
        person: Some((standing.grant.grant, standing.account)),
    }))
}

/// Takes its worth from one token. Nothing else of its grant is touched: a client that wants to end everything revokes
/// the refresh token (RFC 7009 §2.1 leaves the choice).
pub async fn revoke(app: &App, token: &AccessToken) -> Result<(), Error> {
    let burn = Write::Burn {
        kind: REVOKED,
        key_sha256: hashed(&token.jti),
        at: app.now(),
        expires_at: token.expires_at,
    };
    match app.store.commit(vec![burn]).await {
        Ok(()) | Err(StoreError::Conflict(conflict::SINGLE_USE)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
