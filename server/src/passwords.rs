//! Passwords: argon2id with bounded concurrency, and the same work for accounts that do not exist.

use crate::app::Error;
use crate::config::Load;
use crate::metrics::PasswordMetrics;
use argon2::password_hash::{PasswordHasher, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Shortest password (NIST SP 800-63B-4 §3.1.1.2, with a second factor beside it; ours is longer).
pub const LENGTH_MIN: usize = 12;
/// Longest password, in bytes.
pub const LENGTH_MAX: usize = 256;

/// How long memory is kept after the last check that needed it.
const MEMORY_KEPT: Duration = Duration::from_secs(10);

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    memory: Arc<Memory>,
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    dummy: Arc<str>,
    wait: Duration,
    metrics: PasswordMetrics,
}

/// The memory of checks that are done, for the next ones: getting 19 MiB from the system anew takes as long as half a
/// check. There is never more of it than checks at once.
#[derive(Default)]
struct Memory(Mutex<Vec<(Instant, Vec<Block>)>>);

impl Memory {
    fn take(&self, blocks: usize) -> Vec<Block> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = kept.pop().map(|(_, memory)| memory).unwrap_or_default();
        drop(kept);
        memory.resize(blocks, Block::default());
        memory
    }

    fn give_back(&self, memory: Vec<Block>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((Instant::now(), memory));
    }

    fn rest(&self, for_at_least: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(used, _)| used.elapsed() < for_at_least);
    }
}

/// Counts a check that waits or is under way, however it ends.
struct Queued(PasswordMetrics);

impl Queued {
    fn new(metrics: &PasswordMetrics) -> Queued {
        metrics.queue.inc();
        Queued(metrics.clone())
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.queue.dec();
    }
}

impl Passwords {
    /// With memory of 19 MiB and two passes; as many at once as there are cores but one, and at least one.
    ///
    /// Work that finds the queue full, or waits too long in it, is turned away with [`Error::Overloaded`]; work whose
    /// client has gone away leaves the queue.
    pub fn new(load: &Load, metrics: PasswordMetrics) -> Result<Passwords, Error> {
        let params = Params::new(19 * 1024, 2, 1, None)
            .map_err(|_| Error::internal("the password parameters are refused"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Passwords {
            dummy: nobodys(argon2.params())?.into(),
            argon2,
            memory: Arc::default(),
            working: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            waiting: Arc::new(Semaphore::new(
                load.passwords_max.clamp(1, Semaphore::MAX_PERMITS),
            )),
            wait: Duration::from_secs(load.passwords_wait_s),
            metrics,
        })
    }

    /// Hashes a password into PHC form.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, Error> {
        let argon2 = self.argon2.clone();
        self.work(move || hash_with(&argon2, password.as_bytes()))
            .await?
    }

    /// Whether the password fits. Without a hash, the same work is done and the answer is no.
    pub async fn fits(
        &self,
        password: Zeroizing<String>,
        phc: Option<String>,
    ) -> Result<bool, Error> {
        let memory = Arc::clone(&self.memory);
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.dummy.to_string());
        let fits = move || -> Result<bool, Error> {
            let hash = PasswordHash::new(&phc)
                .map_err(|_| Error::internal("a stored password hash does not parse"))?;
            Ok(verify(&memory, password.as_bytes(), &hash).unwrap_or(false))
        };
        Ok(self.work(fits).await?? && known)
    }

    /// Gives memory back to the system that no check has needed for a while.
    pub fn rest(&self) {
        self.memory.rest(MEMORY_KEPT);
    }

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let waiting = Arc::clone(&self.waiting);
        let place = waiting.try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let queued = Queued::new(&self.metrics);
        let working = Arc::clone(&self.working);
        let turn = tokio::time::timeout(self.wait, working.acquire_owned()).await;
        let turn = turn.map_err(|_| Error::Overloaded)?;
        let turn = turn.map_err(|_| Error::Overloaded)?;
        let seconds = self.metrics.seconds.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Turn and place are given back when the work is done, not when somebody stops waiting for it.
            let _held = (turn, place, queued);
            let begun = Instant::now();
            let done = task();
            seconds.observe(begun.elapsed().as_secs_f64());
            done
        });
        done.await
            .map_err(|_| Error::internal("password work was interrupted"))
    }
}

