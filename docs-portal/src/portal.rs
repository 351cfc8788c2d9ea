//! The portal's only state.

use std::sync::Arc;

use http::HeaderMap;

use crate::attempts::Attempts;
use crate::config::{Config, ConfigError};
use crate::cookies::{self, Cookies};
use crate::guides::Guides;
use crate::logout_token::SeenTokens;
use crate::provider::Provider;
use crate::sessions::{Person, Sessions};

/// What every handler works with.
pub(crate) struct Portal {
    pub(crate) config: Config,
    /// The portal's origin without a trailing slash.
    pub(crate) origin: String,
    pub(crate) cookies: Cookies,
    pub(crate) provider: Provider,
    pub(crate) attempts: Attempts,
    pub(crate) sessions: Sessions,
    pub(crate) seen_tokens: SeenTokens,
    pub(crate) guides: Guides,
}

/// Who looks at a page.
pub(crate) enum Visitor {
    /// A signed-in person.
    SignedIn(Arc<Person>),
    /// A browser whose session has ended without its doing: it still showed the cookie.
    Ended,
    /// Anybody else.
    Anonymous,
}

impl Portal {
    /// Checks the configuration and reads the guides.
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let guides = Guides::load(&config)?;
        Ok(Self {
            origin: config.origin(),
            cookies: Cookies {
                https: config.is_https(),
            },
            provider: Provider::new(&config)?,
            attempts: Attempts::default(),
            sessions: Sessions::default(),
            seen_tokens: SeenTokens::default(),
            guides,
            config,
        })
    }

    /// The present moment, Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        (self.config.now)()
    }

    /// Who sent these headers.
    pub(crate) fn visitor(&self, headers: &HeaderMap) -> Visitor {
        match self.cookies.get(headers, cookies::SESSION) {
            None => Visitor::Anonymous,
            Some(cookie) => match self.sessions.find(&cookie, self.now()) {
                Some(person) => Visitor::SignedIn(person),
                None => Visitor::Ended,
            },
        }
    }
}
