//! What an operator sets: one TOML file, overridable by environment variables.
//!
//! `TECHPASS__SECTION__KEY` replaces a value of the file, `TECHPASS__SECTION__KEY_FILE` reads it from a file. Unknown
//! keys are errors that name the closest known one. Values are checked once, here.

mod checks;
mod database;
mod environment;
mod mail;
mod operation;
mod registration;

pub use database::{Database, Notify};
pub use mail::MailConfig;
pub use operation::{
    Addresses, Circles, DeviceGrant, Drain, Load, Log, LogFormat, Management, Tokens, Traces,
};
pub use registration::Registration;

use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use techpass_domain::access::Policy;
use techpass_domain::account::Kind;
use techpass_domain::keys::KeyRules;
use techpass_domain::login::lockout::Lockout;
use techpass_domain::login::number_match::AskLimits;
use techpass_domain::session::Lifetimes;
use techpass_domain::time::Seconds;
use url::Url;

/// A configuration that was read and checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The one address that people and applications see; the issuer. Never guessed from headers.
    pub public_url: Url,
    /// Where to listen, `ADDRESS:PORT`.
    pub listen: String,
    /// What this server is called in cookie names: `techpass`, `wog`. Lower-case letters.
    #[serde(default = "default_role")]
    pub role: String,
    /// The database.
    pub database: Database,
    /// Keys outside the database.
    pub secrets: Secrets,
    /// How it presents itself.
    pub brand: Brand,
    /// Accounts of this server.
    #[serde(default)]
    pub accounts: Accounts,
    /// The phone application.
    #[serde(default)]
    pub authenticator: AuthenticatorConfig,
    /// Home organisations that are asked for their people.
    #[serde(default)]
    pub upstream: Vec<UpstreamConfig>,
    /// Conditional access; [`Policy::standard`] when left out.
    #[serde(default = "Policy::standard")]
    pub access: Policy,
    /// Lifetimes of sessions.
    #[serde(default)]
    pub session: Lifetimes,
    /// Limits of factors.
    #[serde(default)]
    pub limits: Limits,
    /// Proxies in front.
    #[serde(default)]
    pub proxy: Proxy,
    /// Signing keys.
    #[serde(default)]
    pub keys: KeyRules,
    /// How long tokens are good.
    #[serde(default)]
    pub tokens: Tokens,
    /// Devices without a browser.
    #[serde(default)]
    pub device_grant: DeviceGrant,
    /// Calls to others.
    #[serde(default)]
    pub outbound: Outbound,
    /// Clients that register themselves.
    #[serde(default)]
    pub registration: Registration,
    /// Where mails go; without it they wait in the outbox.
    pub mail: Option<MailConfig>,
    /// Health and metrics.
    #[serde(default)]
    pub management: Management,
    /// Stopping.
    #[serde(default)]
    pub drain: Drain,
    /// Logs.
    #[serde(default)]
    pub log: Log,
    /// Traces.
    #[serde(default)]
    pub traces: Traces,
    /// TLS of the listener; without it plain HTTP is served (behind a proxy, or on loopback).
    pub tls: Option<Tls>,
}

/// Keys outside the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// A file of 64 hexadecimal digits; `techpass init` makes one.
    pub master_key_file: PathBuf,
    /// Where the epoch is kept; beside the master key, with `.epoch` behind its name, when left out.
    pub epoch_file: Option<PathBuf>,
}

/// How the server presents itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The operator's name for the service.
    pub name: String,
    /// Whether every page says that this is a demonstration.
    #[serde(default)]
    pub demonstration: bool,
    /// Whom people call or write to, in words.
    #[serde(default = "default_help")]
    pub help: String,
}

/// Accounts of this server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// The kind that an unknown login ID is treated as.
    pub usual_kind: Kind,
    /// Whom reports are mailed to, beside the account's owner.
    pub security_mail: Option<String>,
}

/// The phone application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthenticatorConfig {
    /// The origin of the Authenticator web app; enrolment links lead there.
    pub public_url: Option<Url>,
    /// Where this server serves the Authenticator web app, `ADDRESS:PORT`; nowhere when left out.
    pub listen: Option<String>,
    /// Issuers that the served app may talk to; this server is always among them.
    pub issuers: Vec<Url>,
    /// What a profile of this server is called on the phone.
    pub label: String,
    /// The organisation shown on the phone.
    pub organisation: String,
}

