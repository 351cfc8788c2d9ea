//! Everything that knows HTTP, HTML, time and randomness.
//!
//! The URL space is in [`routes`]; a request goes from there to a handler that verifies what came and reports it to the
//! rules in `techpass_domain`, and the result is committed by `techpass_store`. "TechPass" and "WOG" are two
//! configurations of this one server.

pub mod admin;
pub mod app;
pub mod assets;
pub mod authenticator;
pub mod chance;
pub mod clock;
pub mod config;
pub mod devices;
pub mod home;
pub mod jobs;
pub mod jose;
pub mod keys;
pub mod login;
pub mod mail;
pub mod oidc;
pub mod outbound;
pub mod passwords;
pub mod routes;
pub mod seal;
pub mod serve;
pub mod session;
pub mod upstream;
pub mod views;
pub mod wake;
pub mod web;
