//! Everything that knows SQL.
//!
//! [`Store`] answers questions by noun and commits [`Write`]s: values that happen together or not at all. The seam is
//! at the driver ([`db::Driver`]), where databases differ, not at the entities, where they agree: one portable SQL
//! text, one driver for each database. [`sqlite`] is the embedded default, [`postgres`] serves several nodes, [`migrate`]
//! keeps the schema.

pub mod accounts;
pub mod authenticators;
pub mod clients;
pub mod consents;
pub mod db;
pub mod device_grants;
pub mod error;
pub mod grants;
pub mod instance;
pub mod keeping;
pub mod migrate;
pub mod owner;
pub mod postgres;
mod recent;
pub mod sessions;
pub mod sqlite;
pub mod transfer;
pub mod write;

pub use error::StoreError;
pub use write::{Write, conflict};

pub use db::Counters;

use db::{Driver, Row, Statement, Value};
use migrate::Migration;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The highest migration this program knows.
pub fn schema_known() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// The schema, step by step.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "first",
        sql: include_str!("../migrations/0001_first.sql"),
    },
    Migration {
        version: 2,
        name: "consents",
        sql: include_str!("../migrations/0002_consents.sql"),
    },
    Migration {
        version: 3,
        name: "device grants",
        sql: include_str!("../migrations/0003_device_grants.sql"),
    },
    Migration {
        version: 4,
        name: "clients",
        sql: include_str!("../migrations/0004_clients.sql"),
    },
    Migration {
        version: 10,
        name: "instance",
        sql: include_str!("../migrations/0010_instance.sql"),
    },
    Migration {
        version: 11,
        name: "grants of a client",
        sql: include_str!("../migrations/0011_grants_of_client.sql"),
    },
    Migration {
        version: 12,
        name: "failures of nobody",
        sql: include_str!("../migrations/0012_failures_of_nobody.sql"),
    },
];

/// Somebody who wants to know how commits go, for metrics. Called on the committing task, so it must be quick.
pub trait Observer: Send + Sync {
    /// A commit has been handed in.
    fn begun(&self);
    /// It was answered after this time, or nobody waits for it any more.
    fn ended(&self, took: Duration);
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Open {
    /// Whether to bring the schema up to date; otherwise one that is not is refused.
    pub migrate: bool,
    /// For a URL of SQLite.
    pub sqlite: sqlite::Open,
    /// For a URL of PostgreSQL.
    pub postgres: postgres::Open,
}

impl Default for Open {
    /// A command beside a server; the schema is brought up to date.
    fn default() -> Self {
        Self {
            migrate: true,
            sqlite: sqlite::Open::default(),
            postgres: postgres::Open::default(),
        }
    }
}

/// The database of one instance.
#[derive(Clone)]
pub struct Store {
    driver: Arc<dyn Driver>,
    observer: Option<Arc<dyn Observer>>,
    recent: Arc<recent::Recent>,
}

/// Tells the observer of the end, however it comes.
struct Observed<'a>(&'a dyn Observer, Instant);

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        self.0.ended(self.1.elapsed());
    }
}

impl Store {
    /// Opens the database a URL names, `sqlite:PATH` or `postgres://USER@HOST/DATABASE`, and sees to its schema.
    ///
    /// # Errors
    /// What [`sqlite::Sqlite::open`], [`postgres::Postgres::open`], [`migrate::migrate`] and [`migrate::check`] report;
    /// [`StoreError::Database`] for a URL of another kind.
    pub async fn open(url: &str, open: Open) -> Result<Store, StoreError> {
        if open.migrate {
            return Ok(Store::migrated(url, open).await?.0);
        }
        let driver = driver(url, &open).await?;
        migrate::check(driver.as_ref(), MIGRATIONS).await?;
        Ok(Store::over(driver))
    }

