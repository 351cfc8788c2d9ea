//! Deliveries: what was laid down with its cause is tried until it arrives or its tries are used up. Of several nodes
//! one takes a row; a node that ends in between loses its claim.

use crate::app::{App, Error};
use crate::web::page;
use techpass_domain::time::Seconds;
use techpass_store::keeping::OutboxRow;
use techpass_store::{StoreError, Write};

/// Pauses between tries; after the last one the row is given up.
const PAUSES_S: [Seconds; 7] = [2, 10, 30, 120, 600, 3_600, 14_400];
/// How long a node has for one try; longer than a call may take.
const CLAIM_S: Seconds = 30;
/// Rows that are tried at once, so that one that stalls holds few others up.
const AT_ONCE: usize = 32;

/// What a try came to: it arrived, or why not. The reason holds no secret.
pub type Tried = Result<(), String>;

/// Tries everything of a kind that is due. A row that cannot even be prepared has failed like one that does not arrive,
/// so that it holds no other up and is given up in the end.
pub async fn deliver_due<F>(
    app: &App,
    kind: &str,
    send: impl Fn(OutboxRow) -> F,
) -> Result<(), Error>
where
    F: Future<Output = Result<Tried, Error>>,
{
    let due = app.store.due(kind, app.now()).await?;
    for some in due.chunks(AT_ONCE) {
        let tries = some.iter().map(|row| deliver(app, row, &send));
        for tried in futures_util::future::join_all(tries).await {
            tried?;
        }
    }
    Ok(())
}

async fn deliver<F>(app: &App, row: &OutboxRow, send: &impl Fn(OutboxRow) -> F) -> Result<(), Error>
where
    F: Future<Output = Result<Tried, Error>>,
{
    if !claim(app, row).await? {
        return Ok(());
    }
    let tried = send(row.clone()).await.unwrap_or_else(|error| {
        tracing::error!(row = row.id, kind = row.kind, error = %page::chain(&error), "a delivery cannot be prepared");
        Err("it cannot be prepared; the log says why".to_owned())
    });
    let now = app.now();
    let id = row.id.clone();
    let write = match tried {
        Ok(()) => {
            app.metrics.delivery(&row.kind, "delivered");
            Write::Delivered { id, at: now }
        }
        Err(reason) => {
            let attempt = usize::try_from(row.attempts).unwrap_or(usize::MAX);
            let pause = PAUSES_S.get(attempt).copied();
            let outcome = pause.map_or("given_up", |_| "failed");
            app.metrics.delivery(&row.kind, outcome);
            tracing::warn!(row = row.id, kind = row.kind, reason, "not delivered");
            Write::NotDelivered {
                id,
                attempts: row.attempts + 1,
                due_at: pause.map(|pause| now.plus(pause)),
                at: now,
                error: reason,
            }
        }
    };
    Ok(app.store.commit(vec![write]).await?)
}

/// Takes a row for this node; `false` when another one has it.
async fn claim(app: &App, row: &OutboxRow) -> Result<bool, Error> {
    let now = app.now();
    let write = Write::Claim {
        id: row.id.clone(),
        at: now,
        until: now.plus(CLAIM_S),
    };
    match app.store.commit(vec![write]).await {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
