//! The `prompt` parameter (OpenID Connect Core §3.1.2.1).

use super::error::{AuthorizationError, AuthorizationErrorCode};
use serde::{Deserialize, Serialize};

/// Values this server knows, for discovery.
pub const SUPPORTED: &[&str] = &["none", "login", "select_account", "consent"];

/// Which pages a request wants to see, or that it wants none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prompts {
    /// Never show a page. Alone when set.
    #[serde(default)]
    pub none: bool,
    /// Authenticate again.
    #[serde(default)]
    pub login: bool,
    /// Let the person choose the account.
    #[serde(default)]
    pub select_account: bool,
    /// Ask for consent again.
    #[serde(default)]
    pub consent: bool,
}

impl Prompts {
    /// Reads a space-separated list. `none` stands alone, and an unknown value is refused rather than ignored: a client
    /// that asks for a page must not be told it was shown (Initiating User Registration §4.1 has it so for `create`).
    pub fn parse(text: &str) -> Result<Prompts, AuthorizationError> {
        let mut prompts = Prompts::default();
        for value in text.split_ascii_whitespace() {
            match value {
                "none" => prompts.none = true,
                "login" => prompts.login = true,
                "select_account" => prompts.select_account = true,
                "consent" => prompts.consent = true,
                _ => {
                    return Err(invalid(
                        "The parameter prompt may hold login, consent and select_account, or none alone.",
                    ));
                }
            }
        }
        if prompts.none && (prompts.login || prompts.select_account || prompts.consent) {
            return Err(invalid(
                "The value none of the parameter prompt stands alone.",
            ));
        }
        Ok(prompts)
    }
}

fn invalid(description: &str) -> AuthorizationError {
    AuthorizationError::new(AuthorizationErrorCode::InvalidRequest, description)
}