    /// Opens the database, brings its schema up to date, and says how many migrations were applied.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub async fn migrated(url: &str, open: Open) -> Result<(Store, usize), StoreError> {
        let driver = driver(url, &open).await?;
        let applied = migrate::migrate(driver.as_ref(), MIGRATIONS).await?;
        Ok((Store::over(driver), applied))
    }

    /// A store over any driver, its schema brought up to date.
    pub async fn with(driver: Arc<dyn Driver>) -> Result<Store, StoreError> {
        migrate::migrate(driver.as_ref(), MIGRATIONS).await?;
        Ok(Store::over(driver))
    }

    fn over(driver: Arc<dyn Driver>) -> Store {
        Store {
            driver,
            observer: None,
            recent: Arc::default(),
        }
    }

    /// The same store, with somebody who is told of every commit.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn Observer>) -> Store {
        self.observer = Some(observer);
        self
    }

    /// How much was committed, and in how many groups; zero from a driver that does not group.
    pub fn counters(&self) -> Counters {
        self.driver.counters()
    }

    /// The highest migration of the schema, as it stands in the database now.
    ///
    /// # Errors
    /// Whatever a query reports.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(version), 0) FROM schema_migrations";
        let version = self.one(sql, vec![], |row| row.int(0)).await?;
        Ok(version.unwrap_or(0))
    }

    /// Commits all of it, or nothing. Returns only after it is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with a name of [`conflict`] when somebody else was first; nothing was written then.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let clients = writes.iter().any(Write::changes_clients);
        let mut piece = Vec::with_capacity(writes.len());
        for write in writes {
            piece.extend(write.statements()?);
        }
        self.commit_statements(piece).await?;
        if clients {
            self.recent.changed();
        }
        Ok(())
    }

    /// Whether the database can be written now.
    pub async fn writable(&self) -> Result<(), StoreError> {
        self.driver.writable().await
    }

    /// Finishes what was taken and closes the database.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.driver.close().await
    }

    /// Whether several servers may use this database at once.
    pub fn shared(&self) -> bool {
        self.driver.shared()
    }

    /// Hears what other processes at this database tell; `None` where there are none, or no such messages.
    ///
    /// # Errors
    /// As for a question.
    pub async fn hear(&self) -> Result<Option<db::Hearing>, StoreError> {
        self.driver.hear().await
    }

    /// Tells every process at this database something, at most 7,900 bytes, without a promise that it is heard.
    ///
    /// # Errors
    /// As for a question.
    pub async fn tell(&self, message: String) -> Result<(), StoreError> {
        self.driver.tell(message).await
    }

    async fn commit_statements(&self, piece: Vec<Statement>) -> Result<(), StoreError> {
        let _observed = self.observer.as_deref().map(|observer| {
            observer.begun();
            Observed(observer, Instant::now())
        });
        self.driver.commit(piece).await
    }

    async fn one<T>(
        &self,
        sql: &'static str,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self.driver.query(sql, params).await?;
        rows.first().map(read).transpose()
    }

    async fn many<T>(
        &self,
        sql: &'static str,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.driver.query(sql, params).await?;
        rows.iter().map(read).collect()
    }
}

async fn driver(url: &str, open: &Open) -> Result<Arc<dyn Driver>, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(sqlite::Sqlite::open(
            Path::new(path),
            open.sqlite.clone(),
        )?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(
            postgres::Postgres::open(url, open.postgres.clone()).await?,
        ));
    }
    Err(StoreError::database(
        "the database URL must begin with sqlite: or postgres://",
    ))
}

/// Keys of one question for several rows. SQL has no portable parameter for a list.
const SOME: usize = 32;

/// `($1, …, $32)`.
macro_rules! in_32 {
    () => {
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"
    };
}
pub(crate) use in_32;

/// As many keys as there are, and nothing in the places that are left.
fn some<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let mut params: Vec<Value> = keys.take(SOME).map(Value::from).collect();
    params.resize(SOME, Value::from(""));
    params
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::database)
}
