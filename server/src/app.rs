//! The only state of an instance, and the operator's errors.

use crate::clock::Clock;
use crate::config::Config;
use crate::drain::Drain;
use crate::keys::{Keeper, KeyRing};
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::oidc::client_auth::Uses;
use crate::oidc::metadata::Documents;
use crate::oidc::registration::Gate;
use crate::passwords::Passwords;
use crate::remote::Remote;
use crate::seal::Seal;
use crate::upstream::Upstreams;
use crate::wake::{Change, Wake};
use crate::web::load::Load;
use crate::web::sources::Sources;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use techpass_domain::audit::Record;
use techpass_domain::login::Rules;
use techpass_domain::time::Timestamp;
use techpass_store::{Store, StoreError, Write};
use tokio::sync::mpsc;

/// Failures that are nobody's answer to a person: logged once at the exit, with the reference.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed value.
    #[error(transparent)]
    Seal(#[from] crate::seal::SealError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] crate::chance::NoRandomness),
    /// Something stored does not parse.
    #[error("stored data does not parse")]
    Json(#[from] serde_json::Error),
    /// A page cannot be rendered.
    #[error("a page cannot be rendered")]
    View(#[from] crate::views::ViewError),
    /// Too much password work is waiting.
    #[error("too much work is waiting")]
    Overloaded,
    /// An address or file of the system.
    #[error("{0}")]
    System(String),
    /// Anything that must not happen.
    #[error("{0}")]
    Internal(&'static str),
}

fn form_sources(config: &Config) -> Vec<String> {
    let issuers = config.upstream.iter();
    let sources =
        issuers.flat_map(|upstream| crate::web::page::sources_of(upstream.issuer.as_str()));
    sources.collect()
}

/// Ends the process when the disk refused to make a commit durable: nothing more may be acknowledged until the database
/// is opened again and has recovered.
pub fn end_if_broken(error: &Error) {
    if let Error::Store(StoreError::Broken { .. }) = error {
        tracing::error!(error = %crate::web::page::chain(error), "stopping: start again to recover");
        std::process::exit(1);
    }
}

impl Error {
    /// Something that must not happen; the text is for the log.
    pub fn internal(text: &'static str) -> Error {
        Error::Internal(text)
    }
}

/// One instance of the server: an issuer, its keys, its database.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What an instance is made of.
pub struct Inner {
    /// The configuration.
    pub config: Config,
    /// `config.issuer()`, since it is needed everywhere.
    pub issuer: String,
    /// Host and port of its public address, as requests name them.
    pub authority: Option<String>,
    /// Where forms may lead on their way through the upstreams: source expressions, taken from the issuers once.
    pub form_sources: Vec<String>,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The master key.
    pub seal: Seal,
    /// Password work.
    pub passwords: Passwords,
    /// Who waits.
    pub wake: Wake,
    /// Calls to others.
    pub http: crate::outbound::Client,
    /// What clients keep elsewhere.
    pub remote: Remote,
    /// Who may register clients.
    pub registration: Gate,
    /// Which secrets of clients were used in this hour.
    pub secret_uses: Uses,
    /// The way to the mail server, when one is configured.
    pub mailer: Option<Mailer>,
    /// Home organisations.
    pub upstreams: Upstreams,
    /// What is counted.
    pub metrics: Metrics,
    /// Places for requests under way.
    pub load: Load,
    /// Addresses that asked lately.
    pub sources: Sources,
    /// How far stopping has got.
    pub drain: Drain,
    /// What the provider says of itself.
    pub documents: Documents,
    keys: RwLock<Arc<KeyRing>>,
    told: Mutex<Option<mpsc::Receiver<Change>>>,
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Opens the database, reads or makes the keys, and is ready to serve.
    pub async fn start(config: Config, clock: Clock, server: bool) -> Result<App, Error> {
        // What can fail comes before the database is opened, and before the epoch moves.
        let seal = Seal::from_file(&config.secrets.master_key_file)?;
        let http = crate::outbound::client(&config.outbound)?;
        let mailer = config.mail.as_ref().map(Mailer::new).transpose()?;
        let upstreams = Upstreams::new(&config)?;
        let registration = Gate::of(&config.registration)?;
        let metrics = Metrics::new(clock.now().0);
        let store = Store::open(&config.database.url, config.database.opening(server)?).await?;
        crate::transfer::whole_database(&store).await?;
        let store = store.observed(Arc::new(metrics.commits.clone()));
        let keeper = Keeper {
            seal: &seal,
            rules: &config.keys,
            now: clock.now(),
        };
        let keys = KeyRing::load(&store, keeper, None).await?;
        let keys = keys.ok_or_else(|| Error::internal("there are no signing keys"))?;
        if server {
            crate::epoch::advance(&store, &config.epoch_file(), clock.now()).await?;
        }
        let told = config
            .database
            .shared()
            .then(|| mpsc::channel(crate::nodes::TOLD_MAX));
        Ok(App(Arc::new(Inner {
            documents: Documents::of(&config),
            issuer: config.issuer(),
            authority: crate::web::shell::authority(&config.public_url),
            form_sources: form_sources(&config),
            passwords: Passwords::new(&config.limits.load, metrics.passwords.clone())?,
            load: Load::new(&config.limits.load),
            remote: Remote::new(&config.outbound, http.clone()),
            config,
            store,
            clock,
            seal,
            sources: Sources::default(),
            registration,
            secret_uses: Uses::default(),
            drain: Drain::default(),
            metrics,
            wake: match &told {
                Some((sender, _)) => Wake::handing_on(sender.clone()),
                None => Wake::default(),
            },
            told: Mutex::new(told.map(|(_, receiver)| receiver)),
            http,
            mailer,
            upstreams,
            keys: RwLock::new(Arc::new(keys)),
        })))
    }

    /// The signing keys as they are now.
    pub fn keys(&self) -> Arc<KeyRing> {
        match self.keys.read() {
            Ok(keys) => Arc::clone(&keys),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    /// What keys are looked after with.
    pub fn keeper(&self) -> Keeper<'_> {
        Keeper {
            seal: &self.seal,
            rules: &self.config.keys,
            now: self.clock.now(),
        }
    }

    /// What happens here that other nodes are to be told of. `None` for a database of one node, and after the first call.
    pub fn to_be_told(&self) -> Option<mpsc::Receiver<Change>> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Reads the keys again: time has passed, and a command or another server may have changed them.
    pub async fn reload_keys(&self) -> Result<(), Error> {
        let present = self.keys();
        let fresh = KeyRing::load(&self.store, self.keeper(), Some(&present)).await?;
        let Some(fresh) = fresh.map(Arc::new) else {
            return Ok(());
        };
        match self.keys.write() {
            Ok(mut keys) => *keys = fresh,
            Err(poisoned) => *poisoned.into_inner() = fresh,
        }
        Ok(())
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The rules that logins are measured against.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            policy: &self.config.access,
        }
    }

    /// A line of the audit record, to be committed with its cause.
    pub fn audit(&self, record: Record) -> Result<Write, Error> {
        let seq = crate::chance::row_id("aud", record.at.0)?;
        Ok(Write::Audit { seq, record })
    }
}
