//! Read-only connections, lent to the caller's own thread: a keyed read is shorter than a hop to another thread.
//!
//! Beginning and ending a read transaction costs more than a keyed read, and each beginning throws away the pages that
//! were read before. So a transaction stays open from one read to the next, as long as nothing was committed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connect;
use super::fault::Place;
use super::text;
use crate::error::StoreError;

/// How long a transaction is read from; what another program commits is seen no later.
const SNAPSHOT_KEPT: Duration = Duration::from_millis(5);

/// A pool that grows on demand up to a limit.
pub(super) struct Readers {
    place: Arc<Place>,
    wait: Duration,
    open_max: usize,
    pool: Mutex<Pool>,
    returned: Condvar,
    /// Groups that the writer has committed.
    commits: AtomicU64,
    /// Whether the write-ahead log has to start over, which it cannot while transactions stay open.
    log_is_long: AtomicBool,
}

/// A connection, and the transaction that is open on it.
struct Reader {
    connection: Connection,
    snapshot: Option<Snapshot>,
}

struct Snapshot {
    commits: u64,
    begun: Instant,
}

impl Reader {
    fn end(&mut self) -> rusqlite::Result<()> {
        match self.snapshot.take() {
            Some(_) => text::execute(&self.connection, "COMMIT", &[]).map(drop),
            None => Ok(()),
        }
    }

    /// Reads, in the open transaction if everything that is committed is in it.
    fn read<T>(
        &mut self,
        readers: &Readers,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let commits = readers.commits.load(Ordering::Acquire);
        let sees_all = |snapshot: &Snapshot| {
            snapshot.commits == commits && snapshot.begun.elapsed() < SNAPSHOT_KEPT
        };
        if !self.snapshot.as_ref().is_some_and(sees_all) {
            self.end()?;
            text::execute(&self.connection, "BEGIN", &[])?;
            let begun = Instant::now();
            self.snapshot = Some(Snapshot { commits, begun });
        }
        let answer = work(&self.connection);
        if answer.is_err() || readers.log_is_long.load(Ordering::Relaxed) {
            self.end()?;
        }
        answer
    }
}

#[derive(Default)]
struct Pool {
    idle: Vec<Reader>,
    open: usize,
    /// Who waits for a connection. To wake somebody is a call to the system even where nobody waits.
    waiting: usize,
    closed: bool,
}

impl Pool {
    fn full(&self, open_max: usize) -> bool {
        !self.closed && self.idle.is_empty() && self.open >= open_max
    }
}

impl Readers {
    pub(super) fn new(place: Arc<Place>, wait: Duration, open_max: usize) -> Self {
        Self {
            place,
            wait,
            open_max: open_max.max(1),
            pool: Mutex::default(),
            returned: Condvar::new(),
            commits: AtomicU64::new(0),
            log_is_long: AtomicBool::new(false),
        }
    }

    /// To be called by the writer after a commit, before anybody is told of it.
    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Release);
    }

    /// To be called by the writer between two groups: ends transactions that nobody will read from any more.
    pub(super) fn rest(&self, log_is_long: bool) {
        self.log_is_long.store(log_is_long, Ordering::Relaxed);
        let commits = self.commits.load(Ordering::Acquire);
        self.end_idle(|snapshot| snapshot.commits != commits || log_is_long);
    }

    /// Ends transactions that are too old to be read from, for nobody may read or commit for hours.
    pub(super) fn end_old(&self) {
        self.end_idle(|snapshot| snapshot.begun.elapsed() >= SNAPSHOT_KEPT);
    }

    fn end_idle(&self, over: impl Fn(&Snapshot) -> bool) {
        for reader in &mut self.pool().idle {
            if reader.snapshot.as_ref().is_some_and(&over) {
                // Should it fail, the next read on this connection says so.
                let _ = reader.end();
            }
        }
    }

    /// Lends a connection for one read.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut lease = Lease {
            readers: self,
            reader: self.take()?,
        };
        let reader = match lease.reader.take() {
            Some(reader) => reader,
            None => Reader {
                connection: connect::reader(&self.place, self.wait)
                    .map_err(|error| self.place.error(error))?,
                snapshot: None,
            },
        };
        let reader = lease.reader.insert(reader);
        let answer = reader.read(self, work);
        answer.map_err(|error| self.place.error(error))
    }

    /// Lends no more; connections are closed as they come back.
    pub(super) fn close(&self) {
        let mut pool = self.pool();
        pool.closed = true;
        pool.open -= pool.idle.len();
        pool.idle.clear();
        self.returned.notify_all();
    }

    /// An idle connection, or leave to open one.
    fn take(&self) -> Result<Option<Reader>, StoreError> {
        let mut pool = self.pool();
        if pool.full(self.open_max) {
            pool = self.wait_for_one(pool);
        }
        if pool.closed {
            return Err(StoreError::Closed);
        }
        if pool.full(self.open_max) {
            return Err(StoreError::Busy("every reading connection is in use"));
        }
        let reader = pool.idle.pop();
        pool.open += usize::from(reader.is_none());
        Ok(reader)
    }

    fn wait_for_one<'a>(&'a self, mut pool: MutexGuard<'a, Pool>) -> MutexGuard<'a, Pool> {
        pool.waiting += 1;
        let full = |pool: &mut Pool| pool.full(self.open_max);
        let (mut pool, _) = self
            .returned
            .wait_timeout_while(pool, self.wait, full)
            .unwrap_or_else(PoisonError::into_inner);
        pool.waiting -= 1;
        pool
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the pool, given back however the read ends.
struct Lease<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.pool();
        match self.reader.take() {
            Some(reader) if !pool.closed => pool.idle.push(reader),
            _ => pool.open -= 1,
        }
        if pool.waiting > 0 {
            self.readers.returned.notify_one();
        }
    }
}
