//! PostgreSQL, and databases compatible with it: for more than one node, or more than one machine can carry.
//!
//! The same statements as on the embedded database, right at READ COMMITTED: what may happen once is a conditional
//! statement with a row count. Only features that compatible distributed databases have too are used on the way of a
//! commit: no advisory locks, sequences or triggers. A commit is answered once the server says it is durable; an answer
//! that was lost is found out ([`settle`]) or reported as [`StoreError::Unknown`], and is never taken for a success.

mod address;
mod away;
mod fault;
mod hearing;
mod link;
mod piece;
mod settle;
mod text;
mod tls;
mod waiting;
mod work;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deadpool::Runtime;
use deadpool::managed::{Object, Timeouts};
use futures_util::TryStreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::db::{BoxFuture, Counters, Driver, Expect, Hearing, Row, Statement, Value, without_nul};
use crate::error::StoreError;
use away::Away;
use fault::{Failure, Place};
use link::{Manager, Opener, Pool, Refused, Use};
use piece::Patience;
use settle::Committed;
use waiting::{Job, Waiting};

/// How to use a server.
#[derive(Debug, Clone)]
pub struct Open {
    /// The password, when the URL has none.
    pub password: Option<String>,
    /// Whether the server is one of several and a standby must confirm every commit. It is refused without one.
    pub cluster: bool,
    /// Connections for committing, and as many again for reading. At least 1.
    pub connections_max: usize,
    /// Pieces that may be under way or waiting; one more is refused at once. At least 1.
    pub queue_max: usize,
    /// How long a caller is kept waiting: for a connection, for a lock, for the answer to a commit. In milliseconds.
    pub wait_ms: u32,
    /// Whether nothing is made that is missing, for somebody who only looks. Commits are refused then by the database.
    pub look_only: bool,
}

impl Default for Open {
    /// No password, a single server, 16 connections, 1,024 pieces, 2.5 s.
    fn default() -> Self {
        Self {
            password: None,
            cluster: false,
            connections_max: 16,
            queue_max: 1024,
            wait_ms: 2500,
            look_only: false,
        }
    }
}

/// How often a piece is tried when the server asks for it, or when a connection turns out to be lost.
const TRIES: u32 = 12;
/// How long the row that names a commit is kept. Nobody waits for an answer that long.
const NAMES_KEPT_MS: u128 = 3_600_000;

/// Bites that one sweep takes of them.
const SWEEPS_MAX: u32 = 40;

/// What a general limit has over a particular one, so that the particular one is the one that is told.
const LONGER: Duration = Duration::from_millis(250);

/// A PostgreSQL database. Closing it waits for what was taken; dropping it does not.
pub struct Postgres {
    core: Arc<Core>,
}

/// What commits share with the tasks they run on.
struct Core {
    writers: Pool,
    readers: Pool,
    opener: Opener,
    place: Place,
    wait: Duration,
    queue_max: u32,
    queue: Arc<Semaphore>,
    closed: AtomicBool,
    waiting: Waiting,
    away: Away,
    /// Names commits of this process apart from those of others.
    process: String,
    commits: AtomicU64,
}

