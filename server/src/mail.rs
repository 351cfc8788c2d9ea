//! Mails are laid into the outbox with their cause; a job hands them to the mail server (RFC 5321).

use crate::app::{App, Error};
use crate::config::{MailConfig, secret_file};
use crate::outbox::{self, Tried};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde::{Deserialize, Serialize};
use std::time::{Duration, UNIX_EPOCH};
use techpass_store::Write;
use techpass_store::keeping::OutboxRow;

/// The kind of these rows in the outbox.
pub const KIND: &str = "mail";
/// How long the mail server may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(10);

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

/// Hands over everything that is due; nothing where no mail server is configured.
pub async fn deliver_due(app: &App) -> Result<(), Error> {
    let Some(mailer) = &app.mailer else {
        return Ok(());
    };
    outbox::deliver_due(app, KIND, |row| mailer.send(row)).await
}

/// The way to the mail server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
}

impl Mailer {
    /// As configured. The password's file is read once, here.
    pub fn new(config: &MailConfig) -> Result<Mailer, Error> {
        let mut server = config.server.clone();
        if server.scheme() == "smtp" && !config.is_local() {
            server.set_query(Some("tls=required"));
        }
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(server.as_str())
            .map_err(|error| Error::System(format!("mail.server: {error}")))?
            .timeout(Some(TIMEOUT));
        if let (Some(user), Some(file)) = (&config.user, &config.password_file) {
            let password = secret_file("mail.password_file", file)?;
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let from: Mailbox = config
            .from
            .parse()
            .map_err(|error| Error::System(format!("mail.from: {error}")))?;
        Ok(Mailer {
            transport: builder.build(),
            host: from.email.domain().to_owned(),
            from,
        })
    }

    /// Tries one mail. Its Message-ID is the row's, so that a mail that arrives twice can be told.
    async fn send(&self, row: OutboxRow) -> Result<Tried, Error> {
        let mail: Mail = serde_json::from_str(&row.data)?;
        let message = match self.message(&row.id, &mail) {
            Ok(message) => message,
            Err(reason) => return Ok(Err(reason)),
        };
        let sent = self.transport.send(message).await;
        Ok(sent.map(drop).map_err(|error| error.to_string()))
    }

    fn message(&self, id: &str, mail: &Mail) -> Result<Message, String> {
        let to: Mailbox = mail
            .to
            .parse()
            .map_err(|_| "the address is none that mail can go to".to_owned())?;
        let written = Duration::from_secs(u64::try_from(mail.at).unwrap_or(0));
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&mail.subject)
            .date(UNIX_EPOCH + written)
            .message_id(Some(format!("<{id}@{}>", self.host)))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone());
        message.map_err(|error| error.to_string())
    }
}
