//! Everything that knows SQL.
//!
//! [`Store`] answers questions by noun and commits [`Write`]s: values that happen together or not at all. The seam is
//! at the driver ([`db::Driver`]), where databases differ, not at the entities, where they agree: one portable SQL
//! text, one driver for each database. [`sqlite`] is the embedded default, [`migrate`] keeps the schema.

pub mod accounts;
pub mod authenticators;
pub mod clients;
pub mod db;
pub mod error;
pub mod grants;
pub mod keeping;
pub mod migrate;
pub mod sessions;
pub mod sqlite;
pub mod write;

pub use error::StoreError;
pub use write::{Write, conflict};

use db::{Driver, Row, Statement, Value};
use migrate::Migration;
use std::path::Path;
use std::sync::Arc;

/// The schema, step by step.
const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "first",
    sql: include_str!("../migrations/0001_first.sql"),
}];

/// The database of one instance.
#[derive(Clone)]
pub struct Store {
    driver: Arc<dyn Driver>,
}

impl Store {
    /// Opens the database a URL names, `sqlite:PATH`, and brings its schema up to date.
    ///
    /// # Errors
    /// What [`sqlite::Sqlite::open`] and [`migrate::migrate`] report; [`StoreError::Database`] for a URL of another
    /// kind.
    pub async fn open(url: &str, open: sqlite::Open) -> Result<Store, StoreError> {
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(StoreError::database(
                "the database URL must begin with sqlite:",
            ));
        };
        let driver = sqlite::Sqlite::open(Path::new(path), open)?;
        Store::with(Arc::new(driver)).await
    }

    /// A store over any driver, its schema brought up to date.
    pub async fn with(driver: Arc<dyn Driver>) -> Result<Store, StoreError> {
        migrate::migrate(driver.as_ref(), MIGRATIONS).await?;
        Ok(Store { driver })
    }

    /// Commits all of it, or nothing. Returns only after it is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with a name of [`conflict`] when somebody else was first; nothing was written then.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut piece = Vec::with_capacity(writes.len());
        for write in writes {
            piece.extend(write.statements()?);
        }
        self.commit_statements(piece).await
    }

    /// Whether the database can be written now.
    pub async fn writable(&self) -> Result<(), StoreError> {
        self.driver.writable().await
    }

    /// Finishes what was taken and closes the database.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.driver.close().await
    }

    async fn commit_statements(&self, piece: Vec<Statement>) -> Result<(), StoreError> {
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

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::database)
}