/// Reads a URL without connecting: where the authorities of the server's certificate are, when it says so.
///
/// # Errors
/// What the URL has wrong, in words that hold no password.
pub fn authorities(url: &str) -> Result<Option<PathBuf>, String> {
    match address::parse(url, None) {
        Ok(address) => Ok(address.root),
        Err(StoreError::Database(reason)) => Err(reason.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

impl Postgres {
    /// Connects, refuses a server whose settings are unsafe, and makes the table that names commits.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] when there is no server, [`StoreError::UnsafeSetting`] by the setting's name,
    /// [`StoreError::Database`] when the URL, the password or the certificate is wrong.
    pub async fn open(url: &str, open: Open) -> Result<Self, StoreError> {
        let address = address::parse(url, open.password.as_deref())?;
        if address.protection == address::Protection::Encrypted && address.root.is_none() {
            tracing::warn!(
                "sslmode=require does not check who the database server is; use verify-full"
            );
        }
        let place = Place(address.shown.clone());
        let opener = Opener {
            tls: tls::connector(&address)?,
            config: address.config,
            place: place.clone(),
            cluster: open.cluster,
            lock_wait_ms: open.wait_ms,
        };
        let wait = Duration::from_millis(open.wait_ms.into());
        let pool = |usage| {
            let opener = opener.clone();
            Pool::builder(Manager { opener, usage })
                .max_size(open.connections_max.max(1))
                .timeouts(Timeouts {
                    wait: Some(wait),
                    create: Some(wait.max(Duration::from_secs(5))),
                    recycle: Some(wait),
                })
                .runtime(Runtime::Tokio1)
                .build()
                .map_err(StoreError::database)
        };
        let queue_max = open.queue_max.clamp(1, Semaphore::MAX_PERMITS / 2);
        let (writers, readers) = (pool(Use::Writing)?, pool(Use::Reading)?);
        if !open.look_only {
            prepare(&writers, &place).await?;
        }
        let process = process(&writers, &place).await?;
        let core = Core {
            writers,
            readers,
            opener,
            place,
            wait,
            queue_max: u32::try_from(queue_max).unwrap_or(u32::MAX),
            queue: Arc::new(Semaphore::new(queue_max)),
            closed: AtomicBool::new(false),
            waiting: Waiting::default(),
            away: Away::new(wait),
            process,
            commits: AtomicU64::new(0),
        };
        Ok(Self {
            core: Arc::new(core),
        })
    }

    /// A place for one more piece.
    fn enter(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let closed = self.core.closed.load(Ordering::SeqCst);
        match Arc::clone(&self.core.queue).try_acquire_owned() {
            Ok(place) if !closed => Ok(place),
            Err(TryAcquireError::NoPermits) if !closed => {
                Err(StoreError::Busy("too many commits are waiting"))
            }
            _ => Err(StoreError::Closed),
        }
    }

    async fn committed(&self, piece: Vec<Statement>) -> Result<(), StoreError> {
        let place = self.enter()?;
        let core = &self.core;
        let begun = Instant::now();
        let (reply, mut outcome) = oneshot::channel();
        let job = Job {
            piece,
            reply,
            place,
        };
        let (number, one_more) = core.waiting.leave(job);
        if one_more {
            // On a task of its own: a caller who leaves takes nothing back, and a commit that was asked for is never
            // cut off.
            tokio::spawn(Arc::clone(core).work());
        }
        if let Ok(answered) = timeout_at(begun + core.wait, &mut outcome).await {
            return answered.unwrap_or(Err(StoreError::Closed));
        }
        if core.waiting.withdraw(number) {
            return Err(StoreError::Busy("the database is slow"));
        }
        match timeout_at(begun + core.patience() + LONGER, outcome).await {
            Ok(answered) => answered.unwrap_or(Err(StoreError::Closed)),
            Err(_) => Err(StoreError::Unknown("the database did not answer in time")),
        }
    }
}

/// Makes the table of commits if it is missing.
async fn prepare(writers: &Pool, place: &Place) -> Result<(), StoreError> {
    let link = link::take(writers).await.map_err(Failure::into_error)?;
    let failed = |error: &tokio_postgres::Error| place.failure(error).into_error();
    let mut there = link.client.batch_execute(settle::THERE).await;
    // Several processes may create it at once, and all but one fail; it is there all the same.
    for _ in 0..3 {
        if there.is_err() {
            let _ = link.client.batch_execute(settle::TABLE).await;
            there = link.client.batch_execute(settle::THERE).await;
        }
    }
    if there.is_err() {
        let made = link.client.batch_execute(settle::TABLE).await;
        made.map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// A name for this process that no other has.
async fn process(writers: &Pool, place: &Place) -> Result<String, StoreError> {
    let link = link::take(writers).await.map_err(Failure::into_error)?;
    let failed = |error: &tokio_postgres::Error| place.failure(error).into_error();
    let sql = "SELECT CAST(gen_random_uuid() AS TEXT)";
    let row = link.client.query_one(sql, &[]).await;
    let row = row.map_err(|error| failed(&error))?;
    row.try_get(0).map_err(|error| failed(&error))
}

/// A connection that may be within a transaction is closed, so that it holds no lock until somebody needs it; so is one to
/// a server that is not the primary any more.
fn give_back(link: Object<Manager>) {
    if link.within {
        drop(Object::take(link));
    }
}

/// A pause before the next try, longer each time and never the same for two.
fn pause(tried: u32) -> Duration {
    let drawn = RandomState::new().hash_one(tried) % 1024;
    let longest_us = 2_000_u64 << tried.min(7);
    Duration::from_micros(longest_us / 2 + longest_us * drawn / 2048)
}

/// The time on this machine's clock. It only sorts names and says which are old.
#[allow(clippy::disallowed_methods)]
fn now_ms() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis())
}

impl Core {
    /// How long statements may take: a little longer than they may wait for a lock, whose error says more.
    fn patience(&self) -> Duration {
        self.wait + LONGER
    }

    /// A name for a commit; names sort by time.
    fn name(&self) -> String {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        format!("{:013x}-{}-{number:x}", now_ms(), self.process)
    }

    /// Whether what failed in passing is worth another try.
    fn again(&self, tried: u32) -> bool {
        tried < TRIES && !self.away.known()
    }

    /// One transaction of these statements.
    async fn attempt(&self, statements: &[&Statement], patience: Patience) -> Result<(), Failure> {
        let mut link = link::take(&self.writers).await?;
        let id = self.name();
        // Up to here nothing was asked for, so a server that stalls may be left; it rolls back by itself.
        let work = piece::perform(&mut link, statements, &id, patience, &self.place);
        let slow = Failure::Final(StoreError::Busy("the database is slow"));
        let done = timeout(self.patience(), work).await.unwrap_or(Err(slow));
        let committed = match done {
            Ok(()) => settle::commit(&mut link).await,
            Err(failure) => {
                link.within |= failure.gone();
                give_back(link);
                return Err(failure);
            }
        };
        give_back(link);
        match committed {
            Committed::Yes => Ok(()),
            Committed::No(error) => Err(self.place.statement_failure(&error, Expect::Any)),
            Committed::Perhaps => self.settle(&id).await,
        }
    }

    /// Asks until it is known what became of a commit, or until nobody waits for that any more.
    async fn settle(&self, id: &str) -> Result<(), Failure> {
        let end = Instant::now() + self.wait.saturating_mul(2);
        let mut tried = 0;
        while Instant::now() < end {
            tried += 1;
            let asked = async {
                // A connection of its own: those of the pool may lead to where the answer was lost.
                let mut link = self.opener.open(Use::Writing, None).await.ok()?;
                settle::ask(&mut link, id).await
            };
            match timeout_at(end, asked).await {
                Ok(Some(true)) => return Ok(()),
                Ok(Some(false)) => {
                    let lost = self
                        .place
                        .unreachable("the connection ended before the commit");
                    return Err(Failure::Passing(lost));
                }
                Ok(None) => sleep(pause(tried)).await,
                Err(_) => break,
            }
        }
        Err(Failure::Final(StoreError::Unknown(
            "the answer to a commit was lost, and the database could not be asked again",
        )))
    }

    async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Failure> {
        let mut link = link::take(&self.readers).await?;
        let rows = timeout(self.patience(), async {
            let statement = link.prepared(sql, params).await?;
            let rows = link.client.query_raw(&statement, params).await;
            let rows = rows.map_err(Refused::Theirs)?;
            rows.try_collect::<Vec<_>>().await.map_err(Refused::Theirs)
        });
        match rows.await {
            Ok(Ok(rows)) => rows
                .iter()
                .map(text::row)
                .collect::<Result<_, _>>()
                .map_err(Failure::Final),
            Ok(Err(Refused::Ours(error))) => Err(Failure::Final(error)),
            Ok(Err(Refused::Theirs(error))) => Err(self.place.failure(&error)),
            Err(_) => {
                // What is still under way on it must not hold up the next reader.
                link.within = true;
                give_back(link);
                Err(Failure::Final(StoreError::Busy("the database is slow")))
            }
        }
    }
}

impl Driver for Postgres {
    fn commit(&self, piece: Vec<Statement>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            for statement in &piece {
                without_nul(&statement.params)?;
            }
            if piece.is_empty() {
                // Nothing to make durable.
                return self.enter().map(drop);
            }
            self.committed(piece).await
        })
    }

    fn query(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            without_nul(&params)?;
            if self.core.closed.load(Ordering::SeqCst) {
                return Err(StoreError::Closed);
            }
            let mut tried = 1;
            loop {
                let outcome = self.core.read(sql, &params).await;
                self.core.away.note(&outcome);
                match outcome {
                    // Every connection of the pool may be lost; the next try opens one.
                    Err(Failure::Passing(_)) if self.core.again(tried) => {
                        sleep(pause(tried)).await;
                        tried += 1;
                    }
                    outcome => return outcome.map_err(Failure::into_error),
                }
            }
        })
    }

    fn writable(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        // A piece of no statements still lays its name down.
        Box::pin(self.committed(vec![]))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.core.closed.store(true, Ordering::SeqCst);
            // All places together are free only when every piece has its answer.
            if let Ok(all) = self.core.queue.acquire_many(self.core.queue_max).await {
                self.core.queue.close();
                drop(all);
            }
            self.core.writers.close();
            self.core.readers.close();
            Ok(())
        })
    }

    fn counters(&self) -> Counters {
        self.core.waiting.counters()
    }

    fn shared(&self) -> bool {
        true
    }

    fn hear(&self) -> BoxFuture<'_, Result<Option<Hearing>, StoreError>> {
        Box::pin(async move { hearing::hear(&self.core.opener).await.map(Some) })
    }

    fn tell(&self, message: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut link = link::take(&self.core.readers)
                .await
                .map_err(Failure::into_error)?;
            let told = hearing::tell(&mut link, &message).await;
            told.map_err(|error| self.core.place.failure(&error).into_error())
        })
    }

    fn tidy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let oldest = Value::from(format!("{:013x}", now_ms().saturating_sub(NAMES_KEPT_MS)));
            for _ in 0..SWEEPS_MAX {
                let old = self.query(settle::OLD, vec![oldest.clone()]).await?;
                if old.is_empty() {
                    break;
                }
                let sweep = Statement::any(settle::SWEEP, vec![oldest.clone()]);
                self.committed(vec![sweep]).await?;
            }
            Ok(())
        })
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("place", &self.core.place.0)
            .finish_non_exhaustive()
    }
}
