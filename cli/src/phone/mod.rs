//! A phone without a screen: the authenticator protocol (docs/authenticator-protocol.md) spoken from a file of keys.
//!
//! [`Phone`] is for programs, such as the robots of the demo; [`run`] is the command `techpass authenticator`.

mod answer;
mod args;
mod code;
#[cfg(test)]
mod fake;
mod file;
mod link;
mod sign;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod way_tests;
mod wire;

pub use answer::Decision;
pub use args::{Args, run};
pub use wire::{Refusal, Unreachable};

use crate::terminal::printable;
use anyhow::{Context, Result, bail};
use code::CodeSeed;
use file::{Content, Stored};
use link::Link;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sign::Key;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use wire::{Wire, host};

/// Longest name of a phone, in characters.
const NAME_MAX: usize = 60;
/// How often waiting requests are asked for while somebody waits for them.
const POLL: Duration = Duration::from_millis(300);
/// How long a verification code waits for the server's time.
const TIME_TIMEOUT: Duration = Duration::from_secs(2);
/// A difference of clocks below this is the rounding of whole seconds.
const OFFSET_MIN_S: i64 = 2;

/// A phone: the profiles of a phone file, and a way to their servers.
pub struct Phone {
    path: PathBuf,
    wire: Wire,
    held: Vec<Held>,
    clock: Box<dyn Fn() -> i64 + Send + Sync>,
}

/// One account at one server, as a phone lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// The server's public address.
    pub issuer: String,
    /// What the profile is called.
    pub label: String,
    /// The login ID.
    pub account: String,
    /// Whose account it is.
    pub organisation: String,
}

/// A request that waits for an answer, as the person sees it. It never holds the number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The server's name for it.
    pub id: String,
    /// The login ID.
    pub account: String,
    /// The server's public address.
    pub issuer: String,
    /// The application that is being signed in to.
    pub app: String,
    /// Where the computer is.
    pub location: String,
    /// The computer.
    pub device: String,
    /// When it was made, in Unix seconds of the server's clock.
    pub created_at: i64,
    /// Until when it may be answered, in Unix seconds of the server's clock.
    pub expires_at: i64,
}

/// A profile with its secrets. It has no `Debug`.
struct Held {
    profile: Profile,
    authenticator_id: String,
    key: Key,
    seed: String,
    offset_s: AtomicI64,
}

/// A request as the server lists it.
#[derive(Deserialize)]
struct Waiting {
    nonce: String,
    #[serde(flatten)]
    request: Request,
}

#[derive(Deserialize)]
struct List {
    now: i64,
    requests: Vec<Waiting>,
}

/// What all servers together answered.
struct Gathered<'a> {
    waiting: Vec<(&'a Held, Waiting)>,
    failures: Vec<anyhow::Error>,
}

