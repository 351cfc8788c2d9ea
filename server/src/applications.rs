//! What people allowed applications to have: looked at, and taken back (OpenID Connect Core §3.1.2.4).

use crate::app::{App, Error};
use crate::login::show::date_time;
use crate::session;
use crate::views::words::ENGLISH as WORDS;
use crate::views::{self, Allowed, AllowedBy};
use crate::web::form::Form;
use crate::web::page::{self, Fault, Outcome};
use http::{HeaderMap, StatusCode};
use techpass_domain::audit::Record;
use techpass_domain::consent::Consent;
use techpass_domain::id::{AccountId, ClientId};
use techpass_store::Write;

/// Where the page is.
pub const PATH: &str = "/account/applications";

/// `GET /account/applications`: for each account signed in in this browser.
pub async fn get(app: &App, headers: &HeaderMap) -> Outcome {
    let mut accounts = Vec::new();
    for entry in &session::here(app, headers).await?.entries {
        let Some(account) = app.store.account(&entry.account).await? else {
            continue;
        };
        let mut allowed = Vec::new();
        for consent in app.store.consents_of(&account.id).await? {
            allowed.push(row(app, consent).await?);
        }
        accounts.push(AllowedBy {
            id: account.id.as_str().to_owned(),
            name: account.name,
            login_id: account.login_id,
            allowed,
        });
    }
    let body = views::Applications { accounts }.render(&page::shell(app, ""))?;
    Ok(page::own(body, StatusCode::OK))
}

async fn row(app: &App, consent: Consent) -> Result<Allowed, Error> {
    let client = app.store.client(&consent.client).await?;
    Ok(Allowed {
        client: consent.client.as_str().to_owned(),
        app: client.map_or_else(
            || consent.client.as_str().to_owned(),
            |client| client.name.clone(),
        ),
        since: date_time(consent.given_at),
        allows: views::allows(&WORDS, &consent.scope, &consent.claims),
    })
}

/// `POST /account/applications`: takes back what an account signed in in this browser allowed a client.
pub async fn post(app: &App, headers: &HeaderMap, form: &Form) -> Outcome {
    let here = session::here(app, headers).await?;
    let named = |name: &str| form.get(name).unwrap_or_default();
    let account = AccountId::new(named("account"));
    if here.entry_of(&account).is_none() {
        return Err(Fault::expired());
    }
    withdraw(app, &account, &ClientId::new(named("client")), "person").await?;
    Ok(page::see_other(PATH))
}

/// Takes back what an account allowed a client; what the client holds for it now is dead in the same commit. `false` when
/// there was nothing to take back.
pub async fn withdraw(
    app: &App,
    account: &AccountId,
    client: &ClientId,
    by: &'static str,
) -> Result<bool, Error> {
    if app.store.consent(account, client).await?.is_none() {
        return Ok(false);
    }
    let now = app.now();
    let withdrawn = Write::WithdrawConsent {
        account: account.clone(),
        client: client.clone(),
        at: now,
    };
    let record = app.audit(Record {
        at: now,
        kind: "consent.withdrawn".to_owned(),
        account: Some(account.clone()),
        client: Some(client.clone()),
        reference: None,
        detail: serde_json::json!({ "by": by }),
    })?;
    app.store.commit(vec![withdrawn, record]).await?;
    Ok(true)
}
