//! The one thread that writes. It takes everything that waits, commits it together, and answers after the commit:
//! one flush of the disk serves many.

use std::fs::File;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error};
use tokio::sync::oneshot;

use super::checkpoint::Checkpointer;
use super::fault::{self, Place};
use super::readers::Readers;
use super::text;
use crate::db::{Expect, Statement};
use crate::error::StoreError;

/// The most pieces committed together, so that nobody waits for an endless group.
const GROUP_MAX: usize = 256;

type Piece = Vec<Statement>;
type Outcome = Result<(), StoreError>;

/// A piece and whoever waits for its outcome.
pub(super) struct Job {
    pub(super) piece: Piece,
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// What the writer has done since it started.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) pieces: AtomicU64,
    pub(super) groups: AtomicU64,
}

/// The writer's own things.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) checkpointer: Checkpointer,
    pub(super) readers: Arc<Readers>,
    pub(super) place: Arc<Place>,
    pub(super) counts: Arc<Counts>,
    /// Set once nothing more can be acknowledged.
    pub(super) broken: Option<StoreError>,
    /// Held until the connection is gone.
    pub(super) lock: Option<File>,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: Receiver<Job>) {
        let mut company = false;
        while let Ok(first) = queue.recv() {
            // On a busy core whoever is about to ask gets a moment to do so: one flush for more pieces. Not where nobody
            // did the last time, since the moment may go to a password hash, and then it is milliseconds.
            if company {
                std::thread::yield_now();
            }
            let rest = queue.try_iter().take(GROUP_MAX - 1);
            let (pieces, replies): (Vec<_>, Vec<_>) = std::iter::once(first)
                .chain(rest)
                .map(|job| (job.piece, job.reply))
                .unzip();
            company = pieces.len() > 1;
            let outcomes = self.commit(&pieces);
            self.readers.committed();
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // Nobody may be waiting any more; the piece stands all the same.
                let _ = reply.send(outcome);
            }
            if self.broken.is_none() {
                let statements = pieces.iter().map(Vec::len).sum();
                let log_is_long = self.checkpointer.after_group(&self.connection, statements);
                self.readers.rest(log_is_long);
            }
        }
        if self.broken.is_some() {
            // The log is left as it is, for the next start to read what truly reached the disk.
            let _ = self
                .connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        self.checkpointer.finish();
        drop(self.connection);
        // Said, and not left to the closing: a child that this process is just starting holds a copy of the file for a
        // moment, and the lock with it.
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }

    /// Commits a group and answers one outcome for each piece.
    fn commit(&mut self, pieces: &[Piece]) -> Vec<Outcome> {
        let failure = match self.attempt(pieces) {
            Ok(outcomes) => return outcomes,
            Err(failure) => failure,
        };
        if fault::space_may_return(&failure) {
            // Once for the group: on a disk that stays full it copies as far as there is room, and in vain.
            self.checkpointer.make_room(&self.connection);
        }
        if fault::one_may_be_to_blame(&failure) && pieces.len() > 1 {
            return pieces
                .iter()
                .flat_map(|piece| {
                    self.attempt(slice::from_ref(piece))
                        .unwrap_or_else(|failure| self.lost(failure, 1))
                })
                .collect();
        }
        self.lost(failure, pieces.len())
    }

    /// One transaction for all pieces, counted. An error means that none of them took effect. A writer that is broken tries
    /// nothing and acknowledges nothing.
    fn attempt(&self, pieces: &[Piece]) -> Result<Vec<Outcome>, Error> {
        if let Some(broken) = &self.broken {
            return Ok(vec![Err(broken.clone()); pieces.len()]);
        }
        let outcomes = transaction(&self.connection, pieces)?;
        self.counts.groups.fetch_add(1, Ordering::Relaxed);
        self.counts
            .pieces
            .fetch_add(pieces.len() as u64, Ordering::Relaxed);
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.map_err(|r| r.report(&self.place)))
            .collect())
    }

    /// The outcomes of pieces whose transaction failed. Nothing is acknowledged any more when that broke it.
    fn lost(&mut self, failure: Error, pieces: usize) -> Vec<Outcome> {
        let error = if self.connection.is_autocommit() {
            self.place.statement_error(failure, Expect::Any)
        } else {
            self.place.broken(failure)
        };
        if matches!(error, StoreError::Broken { .. }) {
            self.broken = Some(error.clone());
        }
        vec![Err(error); pieces]
    }
}

