//! What every test of the store needs.

pub mod postgres;
pub mod proxy;

use std::path::PathBuf;
use std::sync::Arc;

use techpass_store::db::{Driver, Expect, Statement, Value};
use techpass_store::error::StoreError;
use techpass_store::sqlite::{Open, Sqlite};
use tempfile::TempDir;

/// The table of most tests: a thing, and whether it is used up.
pub const THINGS: &str =
    "CREATE TABLE things (id TEXT PRIMARY KEY, used BIGINT NOT NULL, note TEXT)";
pub const ADD: &str = "INSERT INTO things (id, used, note) VALUES ($1, 0, $2)";
pub const USE: &str = "UPDATE things SET used = 1 WHERE id = $1 AND used = 0";
pub const COUNT: &str = "SELECT COUNT(*) FROM things";

/// A directory that goes with the test, and the database in it.
pub struct Home {
    directory: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("techpass.db")
    }

    pub fn beside(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(format!("techpass.db{suffix}"))
    }

    pub fn open(&self) -> Arc<Sqlite> {
        self.open_with(Open::default())
    }

    pub fn open_with(&self, open: Open) -> Arc<Sqlite> {
        Arc::new(Sqlite::open(&self.path(), open).unwrap())
    }

    /// Another program at the same file, without any of ours between.
    pub fn stranger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub fn server() -> Open {
    Open {
        server: true,
        ..Open::default()
    }
}

pub fn any(sql: &'static str, params: Vec<Value>) -> Statement {
    Statement::any(sql, params)
}

pub fn add(id: &str) -> Statement {
    Statement {
        sql: ADD,
        params: vec![id.into(), Value::Null],
        expect: Expect::Any,
    }
}

pub fn take(id: &str) -> Statement {
    Statement::one("used", USE, vec![id.into()])
}

pub async fn run(driver: &dyn Driver, sql: &'static str) {
    driver.commit(vec![any(sql, vec![])]).await.unwrap();
}

pub async fn int(driver: &dyn Driver, sql: &'static str) -> i64 {
    driver.query(sql, vec![]).await.unwrap()[0].int(0).unwrap()
}

pub fn conflict(outcome: &Result<(), StoreError>) -> Option<&'static str> {
    match outcome {
        Err(StoreError::Conflict(name)) => Some(name),
        _ => None,
    }
}
