//! What the person allowed the application, before and now.

use super::Bound;
use crate::app::{App, Error};
use techpass_domain::consent::Consent;
use techpass_domain::id::AccountId;
use techpass_domain::login::{Chosen, Login, Who};
use techpass_domain::oidc::authorization::AuthorizationRequest;
use techpass_store::Write;

/// The login, knowing whether the chosen account allowed all of this before. Reads nothing where that does not matter.
pub async fn remembered(
    app: &App,
    login: Login,
    request: &AuthorizationRequest,
) -> Result<Login, Error> {
    let who = match &login.evidence.chosen {
        Some(Chosen::Known(who)) if login.asked.approval => who.clone(),
        _ => return Ok(login),
    };
    let before = app.store.consent(&who.id, &request.client_id).await?;
    let claims = request.claims_beyond_scope();
    let consented = before.is_some_and(|consent| consent.covers(&request.scope, &claims));
    Ok(login.refreshed(Who { consented, ..who }))
}

/// The write that keeps what was just allowed, with what was allowed before.
pub(super) async fn write(app: &App, bound: &Bound, account: &AccountId) -> Result<Write, Error> {
    let request = &bound.data.request;
    let before = app.store.consent(account, &request.client_id).await?;
    let now = Consent {
        account: account.clone(),
        client: request.client_id.clone(),
        scope: request.scope.clone(),
        claims: request.claims_beyond_scope(),
        given_at: app.now(),
    };
    Ok(Write::SaveConsent(now.with(before)))
}
