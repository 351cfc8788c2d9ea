//! Passwords: argon2id with bounded concurrency, and the same work for accounts that do not exist.

use crate::app::Error;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Shortest password (NIST SP 800-63B-4 §3.1.1.2, with a second factor beside it; ours is longer).
pub const LENGTH_MIN: usize = 12;
/// Longest password, in bytes.
pub const LENGTH_MAX: usize = 256;
/// Checks that may wait for a free core; one more is turned away at once.
const WAITING_MAX: usize = 64;

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    dummy: Arc<str>,
}

impl Passwords {
    /// With memory of 19 MiB and two passes; as many at once as there are cores but one, and at least one.
    pub fn new() -> Result<Passwords, Error> {
        let params = Params::new(19 * 1024, 2, 1, None)
            .map_err(|_| Error::internal("the password parameters are refused"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy = hash_with(&argon2, crate::chance::secret()?.as_bytes())?;
        Ok(Passwords {
            argon2,
            working: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            dummy: dummy.into(),
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
        let argon2 = self.argon2.clone();
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.dummy.to_string());
        let fits = move || -> Result<bool, Error> {
            let hash = PasswordHash::new(&phc)
                .map_err(|_| Error::internal("a stored password hash does not parse"))?;
            Ok(argon2.verify_password(password.as_bytes(), &hash).is_ok())
        };
        Ok(self.work(fits).await?? && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let waiting = Arc::clone(&self.waiting);
        let _place = waiting.try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let working = Arc::clone(&self.working);
        let turn = working.acquire_owned().await;
        let turn = turn.map_err(|_| Error::Overloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            // The turn is given back when the work is done, not when somebody stops waiting for it.
            let _turn = turn;
            task()
        });
        done.await
            .map_err(|_| Error::internal("password work was interrupted"))
    }
}

fn hash_with(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, Error> {
    let hash = argon2.hash_password(password);
    let hash = hash.map_err(|_| Error::internal("a password cannot be hashed"))?;
    Ok(hash.to_string())
}
