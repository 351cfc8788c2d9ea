//! Read-only connections, lent to the caller's own thread: a keyed read is shorter than a hop to another thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::connect;
use super::fault::Place;
use crate::error::StoreError;

/// A pool that grows on demand up to a limit.
pub(super) struct Readers {
    place: Arc<Place>,
    wait: Duration,
    open_max: usize,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    open: usize,
    closed: bool,
}

impl Readers {
    pub(super) fn new(place: Arc<Place>, wait: Duration, open_max: usize) -> Self {
        Self {
            place,
            wait,
            open_max: open_max.max(1),
            pool: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Lends a connection for one read.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut lease = Lease {
            readers: self,
            connection: self.take()?,
        };
        let connection = match lease.connection.take() {
            Some(connection) => connection,
            None => {
                connect::reader(&self.place, self.wait).map_err(|error| self.place.error(error))?
            }
        };
        work(lease.connection.insert(connection)).map_err(|error| self.place.error(error))
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
    fn take(&self) -> Result<Option<Connection>, StoreError> {
        let full =
            |pool: &mut Pool| !pool.closed && pool.idle.is_empty() && pool.open >= self.open_max;
        let (mut pool, _) = self
            .returned
            .wait_timeout_while(self.pool(), self.wait, full)
            .unwrap_or_else(PoisonError::into_inner);
        if pool.closed {
            return Err(StoreError::Closed);
        }
        if full(&mut pool) {
            return Err(StoreError::Busy("every reading connection is in use"));
        }
        let connection = pool.idle.pop();
        pool.open += usize::from(connection.is_none());
        Ok(connection)
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the pool, given back however the read ends.
struct Lease<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.pool();
        match self.connection.take() {
            Some(connection) if !pool.closed => pool.idle.push(connection),
            _ => pool.open -= 1,
        }
        self.readers.returned.notify_one();
    }
}