impl Phone {
    /// Opens a phone file; one that is not there is a phone without profiles.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Phone> {
        Phone::open_trusting(path, None)
    }

    /// Like [`Phone::open`], and trusts the certificate authorities of a PEM file besides the computer's own. What a
    /// server is enrolled with is kept for it.
    ///
    /// # Errors
    /// When one of the files cannot be read or is damaged.
    pub fn open_trusting(path: impl AsRef<Path>, ca: Option<&Path>) -> Result<Phone> {
        let path = path.as_ref().to_owned();
        let content = file::read(&path)?;
        let mut wire = Wire::new(ca)?;
        for stored in &content.profiles {
            if let Some(pem) = &stored.ca {
                wire.trust(&stored.issuer, pem)?;
            }
        }
        Ok(Phone {
            held: hold(content)?,
            wire,
            path,
            clock: Box::new(system_time),
        })
    }

    /// The profiles, oldest first.
    pub fn accounts(&self) -> Vec<Profile> {
        self.held.iter().map(|held| held.profile.clone()).collect()
    }

    /// Adds a profile by an enrolment link. An older profile of the same account at the same server is replaced.
    ///
    /// # Errors
    /// When the link or the name (1 to 60 characters) is wrong, the server refuses ([`Refusal`]) or does not answer
    /// ([`Unreachable`]), or the file cannot be written.
    pub async fn enrol(&mut self, link: &str, name: &str) -> Result<Profile> {
        let link = Link::read(link)?;
        link::refuse_plain_http(&link::address(&link.issuer)?).await?;
        if name.trim().is_empty() || name.chars().count() > NAME_MAX {
            bail!("give the phone a name of 1 to {NAME_MAX} characters");
        }
        file::try_out(&self.path)?;
        let stored = self.register(&link, name.trim()).await?;
        let profile = stored.profile();
        let content = file::change(&self.path, |content| {
            content.profiles.retain(|old| {
                old.issuer != stored.issuer || !old.account.eq_ignore_ascii_case(&stored.account)
            });
            content.profiles.push(stored);
        })?;
        self.held = hold(content)?;
        Ok(profile)
    }

    /// The current verification code of an account, by the server's clock where it answers within two seconds and by
    /// the difference last seen where it does not. `label` (or the server's address) chooses between profiles.
    ///
    /// # Errors
    /// When no profile fits, several do, or the server says that this phone was removed.
    pub async fn code(&self, account: &str, label: Option<&str>) -> Result<String> {
        let held = self.chosen(account, label)?;
        if let Ok(Err(error)) = tokio::time::timeout(TIME_TIMEOUT, self.list(held)).await {
            match error.downcast::<Refusal>() {
                Ok(refusal) if refusal.error == "invalid_phone" => return Err(refusal.into()),
                Ok(_) => {}
                Err(error) => tracing::debug!("no time from the server: {error:#}"),
            }
        }
        code::at(&held.seed, self.time(held))
    }

    /// The requests that wait, of all profiles, newest first. With `wait_s` it waits up to that many seconds for the
    /// first one.
    ///
    /// # Errors
    /// When no server answered with a list. A server that fails beside others that answer is only logged.
    pub async fn requests(&self, wait_s: Option<u64>) -> Result<Vec<Request>> {
        let until = Instant::now() + Duration::from_secs(wait_s.unwrap_or(0));
        loop {
            let all: Vec<&Held> = self.held.iter().collect();
            let gathered = self.gather(&all).await;
            if !gathered.waiting.is_empty() || Instant::now() >= until {
                return gathered.requests(all.len());
            }
            let pause = gathered.quiet().unwrap_or(POLL).max(POLL);
            tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
        }
    }

    /// Approves the request that waits for an account, with the two digits that the browser shows.
    ///
    /// # Errors
    /// As [`Phone::answer`].
    pub async fn approve(&self, account: &str, number: &str) -> Result<Vec<Request>> {
        self.answer(account, None, Decision::Approve(number)).await
    }

    async fn register(&self, link: &Link, name: &str) -> Result<Stored> {
        #[derive(Deserialize)]
        struct Enrolled {
            authenticator_id: String,
            issuer: String,
            account: String,
            label: String,
            organisation: String,
            code: CodeSeed,
            now: i64,
        }
        let key = Key::generate()?;
        let mut offset_s = 0;
        let mut corrected = false;
        let enrolled = loop {
            let body = enrolment(link, name, &key, (self.clock)() + offset_s)?;
            let reply = self
                .wire
                .post(&link.issuer, "/authenticator/v1/enrolments", &body);
            match reply.await?.accepted() {
                Ok(body) => break serde_json::from_value::<Enrolled>(body).ok(),
                Err(refusal) => match refusal.clock().filter(|_| !corrected) {
                    Some(now) => offset_s = now - (self.clock)(),
                    None => return Err(refusal.into()),
                },
            }
            corrected = true;
        };
        let shown = host(&link.issuer);
        let enrolled =
            enrolled.with_context(|| format!("{shown} gave an answer that is not complete"))?;
        if enrolled.issuer != link.issuer {
            bail!("{shown} speaks for another server than the link");
        }
        enrolled.code.check()?;
        let secure = enrolled.issuer.starts_with("https:");
        Ok(Stored {
            ca: self.wire.trusted(&enrolled.issuer).filter(|_| secure),
            issuer: enrolled.issuer,
            authenticator_id: enrolled.authenticator_id,
            account: enrolled.account,
            label: enrolled.label,
            organisation: enrolled.organisation,
            key: key.write()?,
            seed: enrolled.code.secret,
            offset_s: enrolled.now - (self.clock)(),
        })
    }

    /// The one profile that is meant.
    fn chosen(&self, account: &str, label: Option<&str>) -> Result<&Held> {
        let fits = |held: &&Held| {
            label.is_none_or(|label| {
                held.profile.label.eq_ignore_ascii_case(label) || held.profile.issuer == label
            })
        };
        let of_account = self.of(account)?;
        let fitting: Vec<&Held> = of_account.iter().copied().filter(fits).collect();
        if let [only] = fitting.as_slice() {
            return Ok(only);
        }
        let labels: Vec<String> = of_account
            .iter()
            .map(|held| format!("{} ({})", held.profile.label, held.profile.issuer))
            .map(|label| printable(&label))
            .collect();
        bail!(
            "choose a profile of {account} by its label: {}",
            labels.join(", ")
        )
    }

    /// The profiles of an account.
    fn of(&self, account: &str) -> Result<Vec<&Held>> {
        let of_account = self.held.iter();
        let of_account: Vec<&Held> = of_account
            .filter(|held| held.profile.account.eq_ignore_ascii_case(account))
            .collect();
        if of_account.is_empty() {
            bail!("this phone holds no profile of {account}");
        }
        Ok(of_account)
    }

    /// Asks the servers of some profiles, one after the other.
    async fn gather<'a>(&self, profiles: &[&'a Held]) -> Gathered<'a> {
        let mut gathered = Gathered {
            waiting: Vec::new(),
            failures: Vec::new(),
        };
        for held in profiles {
            match self.list(held).await {
                Ok(list) => gathered
                    .waiting
                    .extend(list.into_iter().map(|one| (*held, one))),
                Err(error) => gathered.failures.push(error),
            }
        }
        gathered
            .waiting
            .sort_by_key(|(_, one)| -one.request.created_at);
        gathered
    }

    /// The waiting requests of one profile. Learns the server's time.
    async fn list(&self, held: &Held) -> Result<Vec<Waiting>> {
        const PATH: &str = "/authenticator/v1/requests";
        let mut corrected = false;
        loop {
            let proof = held.proof(PATH, self.time(held))?;
            let reply = self.wire.get(&held.profile.issuer, PATH, &proof).await?;
            match reply.accepted() {
                Ok(body) => return self.read(held, body),
                Err(refusal) => match refusal.clock().filter(|_| !corrected) {
                    Some(now) => self.learn(held, now),
                    None => return Err(refusal.into()),
                },
            }
            corrected = true;
        }
    }

    fn read(&self, held: &Held, body: serde_json::Value) -> Result<Vec<Waiting>> {
        let shown = host(&held.profile.issuer);
        let list: List = serde_json::from_value(body)
            .ok()
            .with_context(|| format!("{shown} gave an answer that is not complete"))?;
        self.learn(held, list.now);
        let foreign = |one: &Waiting| one.request.issuer != held.profile.issuer;
        if list.requests.iter().any(foreign) {
            bail!("{shown} speaks for another server");
        }
        Ok(list.requests)
    }

    /// The server's time as far as it is known, in Unix seconds.
    fn time(&self, held: &Held) -> i64 {
        (self.clock)().saturating_add(held.offset_s.load(Ordering::Relaxed))
    }

    /// Keeps how far the server's clock is from this computer's.
    fn learn(&self, held: &Held, now: i64) {
        let offset_s = now.saturating_sub((self.clock)());
        let known = held.offset_s.load(Ordering::Relaxed);
        if offset_s.abs_diff(known) < OFFSET_MIN_S.unsigned_abs() {
            return;
        }
        held.offset_s.store(offset_s, Ordering::Relaxed);
        let kept = file::change(&self.path, |content| {
            let mine = content.profiles.iter_mut().find(|stored| {
                stored.authenticator_id == held.authenticator_id
                    && stored.issuer == held.profile.issuer
            });
            if let Some(stored) = mine {
                stored.offset_s = offset_s;
            }
        });
        // It is known in this run anyway, and is found again in the next.
        if let Err(error) = kept {
            tracing::debug!("the difference of clocks is not kept: {error:#}");
        }
    }
}

