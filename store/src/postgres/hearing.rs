//! What processes at one database tell each other: `LISTEN` and `NOTIFY`, outside of every piece, since a notification
//! within a transaction makes all commits of the server queue for one lock.

use tokio::sync::mpsc;

use super::link::{Link, Opener, Use};
use crate::db::Hearing;
use crate::error::StoreError;

/// Messages that may wait to be heard.
const WAITING_MAX: usize = 1024;

/// Hears from now on, until the connection is lost.
pub(super) async fn hear(opener: &Opener) -> Result<Hearing, StoreError> {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let link = opener.open(Use::Reading, Some(sender)).await?;
    let listening = link.client.batch_execute("LISTEN techpass").await;
    listening.map_err(|error| opener.place.failure(&error).into_error())?;
    Ok(Hearing::new(receiver, Box::new(link)))
}

/// Tells everybody who hears.
pub(super) async fn tell(link: &mut Link, message: &str) -> Result<(), tokio_postgres::Error> {
    let sql = "SELECT pg_notify('techpass', $1)";
    link.client.query_one(sql, &[&message]).await.map(drop)
}
