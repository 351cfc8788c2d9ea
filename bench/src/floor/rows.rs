//! Durable rows of the floor: one thread that commits whatever waits together, and connections that read.

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

type Row = (String, String);

struct Job {
    rows: Vec<Row>,
    done: oneshot::Sender<bool>,
}

/// The floor's database.
pub struct Rows {
    queue: SyncSender<Job>,
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Rows {
    /// Opens a database and starts its threads.
    pub fn open(path: &Path) -> Result<Rows> {
        let writer = connection(path)?;
        writer.execute_batch(
            "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, data TEXT NOT NULL)",
        )?;
        let copier = connection(path)?;
        let (queue, jobs) = sync_channel(1024);
        std::thread::Builder::new().spawn(move || write(&writer, &jobs))?;
        std::thread::Builder::new().spawn(move || copy(&copier))?;
        Ok(Rows {
            queue,
            path: path.to_owned(),
            idle: Mutex::default(),
        })
    }

    /// Adds rows; returns when they are durable.
    pub async fn add(&self, rows: Vec<Row>) -> Result<()> {
        let (done, durable) = oneshot::channel();
        self.queue
            .send(Job { rows, done })
            .ok()
            .context("the writer ended")?;
        let durable = durable.await.unwrap_or(false);
        durable.then_some(()).context("the rows are not durable")
    }

    /// Reads a row.
    pub fn find(&self, key: &str) -> Result<Option<String>> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open_with_flags(
                &self.path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?,
        };
        let found = connection
            .prepare_cached("SELECT data FROM facts WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional();
        self.lock().push(connection);
        Ok(found?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connection(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn write(connection: &Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let group: Vec<Job> = std::iter::once(first)
            .chain(jobs.try_iter().take(255))
            .collect();
        let durable = commit(connection, &group).is_ok();
        for job in group {
            let _ = job.done.send(durable);
        }
    }
}

fn commit(connection: &Connection, group: &[Job]) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    {
        let mut insert =
            connection.prepare_cached("INSERT OR IGNORE INTO facts (key, data) VALUES (?1, ?2)")?;
        for row in group.iter().flat_map(|job| &job.rows) {
            insert.execute([&row.0, &row.1])?;
        }
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

fn copy(connection: &Connection) {
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}