impl Held {
    /// The proof that a read comes from this phone.
    fn proof(&self, path: &str, now: i64) -> Result<String> {
        let payload = json!({
            "aud": self.profile.issuer,
            "sub": self.authenticator_id,
            "iat": now,
            "jti": sign::jti()?,
            "htm": "GET",
            "htu": format!("{}{path}", self.profile.issuer),
        });
        self.key.sign(sign::PHONE, &payload)
    }
}

impl Stored {
    fn profile(&self) -> Profile {
        Profile {
            issuer: self.issuer.clone(),
            label: self.label.clone(),
            account: self.account.clone(),
            organisation: self.organisation.clone(),
        }
    }
}

impl Gathered<'_> {
    /// The list, or the reason why there is none.
    fn requests(self, asked: usize) -> Result<Vec<Request>> {
        let mut failures = self.failures.into_iter();
        if failures.len() == asked
            && let Some(first) = failures.next()
        {
            return Err(first);
        }
        for failure in failures {
            tracing::warn!("the requests of one profile are missing: {failure:#}");
        }
        Ok(self
            .waiting
            .into_iter()
            .map(|(_, one)| one.request)
            .collect())
    }

    /// How long the servers want to be left alone.
    fn quiet(&self) -> Option<Duration> {
        let refusals = self
            .failures
            .iter()
            .filter_map(|error| error.downcast_ref::<Refusal>());
        let wanted_s = refusals.filter_map(|refusal| refusal.retry_after_s).max()?;
        Some(Duration::from_secs(wanted_s))
    }
}

fn enrolment(link: &Link, name: &str, key: &Key, now: i64) -> Result<serde_json::Value> {
    let proof = json!({
        "aud": link.issuer,
        "iat": now,
        "jti": sign::jti()?,
        "token_hash": sign::token_hash(&link.token),
    });
    Ok(json!({
        "token": link.token,
        "name": name,
        "key": key.public()?,
        "proof": key.sign(sign::ENROL, &proof)?,
    }))
}

fn hold(content: Content) -> Result<Vec<Held>> {
    let held = content.profiles.into_iter().map(|stored| {
        Ok(Held {
            profile: stored.profile(),
            key: Key::read(&stored.key)?,
            authenticator_id: stored.authenticator_id,
            seed: stored.seed,
            offset_s: AtomicI64::new(stored.offset_s),
        })
    });
    held.collect()
}

#[allow(clippy::disallowed_methods)] // Here it is handed out.
fn system_time() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}
