//! Everything that knows HTTP, HTML, time and randomness.
//!
//! The URL space is in [`routes`]; a request goes from there to a handler that verifies what came and reports it to the
//! rules in `techpass_domain`, and the result is committed by `techpass_store`. "TechPass" and "WOG" are two
//! configurations of this one server.

pub mod admin;
pub mod app;
pub mod applications;
pub mod assets;
pub mod authenticator;
pub mod backup;
pub mod chance;
pub mod clients;
pub mod clock;
pub mod config;
pub mod devices;
pub mod drain;
pub mod epoch;
pub mod files;
pub mod home;
pub mod jobs;
pub mod jose;
pub mod keys;
pub mod login;
pub mod mail;
pub mod management;
pub mod metrics;
pub mod nodes;
pub mod oidc;
pub mod outbound;
pub mod outbox;
pub mod passwords;
pub mod remote;
pub mod routes;
pub mod seal;
pub mod serve;
pub mod session;
pub mod transfer;
pub mod upstream;
pub mod views;
pub mod wake;
pub mod web;

use std::sync::OnceLock;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

static COMMIT: OnceLock<&'static str> = OnceLock::new();

/// Says which commit the program was built from, once, at its start.
pub fn built_from(commit: &'static str) {
    // Whoever came first was the program's own start.
    let _ = COMMIT.set(commit);
}

/// The commit the program was built from, `unknown` when nobody has said.
pub fn commit() -> &'static str {
    COMMIT.get().copied().unwrap_or("unknown")
}
