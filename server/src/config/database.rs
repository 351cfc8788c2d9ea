//! Where the data is.

use super::ConfigError;
use serde::Deserialize;
use std::path::PathBuf;
use techpass_store::{Open, postgres, sqlite};

/// Where the data is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:PATH`, or `postgres://USER@HOST/DATABASE` with `sslmode` and `sslrootcert`.
    pub url: String,
    /// The password for PostgreSQL, when the URL has none. Better in `password_file`, or in the environment's
    /// `TECHPASS__DATABASE__PASSWORD_FILE`.
    pub password: Option<Password>,
    /// A file with that password.
    pub password_file: Option<PathBuf>,
    /// Whether PostgreSQL runs as a cluster: a server without a synchronous standby is then refused.
    #[serde(default)]
    pub cluster: bool,
    /// Whether to bring the schema up to date when it is older than the program; otherwise `techpass migrate` does.
    #[serde(default = "super::yes")]
    pub migrate: bool,
    /// How nodes at one PostgreSQL learn what the others did.
    #[serde(default)]
    pub notify: Notify,
    /// Connections to PostgreSQL for committing, and as many for reading.
    #[serde(default = "connections_max")]
    pub connections_max: usize,
    /// The most the database file may grow to, in megabytes; the disk's end when left out. SQLite only.
    pub size_max_mb: Option<u32>,
}

/// A password that is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How nodes learn what the others did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notify {
    /// By `LISTEN` and `NOTIFY`; by looking while that connection is lost.
    #[default]
    Listen,
    /// By looking every second, for databases that have no such messages.
    Poll,
}

fn connections_max() -> usize {
    postgres::Open::default().connections_max
}

impl Database {
    /// Whether several nodes may use it at once.
    pub fn shared(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// How it is opened, by the server that owns it or by a command beside it. Reads the password's file.
    pub fn opening(&self, server: bool) -> Result<Open, ConfigError> {
        const PAGES_PER_MB: u32 = 256;
        Ok(Open {
            migrate: self.migrate,
            sqlite: sqlite::Open {
                server,
                pages_max: self
                    .size_max_mb
                    .map(|mb| mb.max(1).saturating_mul(PAGES_PER_MB)),
                ..sqlite::Open::default()
            },
            postgres: postgres::Open {
                password: self.read_password()?,
                cluster: self.cluster,
                // A command needs one of each, and the server's share is not its to take.
                connections_max: if server { self.connections_max } else { 2 },
                ..postgres::Open::default()
            },
        })
    }

    fn read_password(&self) -> Result<Option<String>, ConfigError> {
        let Some(path) = &self.password_file else {
            return Ok(self.password.as_ref().map(|password| password.0.clone()));
        };
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => Err(ConfigError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            }),
        }
    }

    /// Checks what types cannot say.
    pub fn check(&self) -> Result<(), ConfigError> {
        let bad = |key, reason: &str| {
            Err(ConfigError::Value {
                key,
                reason: reason.to_owned(),
            })
        };
        if self.cluster && !self.shared() {
            return bad("database.cluster", "needs a postgres:// URL");
        }
        if self.password.is_some() && self.password_file.is_some() {
            return bad(
                "database.password_file",
                "give a password or a file, not both",
            );
        }
        Ok(())
    }
}
