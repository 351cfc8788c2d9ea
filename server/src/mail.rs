//! Mails are laid into the outbox with their cause; delivering them is a job of its own.

use crate::app::{App, Error};
use serde::{Deserialize, Serialize};
use techpass_store::Write;

/// The kind of these rows in the outbox.
pub const KIND: &str = "mail";

/// A mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// When it was written, in Unix seconds.
    pub at: i64,
}

/// The write that lays a mail down.
pub fn write(app: &App, to: &str, subject: &str, body: &str) -> Result<Write, Error> {
    let now = app.now();
    let mail = Mail {
        to: to.to_owned(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        at: now.0,
    };
    Ok(Write::Enqueue {
        id: crate::chance::row_id("eml", now.0)?,
        kind: KIND,
        data: serde_json::to_string(&mail)?,
        at: now,
    })
}

/// The mails of this instance, newest first.
pub async fn all(app: &App) -> Result<Vec<Mail>, Error> {
    let rows = app.store.outbox_of(KIND).await?;
    rows.iter()
        .map(|row| Ok(serde_json::from_str(&row.data)?))
        .collect()
}