/// Why a piece was rolled back alone.
enum Refusal {
    Expectation(&'static str),
    Statement(Error, Expect),
}

impl Refusal {
    fn report(self, place: &Place) -> StoreError {
        match self {
            Self::Expectation(name) => StoreError::Conflict(name),
            Self::Statement(error, expect) => place.statement_error(error, expect),
        }
    }
}

/// One transaction for all pieces. An error means that none of them took effect.
fn transaction(
    connection: &Connection,
    pieces: &[Piece],
) -> Result<Vec<Result<(), Refusal>>, Error> {
    if together(connection, pieces)? {
        return Ok(pieces.iter().map(|_| Ok(())).collect());
    }
    run(connection, "BEGIN IMMEDIATE")?;
    let outcomes: Result<Vec<_>, _> = pieces
        .iter()
        .map(|piece| savepoint(connection, piece))
        .collect();
    let outcome = outcomes.and_then(|outcomes| run(connection, "COMMIT").map(|()| outcomes));
    rolled_back(connection, outcome)
}

/// All pieces without a savepoint each, since a savepoint copies every page that is changed under it. `false` when one
/// of them is refused: then nothing took effect, and each has to be tried under its own.
fn together(connection: &Connection, pieces: &[Piece]) -> Result<bool, Error> {
    run(connection, "BEGIN IMMEDIATE")?;
    let mut statements = pieces.iter().flatten();
    let outcome = match statements.try_for_each(|statement| perform(connection, statement)) {
        Ok(()) => run(connection, "COMMIT").map(|()| true),
        Err(Refusal::Statement(error, _))
            if connection.is_autocommit() || fault::group_wide(&error) =>
        {
            Err(error)
        }
        Err(_) => run(connection, "ROLLBACK").map(|()| false),
    };
    rolled_back(connection, outcome)
}

/// The outcome of a transaction that is over.
fn rolled_back<T>(connection: &Connection, outcome: Result<T, Error>) -> Result<T, Error> {
    if outcome.is_err() && !connection.is_autocommit() {
        // Should this fail too, the caller sees that the transaction is still open.
        let _ = run(connection, "ROLLBACK");
    }
    outcome
}

/// One piece, which leaves no trace when it is refused. An outer error means that the whole group is lost.
fn savepoint(connection: &Connection, piece: &[Statement]) -> Result<Result<(), Refusal>, Error> {
    run(connection, "SAVEPOINT piece")?;
    let outcome = piece
        .iter()
        .try_for_each(|statement| perform(connection, statement));
    match outcome {
        Ok(()) => {}
        // Some failures roll the whole transaction back at once, and the pieces before this one with it.
        Err(Refusal::Statement(error, _))
            if connection.is_autocommit() || fault::group_wide(&error) =>
        {
            return Err(error);
        }
        Err(_) => run(connection, "ROLLBACK TO piece")?,
    }
    run(connection, "RELEASE piece")?;
    Ok(outcome)
}

fn perform(connection: &Connection, statement: &Statement) -> Result<(), Refusal> {
    let changed = text::execute(connection, statement.sql, &statement.params)
        .map_err(|error| Refusal::Statement(error, statement.expect))?;
    match statement.expect {
        Expect::One(name) if changed != 1 => Err(Refusal::Expectation(name)),
        _ => Ok(()),
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    text::execute(connection, sql, &[]).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;
    use std::time::Duration;

    use rusqlite::StatementStatus;

    use super::super::{checkpoint, connect};
    use super::*;

    fn writer(directory: &Path) -> Writer {
        let place = Arc::new(connect::place(&directory.join("a.db")).unwrap());
        let open = || connect::writer(&place, Duration::ZERO).unwrap();
        let readers = Arc::new(Readers::new(Arc::clone(&place), Duration::ZERO, 1));
        Writer {
            connection: open(),
            checkpointer: Checkpointer::start(open(), Arc::clone(&readers)).unwrap(),
            readers,
            place,
            counts: Arc::default(),
            broken: None,
            lock: None,
        }
    }

    #[test]
    fn a_group_on_a_full_disk_looks_for_room_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(directory.path());
        let add = |length: usize| {
            let sql = "INSERT INTO things (content) VALUES ($1)";
            vec![Statement::any(sql, vec!["x".repeat(length).into()])]
        };
        let table = "CREATE TABLE things (content TEXT)";
        let outcomes = writer.commit(&[vec![Statement::any(table, vec![])]]);
        assert!(matches!(*outcomes, [Ok(())]));
        let limit = writer.connection.pragma_update(None, "max_page_count", 4);
        limit.unwrap();
        let outcomes = writer.commit(&[add(50_000), add(1), add(50_000), add(50_000)]);
        let unwritable = |outcome: &Outcome| matches!(outcome, Err(StoreError::Unwritable { .. }));
        assert_eq!(
            outcomes.iter().map(unwritable).collect::<Vec<_>>(),
            [true, false, true, true]
        );
        let looked = writer
            .connection
            .prepare_cached(checkpoint::PASSIVE)
            .unwrap();
        assert_eq!(looked.get_status(StatementStatus::Run), 1);
    }

    #[test]
    fn a_broken_writer_acknowledges_nothing_more() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(directory.path());
        let place = Arc::clone(&writer.place);
        writer.broken = Some(place.broken("the disk did not flush"));
        let piece = vec![Statement::any("CREATE TABLE things (id TEXT)", vec![])];
        let outcomes = writer.commit(&[piece, vec![]]);
        assert!(matches!(
            *outcomes,
            [
                Err(StoreError::Broken { .. }),
                Err(StoreError::Broken { .. })
            ]
        ));
        let other = connect::writer(&place, Duration::ZERO).unwrap();
        assert!(other.prepare("SELECT id FROM things").is_err());
    }
}
