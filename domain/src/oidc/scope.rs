//! Scopes (RFC 6749 §3.3, OpenID Connect Core §5.4 and §11).

use super::error::{TokenError, TokenErrorCode};
use crate::client::{Client, GrantType};
use serde::{Deserialize, Serialize};

/// Makes a request one of OpenID Connect.
pub const OPENID: &str = "openid";
/// Name and the other claims about the person.
pub const PROFILE: &str = "profile";
/// E-mail address.
pub const EMAIL: &str = "email";
/// Postal address.
pub const ADDRESS: &str = "address";
/// Telephone number.
pub const PHONE: &str = "phone";
/// A refresh token that outlives the session (Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Scopes this server knows. Others are ignored (Core §3.1.2.1).
pub const SUPPORTED: &[&str] = &[OPENID, PROFILE, EMAIL, ADDRESS, PHONE, OFFLINE_ACCESS];

/// A set of scopes in the order in which they were asked for. Written as one text, separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scope(Vec<String>);

/// A character that no scope may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scope has a character that is not permitted")]
pub struct ScopeSyntax;

impl Scope {
    /// Reads a space-separated list; RFC 6749 §3.3 permits %x21 / %x23-5B / %x5D-7E. The empty text is the empty set.
    pub fn parse(text: &str) -> Result<Scope, ScopeSyntax> {
        let mut values: Vec<String> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !token.bytes().all(permitted) {
                return Err(ScopeSyntax);
            }
            if !values.iter().any(|value| value == token) {
                values.push(token.to_owned());
            }
        }
        Ok(Scope(values))
    }

    /// Whether the value is among them.
    pub fn contains(&self, value: &str) -> bool {
        self.0.iter().any(|one| one == value)
    }

    /// The values.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Core §3.1.2.1: values that the server does not understand are ignored.
    #[must_use]
    pub fn supported(&self) -> Scope {
        let known = self.iter().filter(|value| SUPPORTED.contains(value));
        Scope(known.map(str::to_owned).collect())
    }

    /// These and those, each once.
    #[must_use]
    pub fn and(mut self, more: &Scope) -> Scope {
        for value in more.iter() {
            if !self.contains(value) {
                self.0.push(value.to_owned());
            }
        }
        self
    }

    /// The first value that a client registered for `permitted` may not ask for; `openid` is always permitted.
    pub fn beyond(&self, permitted: &[String]) -> Option<&str> {
        let mut values = self.iter();
        values.find(|value| *value != OPENID && !permitted.iter().any(|p| p == value))
    }

    /// Without `offline_access` where the client is not registered for refresh tokens: it gets none, so it has no access
    /// that outlives the session (Core §11), and is not told that it has (RFC 6749 §5.1).
    #[must_use]
    pub fn given_to(mut self, client: &Client) -> Scope {
        if !client.may(GrantType::RefreshToken) {
            self.0.retain(|value| value != OFFLINE_ACCESS);
        }
        self
    }

    /// RFC 6749 §6: a refresh asks for no scope that was not granted; asking for none means all.
    pub fn narrowed(&self, asked: Option<&Scope>) -> Result<Scope, TokenError> {
        let Some(asked) = asked.filter(|scope| !scope.is_empty()) else {
            return Ok(self.clone());
        };
        if asked.iter().all(|value| self.contains(value)) {
            return Ok(asked.clone());
        }
        Err(TokenError::new(
            TokenErrorCode::InvalidScope,
            "The scope asks for more than was granted.",
        ))
    }
}

fn permitted(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.0.join(" ")
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeSyntax;
    fn try_from(text: String) -> Result<Scope, ScopeSyntax> {
        Scope::parse(&text)
    }
}
