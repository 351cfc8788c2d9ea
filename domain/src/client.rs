//! Relying parties. Pages call them applications.

use crate::id::ClientId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a client proves who it is at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// `Authorization: Basic`, RFC 6749 §2.3.1.
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the form.
    ClientSecretPost,
    /// A public client: nothing but PKCE.
    None,
}

impl AuthMethod {
    /// The name in `token_endpoint_auth_method`.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
            AuthMethod::None => "none",
        }
    }
    /// The method by that name.
    pub fn parse(text: &str) -> Option<AuthMethod> {
        [
            AuthMethod::ClientSecretBasic,
            AuthMethod::ClientSecretPost,
            AuthMethod::None,
        ]
        .into_iter()
        .find(|m| m.as_str() == text)
    }
}

/// Algorithms this server signs with (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SigningAlg {
    /// ECDSA on P-256 with SHA-256; the default for clients of our own.
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256; what OpenID Connect demands of every provider.
    RS256,
}

impl SigningAlg {
    /// The value of `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            SigningAlg::ES256 => "ES256",
            SigningAlg::RS256 => "RS256",
        }
    }
    /// The algorithm by that name.
    pub fn parse(text: &str) -> Option<SigningAlg> {
        [SigningAlg::ES256, SigningAlg::RS256]
            .into_iter()
            .find(|a| a.as_str() == text)
    }
}

/// What log-out does when this client sends a person with a valid hint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutStyle {
    /// The page asks which account (the seed's way).
    #[default]
    Ask,
    /// A valid hint for the only account logs out at once.
    Direct,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// The name people see, at most 100 characters.
    pub name: String,
    /// Where answers may go; compared byte for byte (RFC 9700 §2.1), loopback ports excepted for native clients.
    pub redirect_uris: Vec<String>,
    /// Where a person may go after log-out (RP-Initiated Logout §3.1).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens go (Back-Channel Logout §2.2).
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// Lower-case hex SHA-256 of its secret; the secret has 256 random bits, so a fast hash is enough.
    #[serde(default)]
    pub secret_sha256: Option<String>,
    /// What its ID tokens are signed with.
    pub id_token_signed_response_alg: SigningAlg,
    /// Whether it may come without PKCE: only confidential clients of the plain OpenID Connect profile.
    #[serde(default)]
    pub pkce_optional: bool,
    /// Scopes it may ask for beyond `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Marked for automated tests; a policy may ask less of them.
    #[serde(default)]
    pub test: bool,
    /// Itself a sign-in server whose answers travel on to other applications.
    #[serde(default)]
    pub broker: bool,
    /// In development: error pages show what was sent beside what is registered.
    #[serde(default)]
    pub development: bool,
    /// What log-out does.
    #[serde(default)]
    pub logout: LogoutStyle,
    /// Where "Start again" leads (`initiate_login_uri`, Core §4).
    #[serde(default)]
    pub initiate_login_uri: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
}
