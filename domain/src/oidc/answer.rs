//! The answer of the authorization endpoint, and the way it travels back (RFC 6749 §4.1.2, RFC 9207, OAuth 2.0 Form Post
//! Response Mode).

use super::error::AuthorizationError;
use super::params::with_query;
use serde::{Deserialize, Serialize};

/// How an answer travels back (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In a form that the browser posts to the redirect URI (Form Post Response Mode §2).
    FormPost,
}

impl ResponseMode {
    /// All that are supported, for discovery.
    pub const SUPPORTED: &'static [&'static str] = &["query", "form_post"];

    /// The mode by the name in a request.
    pub fn parse(text: &str) -> Option<ResponseMode> {
        match text {
            "query" => Some(ResponseMode::Query),
            "form_post" => Some(ResponseMode::FormPost),
            _ => None,
        }
    }
}

/// An address that answers may go to. Made only by [`super::authorization::trust`], and again from a request that was
/// checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    redirect_uri: String,
    state: Option<String>,
    response_mode: ResponseMode,
}

impl Trusted {
    pub(super) fn new(redirect_uri: &str, state: Option<String>, mode: ResponseMode) -> Trusted {
        Trusted {
            redirect_uri: redirect_uri.to_owned(),
            state,
            response_mode: mode,
        }
    }
    /// Where answers go.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }
    /// What the client wants back, exactly.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
    /// How they travel.
    pub fn response_mode(&self) -> ResponseMode {
        self.response_mode
    }
}

/// A refusal that the client hears of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RedirectError {
    /// What it hears.
    pub error: AuthorizationError,
    /// Where.
    pub to: Trusted,
}

impl RedirectError {
    /// The answer; `iss` is this issuer.
    pub fn answer(&self, iss: &str) -> Answer {
        answer(&self.to, iss, Err(&self.error))
    }
}

/// An answer on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The `Location` of a redirect. Send it with status 303 (RFC 9700 §4.12).
    Redirect(String),
    /// A form that the browser posts.
    Form {
        /// The redirect URI.
        action: String,
        /// Its fields, in order.
        fields: Vec<(String, String)>,
    },
}

/// The code or the error (RFC 6749 §4.1.2), `state` exactly as it came, and the issuer against mix-up (RFC 9207 §2); in a
/// query behind whatever the redirect URI already has there. An error about a problem of the catalogue names its page as
/// `error_uri`.
pub fn answer(to: &Trusted, iss: &str, result: Result<&str, &AuthorizationError>) -> Answer {
    let problem = result.err().and_then(|error| error.problem);
    let page = problem.map(|problem| format!("{iss}/e/{}", problem.code()));
    let mut pairs = match result {
        Ok(code) => vec![("code", code)],
        Err(error) => vec![
            ("error", error.code.as_str()),
            ("error_description", error.description.as_str()),
        ],
    };
    pairs.extend(page.as_deref().map(|page| ("error_uri", page)));
    if let Some(state) = &to.state {
        pairs.push(("state", state));
    }
    pairs.push(("iss", iss));
    match to.response_mode {
        ResponseMode::Query => Answer::Redirect(with_query(&to.redirect_uri, &pairs)),
        ResponseMode::FormPost => Answer::Form {
            action: to.redirect_uri.clone(),
            fields: pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        },
    }
}