/// Whether a password has this hash, whatever parameters it was made with; `None` when they are none.
fn verify(memory: &Memory, password: &[u8], hash: &PasswordHash) -> Option<bool> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = match hash.version {
        Some(version) => Version::try_from(version).ok()?,
        None => Version::default(),
    };
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    let argon2 = Argon2::new(algorithm, version, Params::try_from(hash).ok()?);
    let mut blocks = memory.take(argon2.params().block_count());
    let mut computed = Zeroizing::new(vec![0; expected.len()]);
    let done = argon2.hash_password_into_with_memory(password, salt, &mut computed, &mut blocks);
    memory.give_back(blocks);
    done.ok()?;
    Some(computed.ct_eq(expected.as_bytes()).into())
}

/// What looks like a hash with these parameters and is of no password: checking against it costs the same. It is drawn and not
/// computed, since a start would wait for that.
fn nobodys(params: &Params) -> Result<String, Error> {
    let salt = STANDARD_NO_PAD.encode(crate::chance::bytes::<16>()?);
    let hash = STANDARD_NO_PAD.encode(crate::chance::bytes::<32>()?);
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
}

fn hash_with(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, Error> {
    let hash = argon2.hash_password(password);
    let hash = hash.map_err(|_| Error::internal("a password cannot be hashed"))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::future::Future;
    use std::task::Poll;

    fn passwords(load: Load) -> Passwords {
        Passwords::new(&load, PasswordMetrics::default()).unwrap()
    }

    fn right() -> Zeroizing<String> {
        Zeroizing::new("correct horse battery staple".to_owned())
    }

    #[tokio::test]
    async fn one_more_than_the_queue_holds_is_turned_away() {
        let passwords = passwords(Load {
            passwords_max: 1,
            ..Load::default()
        });
        let held = passwords.waiting.clone().try_acquire_owned().unwrap();
        let refused = passwords.hash(right()).await;
        assert!(matches!(refused, Err(Error::Overloaded)));
        drop(held);
        let phc = passwords.hash(right()).await.unwrap();
        assert!(passwords.fits(right(), Some(phc)).await.unwrap());
        assert!(!passwords.fits(right(), None).await.unwrap());
    }

    #[tokio::test]
    async fn an_account_that_does_not_exist_costs_as_much_as_one_that_does() {
        let passwords = passwords(Load::default());
        let phc = passwords.hash(right()).await.unwrap();
        let cost = |phc: &str| {
            let hash = PasswordHash::new(phc).unwrap();
            let lengths = (hash.salt.unwrap().len(), hash.hash.unwrap().len());
            (hash.algorithm, hash.version, hash.params, lengths)
        };
        assert_eq!(cost(&passwords.dummy), cost(&phc));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_the_client_or_with_the_time_for_it() {
        let passwords = passwords(Load::default());
        let cores = u32::try_from(passwords.working.available_permits()).unwrap();
        let busy = passwords.working.clone().acquire_many_owned(cores).await;
        // Nobody waits any more: the place is free again.
        let mut left = Box::pin(passwords.hash(right()));
        let looked = std::future::poll_fn(|cx| Poll::Ready(left.as_mut().poll(cx).is_pending()));
        assert!(looked.await);
        assert_eq!(passwords.metrics.queue.get(), 1);
        drop(left);
        assert_eq!(passwords.metrics.queue.get(), 0);
        // Time passes by itself while everybody waits.
        let refused = passwords.hash(right()).await;
        assert!(matches!(refused, Err(Error::Overloaded)));
        assert_eq!(passwords.metrics.queue.get(), 0);
        drop(busy);
    }
}
