//! A provider on loopback, a browser with cookies, and a portal between them.

mod browser;
mod keys;
mod provider;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use docs_portal::{Config, router};

pub use browser::{Answer, Browser};
pub use keys::Key;
pub use provider::{CLIENT_ID, Provider, SECRET};

/// Where the portal lives.
pub const PORTAL: &str = "http://localhost:8080";

/// The moment at which every test begins, Unix seconds.
pub const START: i64 = 1_900_000_000;

/// A portal, its provider, and their clock.
pub struct World {
    pub provider: Provider,
    pub app: Router,
    clock: Arc<AtomicI64>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A world whose portal is configured otherwise.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let provider = Provider::start(Arc::clone(&clock)).await;
        let mut config = Config::new(
            PORTAL.parse().unwrap(),
            provider.issuer.parse().unwrap(),
            CLIENT_ID,
        );
        config.client_secret = Some(SECRET.to_owned().into());
        let now = Arc::clone(&clock);
        config.now = Arc::new(move || now.load(Ordering::SeqCst));
        change(&mut config);
        Self {
            provider,
            app: router(config).unwrap(),
            clock,
        }
    }

    /// A new browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(self.app.clone())
    }

    /// A browser in which Mei Tan has logged in, with this `sid`.
    pub async fn signed_in(&self, sid: &str) -> Browser {
        self.provider.change(|state| state.sid = sid.to_owned());
        let mut browser = self.browser();
        let answer = self.log_in(&mut browser, "/").await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser
    }

    /// Goes through a whole log-in and gives the answer of the callback.
    pub async fn log_in(&self, browser: &mut Browser, next: &str) -> Answer {
        let callback = self.callback(browser, next).await;
        browser.get(&callback).await
    }

    /// Begins a log-in and gives the callback's address that the provider leads to.
    pub async fn callback(&self, browser: &mut Browser, next: &str) -> String {
        let start = browser
            .get(&format!("/auth/start?next={}", encode(next)))
            .await;
        assert_eq!(start.status, 303, "{}", start.body);
        self.provider.authorize(&start.location())
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Encodes a value for a query.
pub fn encode(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
