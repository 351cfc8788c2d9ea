//! Where mails go.

use super::ConfigError;
use serde::Deserialize;
use std::path::PathBuf;
use url::Url;

/// A mail server, and who writes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// `smtps://HOST[:PORT]` for TLS from the start, `smtp://HOST[:PORT]` for STARTTLS, which is then required; plain only
    /// on loopback.
    pub server: Url,
    /// The sender, `NAME <ADDRESS>`.
    pub from: String,
    /// Who authenticates there, if anybody has to.
    pub user: Option<String>,
    /// A file with that user's password.
    pub password_file: Option<PathBuf>,
}

impl MailConfig {
    /// Whether the server is this computer's own.
    pub fn is_local(&self) -> bool {
        matches!(
            self.server.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]")
        )
    }

    /// Checks what types cannot say.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let bad = |key, reason: &str| ConfigError::Value {
            key,
            reason: reason.to_owned(),
        };
        let server = &self.server;
        if !matches!(server.scheme(), "smtp" | "smtps") || server.host_str().is_none() {
            return Err(bad("mail.server", "write smtps://HOST or smtp://HOST"));
        }
        if !server.username().is_empty() || server.password().is_some() {
            return Err(bad(
                "mail.server",
                "leave user and password out; they stand in mail.user and mail.password_file",
            ));
        }
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            return Err(bad("mail.from", "write NAME <ADDRESS>"));
        }
        if self.user.is_some() != self.password_file.is_some() {
            return Err(bad(
                "mail.user",
                "give mail.user and mail.password_file together",
            ));
        }
        Ok(())
    }
}
