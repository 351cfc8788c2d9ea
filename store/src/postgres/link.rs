//! One connection: its settings, its prepared statements, and what the server remarked on it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use tokio::sync::mpsc;
use tokio_postgres::error::Severity;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{Failure, Place};
use super::text;
use crate::db::Value;
use crate::error::StoreError;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Committing pieces.
    Writing,
    /// Reading; the server refuses to write on it.
    Reading,
}

/// Opens connections, for a pool and for whoever needs one of their own.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) place: Place,
    /// Whether a standby must confirm every commit.
    pub(super) cluster: bool,
    /// How long a statement waits for a lock, in milliseconds.
    pub(super) lock_wait_ms: u32,
}

/// An open connection.
pub(super) struct Link {
    pub(super) client: Client,
    statements: HashMap<(&'static str, u128), Statement>,
    warnings: Arc<AtomicU64>,
    /// Set while a transaction is open, so that a connection left in one is thrown away.
    pub(super) within: bool,
}

impl Link {
    /// Warnings of the server so far. One that comes with `COMMIT` says that the commit is not what it should be.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::SeqCst)
    }

    /// The prepared statement for a text and kinds of parameters.
    pub(super) async fn prepared(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Statement, Refused> {
        let key = (sql, text::signature(params));
        if let Some(statement) = self.statements.get(&key) {
            return Ok(statement.clone());
        }
        text::counted(sql, params).map_err(Refused::Ours)?;
        let kinds: Vec<_> = params.iter().map(text::kind).collect();
        let prepared = self.client.prepare_typed(sql, &kinds).await;
        let statement = prepared.map_err(Refused::Theirs)?;
        self.statements.insert(key, statement.clone());
        Ok(statement)
    }
}

/// Why a statement cannot be prepared.
pub(super) enum Refused {
    /// Text and parameters disagree.
    Ours(StoreError),
    /// The server does not take it.
    Theirs(tokio_postgres::Error),
}

impl Opener {
    /// Opens a connection and makes its settings. `heard` gets the server's notifications.
    pub(super) async fn open(
        &self,
        usage: Use,
        heard: Option<mpsc::Sender<String>>,
    ) -> Result<Link, StoreError> {
        let warnings = Arc::new(AtomicU64::new(0));
        let client = connect(&self.config, self.tls.clone(), &warnings, heard)
            .await
            .map_err(|error| self.place.failure(&error).into_error())?;
        let link = Link {
            client,
            statements: HashMap::new(),
            warnings,
            within: false,
        };
        if usage == Use::Writing {
            self.verify(&link).await?;
        }
        let settings = format!(
            "SET synchronous_commit = on; SET lock_timeout = {}; \
             SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = {}; \
             SET idle_in_transaction_session_timeout = 20000; SET client_min_messages = warning",
            self.lock_wait_ms,
            if usage == Use::Reading { "on" } else { "off" },
        );
        let made = link.client.batch_execute(&settings).await;
        made.map_err(|error| self.place.failure(&error).into_error())?;
        Ok(link)
    }

    /// Refuses a server whose settings would lose what was acknowledged. A compatible database that does not know a
    /// setting has no way to get it wrong.
    async fn verify(&self, link: &Link) -> Result<(), StoreError> {
        let sql = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', \
                   'synchronous_commit', 'synchronous_standby_names', 'server_encoding')";
        let rows = link.client.query(sql, &[]).await;
        let rows = rows.map_err(|error| self.place.failure(&error).into_error())?;
        for row in rows {
            let (name, value): (&str, &str) = (row.get(0), row.get(1));
            unsafe_setting(name, value, self.cluster)?;
        }
        Ok(())
    }
}

fn unsafe_setting(name: &str, value: &str, cluster: bool) -> Result<(), StoreError> {
    let refused = |setting, value: &str| {
        Err(StoreError::UnsafeSetting {
            setting,
            value: value.to_owned(),
        })
    };
    match (name, value) {
        ("fsync", "off") => refused("fsync", value),
        ("full_page_writes", "off") => refused("full_page_writes", value),
        ("synchronous_commit", "off") => refused("synchronous_commit", value),
        ("synchronous_commit", "local" | "remote_write") if cluster => {
            refused("synchronous_commit", value)
        }
        ("synchronous_standby_names", names) if cluster && names.trim().is_empty() => refused(
            "synchronous_standby_names",
            "empty, though database.cluster is true",
        ),
        ("server_encoding", encoding) if encoding != "UTF8" => refused("server_encoding", encoding),
        _ => Ok(()),
    }
}

/// Connects, and keeps the connection going on a task of its own until either side ends it.
async fn connect<T>(
    config: &Config,
    tls: T,
    warnings: &Arc<AtomicU64>,
    heard: Option<mpsc::Sender<String>>,
) -> Result<Client, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket> + Send + 'static,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await?;
    let warnings = Arc::clone(warnings);
    tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => {
                    if notice.parsed_severity() != Some(Severity::Notice) {
                        warnings.fetch_add(1, Ordering::SeqCst);
                    }
                }
                Ok(AsyncMessage::Notification(told)) => {
                    if let Some(heard) = &heard {
                        // One that does not fit is as good as lost; whoever hears is to look from time to time.
                        let _ = heard.try_send(told.payload().to_owned());
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "a connection to the database ended");
                    break;
                }
            }
        }
    });
    Ok(client)
}

/// A pool's part: opens connections of one use and looks whether they are still good.
pub(super) struct Manager {
    pub(super) opener: Opener,
    pub(super) usage: Use,
}

/// Connections of one use.
pub(super) type Pool = managed::Pool<Manager>;

impl managed::Manager for Manager {
    type Type = Link;
    type Error = StoreError;

    async fn create(&self) -> Result<Link, StoreError> {
        self.opener.open(self.usage, None).await
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<StoreError> {
        if link.within || link.client.is_closed() {
            return Err(RecycleError::message("the connection is no longer good"));
        }
        Ok(())
    }
}

/// A connection from a pool, waiting as long as the pool does.
pub(super) async fn take(pool: &Pool) -> Result<managed::Object<Manager>, Failure> {
    use managed::PoolError;
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error @ StoreError::Unreachable { .. }) => Failure::Passing(error),
        PoolError::Backend(error) => Failure::Final(error),
        PoolError::Closed => Failure::Final(StoreError::Closed),
        _ => Failure::Final(StoreError::Busy("no connection to the database is free")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_lose_what_was_acknowledged_are_refused_by_name() {
        for (name, value, alone, cluster) in [
            ("fsync", "off", false, false),
            ("full_page_writes", "off", false, false),
            ("synchronous_commit", "off", false, false),
            ("synchronous_commit", "local", true, false),
            ("synchronous_commit", "remote_apply", true, true),
            ("synchronous_standby_names", "", true, false),
            ("synchronous_standby_names", "*", true, true),
            ("server_encoding", "SQL_ASCII", false, false),
            ("fsync", "on", true, true),
        ] {
            for (as_cluster, taken) in [(false, alone), (true, cluster)] {
                let checked = unsafe_setting(name, value, as_cluster);
                assert_eq!(checked.is_ok(), taken, "{name}={value} {as_cluster}");
                if let Err(error) = checked {
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
    }
}
