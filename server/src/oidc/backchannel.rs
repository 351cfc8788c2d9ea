//! Logout tokens, delivered from the outbox until they arrive (Back-Channel Logout §2.5).

use super::subject::subject_of;
use crate::app::{App, Error};
use crate::chance;
use crate::keys;
use crate::outbound;
use crate::outbox::{self, Tried};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use techpass_domain::id::{AccountId, ClientId, Sid};
use techpass_domain::logout::Notice;
use techpass_domain::oidc::claims;
use techpass_domain::oidc::jwt::typ;
use techpass_store::Write;
use techpass_store::keeping::OutboxRow;
use tokio::task::JoinHandle;

/// The kind of these rows in the outbox.
pub const KIND: &str = "backchannel-logout";
/// How long the page that says what ended waits for answers.
const PAGE_WAITS: Duration = Duration::from_millis(2_000);

/// What a row holds; the token is made when it is sent, so that it is fresh.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// To whom.
    pub client: ClientId,
    /// About which entry.
    pub sid: Sid,
    /// Whose.
    pub sub: AccountId,
    /// Where.
    pub uri: String,
}

/// The write that lays a notice down, committed with the end that it tells of.
pub fn write(app: &App, notice: &Notice, account: &AccountId) -> Result<(String, Write), Error> {
    let now = app.now();
    let id = chance::row_id("bcl", now.0)?;
    let row = Row {
        client: notice.client.clone(),
        sid: notice.sid.clone(),
        sub: account.clone(),
        uri: notice.uri.clone(),
    };
    let write = Write::Enqueue {
        id: id.clone(),
        kind: KIND,
        data: serde_json::to_string(&row)?,
        at: now,
    };
    Ok((id, write))
}

/// Delivers what is due, in the background.
pub fn deliver_soon(app: &App) -> JoinHandle<()> {
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = deliver_due(&app).await {
            tracing::error!(error = %crate::web::page::chain(&error), "delivering logout tokens failed");
        }
    })
}

/// Delivers everything that is due.
pub async fn deliver_due(app: &App) -> Result<(), Error> {
    outbox::deliver_due(app, KIND, |row| async move { send(app, &row).await }).await
}

/// Delivers, waiting a moment for answers, so that a page can say what came of it.
pub async fn deliver_now(app: &App) {
    // Past the wait it goes on by itself: what it has claimed nobody else delivers meanwhile.
    let _ = tokio::time::timeout(PAGE_WAITS, deliver_soon(app)).await;
}

async fn send(app: &App, row: &OutboxRow) -> Result<Tried, Error> {
    let notice: Row = serde_json::from_str(&row.data)?;
    let Some(client) = app.store.client(&notice.client).await? else {
        return Ok(Ok(()));
    };
    let Ok(url) = url::Url::parse(&notice.uri) else {
        return Ok(Err("the address does not parse".to_owned()));
    };
    if !outbound::allowed(&app.config.outbound, &url) {
        return Ok(Err("the address may not be called".to_owned()));
    }
    let claims = claims::logout_token(&claims::LogoutTokenInput {
        issuer: &app.issuer,
        client: &notice.client,
        subject: &subject_of(app, &client, &notice.sub),
        sid: &notice.sid,
        jti: &chance::secret()?,
        issued_at: app.now(),
    });
    let alg = client.id_token_signed_response_alg;
    let keys = keys::ready(app, alg).await?;
    let token = keys.sign(alg, typ::LOGOUT_TOKEN, &claims.into())?;
    let sent = app
        .http
        .post(url)
        .await
        .form(&[("logout_token", token)])
        .send()
        .await;
    Ok(match sent {
        // §2.8: 200; some frameworks answer 204.
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("answered {}", answer.status().as_u16())),
        Err(error) => Err(error.without_url().to_string()),
    })
}