/// A home organisation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// Its name here: letters, digits, hyphens. It stands in the redirect URI `PUBLIC_URL/upstream/ID/callback`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its issuer.
    pub issuer: Url,
    /// Our client there.
    pub client_id: String,
    /// A file with our secret there.
    pub client_secret_file: PathBuf,
    /// Domains of login IDs that are at home there.
    pub domains: Vec<String>,
    /// Whether a person who signs in for the first time gets an account here.
    #[serde(default)]
    pub create_accounts: bool,
    /// Algorithms its ID tokens may be signed with.
    #[serde(default = "default_algs")]
    pub algorithms: Vec<String>,
    /// Whether to ask it for a fresh sign-in each time one is needed here.
    #[serde(default = "yes")]
    pub fresh: bool,
}

/// Limits of factors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Wrong passwords.
    pub password: Lockout,
    /// Wrong verification codes.
    pub code: Lockout,
    /// Requests to phones.
    pub number: AskLimits,
    /// What may be under way at once.
    pub load: Load,
    /// What one address may ask for.
    pub address: Addresses,
    /// When an application that keeps asking is stopped.
    pub circles: Circles,
    /// How far in the future the `exp` of a client's assertion may lie, in seconds; widespread libraries write an hour.
    /// Its `jti` is remembered as long.
    pub assertion_lifetime_s: Seconds,
    /// How far the clocks of clients and upstreams may be off, in seconds.
    pub clock_skew_s: Seconds,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            password: Lockout::default(),
            code: Lockout::default(),
            number: AskLimits::default(),
            load: Load::default(),
            address: Addresses::default(),
            circles: Circles::default(),
            assertion_lifetime_s: 60 * 60,
            clock_skew_s: 60,
        }
    }
}

/// Proxies in front.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// Networks whose `X-Forwarded-For` is believed; nobody's by default.
    pub trusted: Vec<ipnet::IpNet>,
}

/// Calls to others.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// Further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether calls may go to private and loopback addresses.
    pub allow_private: bool,
}

/// TLS of the listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate_file: PathBuf,
    /// Private key, PEM.
    pub key_file: PathBuf,
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts {
            usual_kind: Kind::Vendor,
            security_mail: None,
        }
    }
}

impl Default for AuthenticatorConfig {
    fn default() -> Self {
        AuthenticatorConfig {
            public_url: None,
            listen: None,
            issuers: Vec::new(),
            label: "TechPass".to_owned(),
            organisation: "TechPass".to_owned(),
        }
    }
}

fn default_role() -> String {
    "techpass".to_owned()
}
fn default_help() -> String {
    "your help desk".to_owned()
}
fn default_algs() -> Vec<String> {
    vec!["ES256".to_owned(), "RS256".to_owned()]
}
fn yes() -> bool {
    true
}

/// Why a configuration cannot be used. The text says what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file or a variable does not parse, or a key is unknown.
    #[error("{0}")]
    Malformed(String),
    /// A value does not make sense.
    #[error("{key}: {reason}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is wrong, and what to write instead.
        reason: String,
    },
}

/// A secret's file, without the end of its line.
///
/// # Errors
/// [`ConfigError::Value`] with the key that names the file, when it cannot be read.
pub fn secret_file(key: &'static str, path: &Path) -> Result<String, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(ConfigError::Value {
            key,
            reason: format!("cannot read {}: {error}", path.display()),
        }),
    }
}

impl Config {
    /// Reads a file, lays the environment's values over it, and checks the result.
    ///
    /// # Errors
    /// As for [`Config::parse`]; also when the file cannot be read, or a variable of ours is no text.
    pub fn read(
        path: &Path,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Config, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: shown.clone(),
            reason: error.to_string(),
        })?;
        let environment = environment::ours(environment)?;
        Config::parse(&text, &shown, environment.into_iter())
    }

    /// The same from text; `shown` names it in errors.
    ///
    /// # Errors
    /// What the text or a variable has wrong, and where.
    pub fn parse(
        text: &str,
        shown: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        environment::laid_over(text, shown, environment)
    }

    /// The issuer: the public address without a trailing slash.
    pub fn issuer(&self) -> String {
        origin(&self.public_url)
    }

    /// Whether cookies carry `Secure` and the `__Host-` prefix.
    pub fn secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// The upstream whose people have login IDs of this domain.
    pub fn home_of(&self, domain: &str) -> Option<&UpstreamConfig> {
        self.upstream
            .iter()
            .find(|upstream| upstream.domains.iter().any(|d| d == domain))
    }
}

/// A URL's origin as text.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests;
