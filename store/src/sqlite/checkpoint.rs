//! Copies the write-ahead log into the database, away from the thread that commits, and keeps the log bounded.
//!
//! A passive checkpoint never waits for anybody (<https://www.sqlite.org/c3ref/wal_checkpoint_v2.html>). While the
//! writer keeps writing it never catches up either, and only a log that is copied to its end starts over. So past a
//! bound the writer copies the rest itself, between two groups, which is short because most of it is copied by then.
//! A server that is ended again and again before it has written much finds a log at its start that nobody copied; it
//! copies that first.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::readers::Readers;

/// Pages not yet copied that wake the checkpointer: about 4 MB.
const PAGES_WAKE: i64 = 1024;
/// Pages in the log that make the writer finish the copy: about 32 MB.
const PAGES_BOUND: i64 = 8192;
/// Pages in the log from which readers let it start over.
const PAGES_LONG: i64 = 4096;
/// Pages to wait before the writer tries that again, when a reader that takes long has kept the log from ending.
const PAGES_RETRY: i64 = 256;

/// Statements between two looks at the log: looking costs as much as a statement, and so many fill few pages.
const STATEMENTS_LOOK: usize = 128;

/// How often transactions are looked for that nobody reads from any more. Other programs that empty the log wait for
/// them, and hold the write lock meanwhile.
const REST: Duration = Duration::from_millis(100);

const LOOK: &str = "PRAGMA wal_checkpoint(NOOP)";
pub(super) const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The checkpointer as its writer sees it.
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
    retry_at: i64,
    statements: usize,
    log_is_long: bool,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own.
    pub(super) fn start(connection: Connection, readers: Arc<Readers>) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || run(&connection, &readers, &woken))?;
        Ok(Self {
            wake,
            thread,
            retry_at: PAGES_BOUND,
            statements: 0,
            log_is_long: false,
        })
    }

    /// To be called before a server's first group: what earlier runs left in the log is copied, so that it starts over.
    pub(super) fn begin(writer: &Connection) {
        if report(writer, LOOK).is_some_and(|log| log.pages >= PAGES_WAKE) {
            report(writer, PASSIVE);
        }
    }

    /// To be called by the writer between two groups, with how many statements the last one had. Says whether the log
    /// is so long that it should start over.
    pub(super) fn after_group(&mut self, writer: &Connection, statements: usize) -> bool {
        self.statements += statements;
        if self.statements >= STATEMENTS_LOOK {
            self.statements = 0;
            self.look(writer);
        }
        self.log_is_long
    }

    fn look(&mut self, writer: &Connection) {
        let Some(log) = report(writer, LOOK) else {
            return;
        };
        self.log_is_long = log.pages >= PAGES_LONG;
        if log.pages < PAGES_BOUND {
            self.retry_at = PAGES_BOUND;
        }
        if log.pages >= self.retry_at {
            report(writer, PASSIVE);
            self.retry_at = log.pages + PAGES_RETRY;
        } else if log.pages - log.copied >= PAGES_WAKE {
            // A full channel means the thread is awake already.
            let _ = self.wake.try_send(());
        }
    }

    /// To be called by the writer when space has run out: a log that is copied can be written anew.
    pub(super) fn make_room(&self, writer: &Connection) {
        report(writer, PASSIVE);
    }

    /// Ends the thread. The log stays as it is: SQLite copies it when the last connection of all programs closes, and
    /// while another program works on it, emptying it would hold that one up.
    pub(super) fn finish(self) {
        drop(self.wake);
        let _ = self.thread.join();
    }
}

fn run(connection: &Connection, readers: &Readers, woken: &Receiver<()>) {
    loop {
        match woken.recv_timeout(REST) {
            Ok(()) => drop(report(connection, PASSIVE)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        readers.end_old();
    }
}

struct Log {
    pages: i64,
    copied: i64,
}

/// Runs a checkpoint pragma. Nobody waits for its outcome: what is not copied now stays safe in the log and is
/// copied later, so a failure is only told to the operator.
fn report(connection: &Connection, sql: &str) -> Option<Log> {
    let log = connection.prepare_cached(sql).and_then(|mut pragma| {
        pragma.query_row([], |row| {
            Ok(Log {
                pages: row.get(1)?,
                copied: row.get(2)?,
            })
        })
    });
    log.inspect_err(|error| tracing::warn!(%error, sql, "the write-ahead log is not copied"))
        .ok()
}
