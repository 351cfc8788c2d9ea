//! Every rule of TechPass, without I/O: no clock, no randomness, no database, no network.
//!
//! Read [`login`] first: a login is what was asked plus what has been proven, and the page shown is the first
//! requirement not yet met. [`oidc`] holds the provider's rules by specification section, [`access`] decides which
//! factors a sign-in needs, [`logout`] what ends and who must be told.

pub mod access;
pub mod account;
pub mod audit;
pub mod authenticator;
pub mod client;
pub mod consent;
pub mod device;
pub mod epoch;
pub mod id;
pub mod keys;
pub mod login;
pub mod logout;
pub mod oidc;
pub mod problem;
pub mod rate;
pub mod session;
pub mod text;
pub mod time;
