//! A documentation portal that signs people in with any OpenID Provider.
//!
//! The portal shows Markdown guides. Some are public, some need a log-in. It is an ordinary
//! OpenID Connect relying party: it knows nothing of a provider but its issuer, and reads the rest
//! from discovery. It doubles as the example of how an application is integrated:
//!
//! | where | what |
//! |---|---|
//! | `login` | the log-in chooser, the authorization request, the callback (Core §3.1.2, RFC 7636, RFC 9207) |
//! | `sign_in` | code redemption, ID token and UserInfo checks (Core §3.1.3, §5.3) |
//! | `logout` | log-out started here (RP-Initiated Logout 1.0) |
//! | `backchannel`, `logout_token` | log-out started elsewhere (Back-Channel Logout 1.0) |
//! | `provider` | discovery and keys, fetched when first needed |
//! | `attempts`, `sessions` | what the portal remembers, in memory and bounded |
//! | `guides`, `markdown` | the guides and how they become pages |
//! | `guard` | checks and headers that hold for every request |
//!
//! ```no_run
//! use docs_portal::{Config, router};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::new(
//!     "https://docs.example".parse()?,
//!     "https://techpass.example".parse()?,
//!     "docs-portal",
//! );
//! config.client_secret = Some("from your secret store".to_owned().into());
//! let app: axum::Router = router(config)?;
//! # let _ = app; Ok(()) }
//! ```

mod assets;
mod attempts;
mod backchannel;
mod config;
mod cookies;
mod crypto;
mod guard;
mod guides;
mod login;
mod logout;
mod logout_token;
mod markdown;
mod pages;
mod params;
mod portal;
mod provider;
mod provider_http;
mod sessions;
mod sign_in;
mod views;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub use config::{Clock, Config, ConfigError, Secret};
pub use guides::GuideError;

use portal::Portal;

/// The largest request body the portal reads, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Builds the portal.
///
/// The provider is not contacted here: discovery happens at the first log-in and is tried again
/// when it fails, so the portal starts while the provider is down.
///
/// # Errors
///
/// [`ConfigError`] when an address is unusable, a guide cannot be read, or the extra certificate
/// authorities are not PEM certificates.
pub fn router(config: Config) -> Result<Router, ConfigError> {
    let portal = Arc::new(Portal::new(config)?);
    Ok(Router::new()
        .route("/", get(pages::home))
        .route("/about", get(pages::about))
        .route("/guides", get(pages::guides))
        .route("/guides/{slug}", get(pages::guide))
        .route("/search", get(pages::search))
        .route("/login", get(login::choose))
        .route("/auth/start", get(login::start))
        .route("/auth/callback", get(login::callback))
        .route(
            "/auth/initiate",
            get(login::initiate).post(login::initiate_post),
        )
        .route("/logout", post(logout::end))
        .route("/logged-out", get(logout::ended))
        .route(backchannel::PATH, post(backchannel::receive))
        .route("/assets/portal.css", get(assets::stylesheet))
        .route("/assets/mark.svg", get(assets::mark))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&portal), guard::guard))
        .with_state(portal))
}
