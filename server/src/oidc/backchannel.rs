//! Logout tokens, delivered from the outbox until they arrive (Back-Channel Logout §2.5).

use super::subject::subject_of;
use crate::app::{App, Error};
use crate::chance;
use crate::outbound;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use techpass_domain::id::{AccountId, ClientId, Sid};
use techpass_domain::logout::Notice;
use techpass_domain::oidc::claims;
use techpass_domain::oidc::jwt::typ;
use techpass_domain::time::Seconds;
use techpass_store::keeping::OutboxRow;
use techpass_store::{StoreError, Write};
use tokio::task::JoinHandle;

/// The kind of these rows in the outbox.
pub const KIND: &str = "backchannel-logout";
/// Pauses between tries. After the last one the notice is given up; the client's session ends by its own lifetime.
const PAUSES_S: [Seconds; 7] = [2, 10, 30, 120, 600, 3_600, 14_400];
/// How long a notice belongs to whoever tries to deliver it; longer than a call may take.
const CLAIMED_FOR_S: Seconds = 30;
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

/// Delivers everything that is due, all at once: one that stalls holds no other up.
pub async fn deliver_due(app: &App) -> Result<(), Error> {
    let due = app.store.due(KIND, app.now()).await?;
    let tries = due.into_iter().map(|row| deliver(app, row));
    for tried in futures_util::future::join_all(tries).await {
        tried?;
    }
    Ok(())
}

/// Delivers, waiting a moment for answers, so that a page can say what came of it.
pub async fn deliver_now(app: &App) {
    // Past the wait it goes on by itself: what it has claimed nobody else delivers meanwhile.
    let _ = tokio::time::timeout(PAGE_WAITS, deliver_soon(app)).await;
}

async fn deliver(app: &App, row: OutboxRow) -> Result<(), Error> {
    let now = app.now();
    let claim = Write::Claim {
        id: row.id.clone(),
        at: now,
        until: now.plus(CLAIMED_FOR_S),
    };
    match app.store.commit(vec![claim]).await {
        Ok(()) => {}
        // Another round, or another server, is at it.
        Err(StoreError::Conflict(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let result = send(app, &row).await?;
    let write = match result {
        Ok(()) => {
            app.metrics.notice("delivered");
            Write::Delivered {
                id: row.id,
                at: now,
            }
        }
        Err(reason) => {
            let attempt = usize::try_from(row.attempts).unwrap_or(usize::MAX);
            let pause = PAUSES_S.get(attempt).copied();
            app.metrics.notice(pause.map_or("given_up", |_| "failed"));
            tracing::warn!(row = row.id, reason, "a logout token was not delivered");
            Write::NotDelivered {
                id: row.id,
                attempts: row.attempts + 1,
                due_at: pause.map(|pause| now.plus(pause)),
                at: now,
                error: reason,
            }
        }
    };
    Ok(app.store.commit(vec![write]).await?)
}

async fn send(app: &App, row: &OutboxRow) -> Result<Result<(), String>, Error> {
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
    let token = app.keys().sign(alg, typ::LOGOUT_TOKEN, &claims.into())?;
    let sent = app
        .http
        .post(url)
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
