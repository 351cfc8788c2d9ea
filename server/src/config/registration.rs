//! Clients that register themselves.

use serde::Deserialize;
use std::path::PathBuf;

/// Who may register, and what comes of it. Switched off unless `open` or `initial_access_token_file` is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// Whether anybody may.
    pub open: bool,
    /// A file with a token of at least 32 characters; whoever has it may.
    pub initial_access_token_file: Option<PathBuf>,
    /// Whether plain http addresses are taken that are not on loopback.
    pub allow_http: bool,
    /// Whether clients that register themselves are marked for automated tests.
    pub test: bool,
    /// Whether they are in development: error pages show what was sent beside what is registered.
    pub development: bool,
    /// Clients there may be in all; nobody registers beyond that.
    pub clients_max: i64,
}

impl Default for Registration {
    fn default() -> Self {
        Registration {
            open: false,
            initial_access_token_file: None,
            allow_http: false,
            test: false,
            development: false,
            clients_max: 10_000,
        }
    }
}

impl Registration {
    /// Whether clients can register themselves at all.
    pub fn exists(&self) -> bool {
        self.open || self.initial_access_token_file.is_some()
    }
}
