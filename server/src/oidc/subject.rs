//! `sub` as each client sees it (OpenID Connect Core §8): the account's id, or one that follows from the sector, the
//! account and the master key, so that clients of different sectors cannot compare whom they know.

use crate::app::{App, Error};
use techpass_domain::client::Client;
use techpass_domain::id::AccountId;
use techpass_domain::oidc::subject::sector;
use techpass_store::Write;

/// What the master key derives pairwise subjects for.
const PURPOSE: &str = "pairwise";

/// The `sub` of an account in everything this client receives: ID tokens, access tokens, UserInfo, introspection and
/// logout tokens. 43 characters of base64url where it is pairwise (Core §8.1).
pub fn subject_of(app: &App, client: &Client, account: &AccountId) -> String {
    match sector(client) {
        Some(sector) => app
            .seal
            .derived_text(PURPOSE, &format!("{sector}|{account}")),
        None => account.as_str().to_owned(),
    }
}

/// The write that lets [`account_of`] find the account again; nothing for public subjects. Commit it with the grant.
pub fn remember(app: &App, client: &Client, account: &AccountId) -> Option<Write> {
    sector(client).map(|_| Write::KnowSubject {
        sub: subject_of(app, client, account),
        account: account.clone(),
    })
}

/// The account that a `sub` of this client stands for, such as that of an `id_token_hint`; `None` when there is none, or
/// when it is the `sub` of another sector.
pub async fn account_of(app: &App, client: &Client, sub: &str) -> Result<Option<AccountId>, Error> {
    let account = match sector(client) {
        Some(_) => app.store.account_of_subject(sub).await?,
        None => Some(AccountId::new(sub)),
    };
    let account = account.filter(|account| subject_of(app, client, account) == sub);
    match account {
        Some(id) => Ok(app.store.account(&id).await?.map(|account| account.id)),
        None => Ok(None),
    }
}
