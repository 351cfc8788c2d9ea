//! The embedded database: one file in the data directory, one thread that writes, readers beside it.
//!
//! Commits are durable before they are answered: write-ahead log, `synchronous=FULL`, read back at the start. The
//! server that owns the file holds the lock file beside it; administration commands open the same file without that
//! lock while the server runs, and the two take turns by SQLite's own locks.

mod backup;
mod checkpoint;
mod connect;
mod fault;
mod readers;
mod text;
mod writer;

pub use backup::{Inspected, copy, inspect, lock, locked};

use std::fmt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::db::{BoxFuture, Counters, Driver, Row, Statement, Value, without_nul};
use crate::error::StoreError;
use checkpoint::Checkpointer;
use readers::Readers;
use writer::{Counts, Job, Writer};

/// Writes the header page anew without changing it: the smallest commit that reaches the disk.
const PROBE: &str = "PRAGMA user_version = 0";

/// How to open a database file.
#[derive(Debug, Clone)]
pub struct Open {
    /// Whether this is the server that owns the file. It takes the lock file `PATH.lock`; a second server is refused.
    pub server: bool,
    /// How long to wait for another program's write lock, and for a reading connection, in milliseconds.
    pub busy_wait_ms: u32,
    /// Pieces that may wait for the writer; one more is refused at once. At least 1.
    pub queue_max: usize,
    /// Connections for reading, opened as needed. At least 1.
    pub readers_max: usize,
    /// The most pages (of 4,096 bytes) the file may grow to; writes beyond are refused as on a full disk.
    pub pages_max: Option<u32>,
}

impl Default for Open {
    /// An administration command: no server's lock, 5 s, 1,024 pieces, 16 readers.
    fn default() -> Self {
        Self {
            server: false,
            busy_wait_ms: 5000,
            queue_max: 1024,
            readers_max: 16,
            pages_max: None,
        }
    }
}

/// A SQLite database. Dropping it finishes what was taken, like [`Driver::close`], and waits for that.
pub struct Sqlite {
    queue: RwLock<Option<SyncSender<Job>>>,
    readers: Arc<Readers>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Its other end lives as long as the writer.
    ended: watch::Receiver<()>,
}

impl Sqlite {
    /// Opens the file, creating it (never its directory), and starts the writer. Blocks for the disk.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another server has the file, [`StoreError::Unwritable`] when the directory is
    /// missing or cannot be written, [`StoreError::UnsafeSetting`] when durability cannot be had,
    /// [`StoreError::Busy`] when another program holds the write lock too long, [`StoreError::Database`] when the
    /// file is not a database.
    pub fn open(path: &Path, open: Open) -> Result<Self, StoreError> {
        let place = Arc::new(connect::place(path)?);
        let lock = if open.server {
            Some(connect::lock(&place)?)
        } else {
            None
        };
        let wait = Duration::from_millis(open.busy_wait_ms.into());
        let connection = connect::writer(&place, wait)?;
        if open.server {
            connect::whole(&connection, &place)?;
            Checkpointer::begin(&connection);
        }
        if let Some(pages_max) = open.pages_max {
            connection
                .pragma_update(None, "max_page_count", pages_max)
                .map_err(|error| place.error(error))?;
        }
        let readers = Arc::new(Readers::new(Arc::clone(&place), wait, open.readers_max));
        let checkpointer = connect::writer(&place, wait)?;
        let checkpointer = Checkpointer::start(checkpointer, Arc::clone(&readers))
            .map_err(StoreError::database)?;
        let counts = Arc::new(Counts::default());
        let writer = Writer {
            connection,
            checkpointer,
            readers: Arc::clone(&readers),
            place,
            counts: Arc::clone(&counts),
            broken: None,
            lock,
        };
        let (queue, jobs) = sync_channel(open.queue_max.max(1));
        let (alive, ended) = watch::channel(());
        let work = move || {
            writer.run(jobs);
            drop(alive);
        };
        let thread = Builder::new()
            .name("writer".to_owned())
            .spawn(work)
            .map_err(StoreError::database)?;
        Ok(Self {
            queue: RwLock::new(Some(queue)),
            readers,
            counts,
            thread: Mutex::new(Some(thread)),
            ended,
        })
    }

    fn enqueue(
        &self,
        piece: Vec<Statement>,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(StoreError::Closed)?;
        match queue.try_send(Job { piece, reply }) {
            Ok(()) => Ok(outcome),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy("too many commits are waiting")),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Closed),
        }
    }

    /// Without a queue the writer ends when it has answered what it had.
    fn stop(&self) {
        self.readers.close();
        self.queue
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

impl Driver for Sqlite {
    fn commit(&self, piece: Vec<Statement>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            for statement in &piece {
                without_nul(&statement.params)?;
            }
            self.enqueue(piece)?
                .await
                .unwrap_or(Err(StoreError::Closed))
        })
    }

    fn query(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            without_nul(&params)?;
            self.readers
                .read(|connection| text::query(connection, sql, &params))
        })
    }

    fn writable(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.commit(vec![Statement::any(PROBE, vec![])])
    }

    fn counters(&self) -> Counters {
        Counters {
            pieces: self.counts.pieces.load(Ordering::Relaxed),
            groups: self.counts.groups.load(Ordering::Relaxed),
        }
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.stop();
            // Nothing is ever sent: this resolves when the writer has dropped the other end.
            let _ = self.ended.clone().changed().await;
            Ok(())
        })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.stop();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
