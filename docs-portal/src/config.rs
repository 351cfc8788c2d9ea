//! What the operator says about the portal, and its check at start-up.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;
use url::{Host, Url};

use crate::guides::GuideError;

/// The clock: the present moment in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A secret that cannot be printed: it has neither `Debug` nor `Display`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

/// Everything the portal is told. [`Config::new`] fills in the defaults.
#[derive(Clone)]
pub struct Config {
    /// The portal's own origin as browsers see it, such as `https://docs.example`. No path, query
    /// or fragment. Requests for any other host are refused.
    pub public_url: Url,
    /// The provider's issuer (Discovery 1.0 §3). A trailing slash after the bare host does not
    /// matter; whichever form the provider publishes is the one that tokens must carry.
    pub issuer: Url,
    /// The client identifier the provider gave to this portal.
    pub client_id: String,
    /// The client secret, sent by `client_secret_basic`. `None` for a public client.
    pub client_secret: Option<Secret>,
    /// The folder of Markdown guides (`*.md`, not its subfolders). `None` serves the guides that
    /// are built into the program. Guides are read once, at start-up.
    pub guides_dir: Option<PathBuf>,
    /// The operator's name for the provider; the button says "Log in with {brand}".
    pub brand: String,
    /// The portal's own name.
    pub portal_name: String,
    /// Shows the ribbon of a demonstration service on every page and permits plain `http` for
    /// hosts other than this computer.
    pub demo: bool,
    /// Extra certificate authorities for calls to the provider, PEM, one or more.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The clock. The computer's clock by default; tests move their own.
    pub now: Clock,
    /// How long a person stays logged in, in seconds.
    pub signed_in_for_s: i64,
}

impl Config {
    /// A configuration with the defaults: brand "TechPass", name "Docs portal", the built-in
    /// guides, the computer's clock, eight hours of log-in, no demonstration ribbon.
    pub fn new(public_url: Url, issuer: Url, client_id: impl Into<String>) -> Self {
        Self {
            public_url,
            issuer,
            client_id: client_id.into(),
            client_secret: None,
            guides_dir: None,
            brand: "TechPass".to_owned(),
            portal_name: "Docs portal".to_owned(),
            demo: false,
            extra_ca_pem: None,
            now: Arc::new(system_now),
            signed_in_for_s: 8 * 60 * 60,
        }
    }

    /// Checks what can be checked without the network.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        check_address("public_url", &self.public_url, self.demo)?;
        check_address("issuer", &self.issuer, self.demo)?;
        if self.public_url.path() != "/" {
            return Err(ConfigError::Address {
                setting: "public_url",
                reason: "it has a path; the portal serves a whole origin",
            });
        }
        if self.client_id.is_empty() {
            return Err(ConfigError::ClientId);
        }
        if self.signed_in_for_s < 60 {
            return Err(ConfigError::SignedInFor(self.signed_in_for_s));
        }
        Ok(())
    }

    /// The portal's origin without a trailing slash.
    pub(crate) fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// True when browsers reach the portal over HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// Why the portal cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An address cannot be used.
    #[error("`{setting}` cannot be used: {reason}")]
    Address {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client identifier is empty.
    #[error("`client_id` is empty: give the identifier the provider registered for this portal")]
    ClientId,
    /// The log-in would end before it is of use.
    #[error("`signed_in_for_s` is {0}: give at least 60 seconds")]
    SignedInFor(i64),
    /// The extra certificate authorities cannot be read.
    #[error("`extra_ca_pem` holds no usable PEM certificate")]
    ExtraCa,
    /// The client for calls to the provider cannot be made, for example because the computer has
    /// no certificate authorities installed.
    #[error("cannot prepare HTTPS calls to the provider")]
    HttpClient(#[source] reqwest::Error),
    /// A guide cannot be read.
    #[error(transparent)]
    Guide(#[from] GuideError),
}

#[allow(clippy::disallowed_methods)] // Here it is handed out.
fn system_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_secs()).ok())
        .unwrap_or(0)
}

fn check_address(setting: &'static str, url: &Url, demo: bool) -> Result<(), ConfigError> {
    let refuse = |reason| Err(ConfigError::Address { setting, reason });
    if url.host().is_none() {
        return refuse("it has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it holds a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("it has a query or fragment");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if demo || is_this_computer(url) => Ok(()),
        "http" => refuse("it must be https; plain http is for this computer only"),
        _ => refuse("it is neither https nor http"),
    }
}

/// True for a host that only ever means this computer.
pub(crate) fn is_this_computer(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}
