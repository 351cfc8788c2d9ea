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
        self.url.starts_with("postgres://") || self.url.starts_with("postgresql://")
    }

    /// How it is opened, by the server that owns it or by a command beside it. Reads the password's file.
    pub fn opening(&self, server: bool) -> Result<Open, ConfigError> {
        const PAGES_PER_MB: u32 = 256;
        if self.shared() {
            self.check_authorities()?;
        }
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

    /// File descriptors that the server's database takes at most.
    pub fn descriptors(&self) -> usize {
        match self.shared() {
            // Connections for committing and for reading, and one that listens.
            true => self.connections_max.saturating_mul(2).saturating_add(1),
            // The file and its log for the writer, the checkpointer and each reader, and the lock.
            false => {
                let connections = sqlite::Open::default().readers_max.saturating_add(2);
                connections.saturating_mul(3).saturating_add(1)
            }
        }
    }

    fn read_password(&self) -> Result<Option<String>, ConfigError> {
        match &self.password_file {
            Some(path) => super::secret_file("database.password_file", path).map(Some),
            None => Ok(self.password.as_ref().map(|password| password.0.clone())),
        }
    }

    /// The authorities that the URL names must be there, or the server would be asked in vain for ever.
    fn check_authorities(&self) -> Result<(), ConfigError> {
        let named = postgres::authorities(&self.url).ok().flatten();
        match named.map(|path| (std::fs::File::open(&path).err(), path)) {
            Some((Some(error), path)) => Err(ConfigError::Value {
                key: "database.url",
                reason: format!("sslrootcert: cannot read {}: {error}", path.display()),
            }),
            _ => Ok(()),
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
        match self.url.strip_prefix("sqlite:") {
            Some("") => return bad("database.url", "write sqlite:PATH"),
            Some(_) => {}
            None if self.shared() => {
                if let Err(reason) = postgres::authorities(&self.url) {
                    return bad("database.url", &reason);
                }
            }
            None => {
                return bad(
                    "database.url",
                    "write sqlite:PATH or postgres://USER@HOST/DATABASE",
                );
            }
        }
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
