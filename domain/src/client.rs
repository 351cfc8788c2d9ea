//! Relying parties. Pages call them applications.

use crate::id::ClientId;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Secrets that may be valid side by side while an application changes over.
pub const SECRETS_MAX: usize = 2;

/// How a client proves who it is at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// `Authorization: Basic`, RFC 6749 §2.3.1.
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the form.
    ClientSecretPost,
    /// A JWT with an HMAC under the secret (RFC 7523 §2.2).
    ClientSecretJwt,
    /// A JWT signed with a key of the client's (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A public client: nothing but PKCE.
    None,
}

impl AuthMethod {
    /// The name in `token_endpoint_auth_method`.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
            AuthMethod::ClientSecretJwt => "client_secret_jwt",
            AuthMethod::PrivateKeyJwt => "private_key_jwt",
            AuthMethod::None => "none",
        }
    }
    /// All of them.
    pub const ALL: [AuthMethod; 5] = [
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
        AuthMethod::ClientSecretJwt,
        AuthMethod::PrivateKeyJwt,
        AuthMethod::None,
    ];
    /// The method by that name.
    pub fn parse(text: &str) -> Option<AuthMethod> {
        AuthMethod::ALL.into_iter().find(|m| m.as_str() == text)
    }
    /// Whether the client has a secret.
    pub fn has_secret(self) -> bool {
        !matches!(self, AuthMethod::PrivateKeyJwt | AuthMethod::None)
    }
}

/// A grant type that a client may use (Dynamic Client Registration §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// RFC 6749 §6.
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// RFC 6749 §4.4: for machines.
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// RFC 8628 §3.4: for devices without a browser; off until switched on for a client.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl GrantType {
    /// All of them.
    pub const ALL: [GrantType; 4] = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
        GrantType::DeviceCode,
    ];
    /// The value of `grant_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::ClientCredentials => "client_credentials",
            GrantType::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }
    /// The grant type by that name.
    pub fn parse(text: &str) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|g| g.as_str() == text)
    }
}

/// What `sub` a client sees (OpenID Connect Core §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same for every client.
    #[default]
    Public,
    /// One for each sector (§8.1).
    Pairwise,
}

/// Where a client runs (Dynamic Client Registration §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// On a server or in a browser.
    #[default]
    Web,
    /// On a person's machine.
    Native,
}

/// Which set of rules a client is held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Plain OpenID Connect.
    #[default]
    Oidc,
}

/// A client's secret, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Lower-case hex SHA-256; the secret has 256 random bits, so a fast hash is enough.
    pub sha256: String,
    /// The secret sealed under the master key, base64url; only for `client_secret_jwt`, whose HMAC needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its end; none when it is good until it is rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Secret {
    /// Whether it may be used now.
    pub fn alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What a client that registered itself may do to its registration (RFC 7592).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Lower-case hex SHA-256 of its `registration_access_token`.
    pub access_token_sha256: String,
}

/// Algorithms this server signs with (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SigningAlg {
    /// ECDSA on P-256 with SHA-256; the default for clients of our own.
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256; what OpenID Connect demands of every provider.
    RS256,
    /// RSASSA-PSS with SHA-256; for clients that ask for it.
    PS256,
    /// Ed25519; for clients that ask for it.
    EdDSA,
}

impl SigningAlg {
    /// All of them.
    pub const ALL: [SigningAlg; 4] = [
        SigningAlg::ES256,
        SigningAlg::RS256,
        SigningAlg::PS256,
        SigningAlg::EdDSA,
    ];
    /// The value of `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            SigningAlg::ES256 => "ES256",
            SigningAlg::RS256 => "RS256",
            SigningAlg::PS256 => "PS256",
            SigningAlg::EdDSA => "EdDSA",
        }
    }
    /// The algorithm by that name.
    pub fn parse(text: &str) -> Option<SigningAlg> {
        SigningAlg::ALL.into_iter().find(|a| a.as_str() == text)
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

/// A registered client. Members that Dynamic Client Registration §2 names have its names and meaning.
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
    /// Whether logout tokens must name the session (Back-Channel Logout §2.2); ours always do.
    #[serde(default)]
    pub backchannel_logout_session_required: bool,
    /// A page of the client's that ends its session when a browser loads it (Front-Channel Logout §2).
    #[serde(default)]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether that page must be told `iss` and `sid` (Front-Channel Logout §2).
    #[serde(default)]
    pub frontchannel_logout_session_required: bool,
    /// How it authenticates: `token_endpoint_auth_method`.
    pub auth_method: AuthMethod,
    /// The only algorithm its assertions may be signed with: `token_endpoint_auth_signing_alg`.
    #[serde(default)]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Its secrets, at most [`SECRETS_MAX`]; the newest last.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// Its public keys by value (a JWK set, RFC 7517 §5).
    #[serde(default)]
    pub jwks: Option<Value>,
    /// Its public keys by reference.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// How it may get tokens.
    #[serde(default = "code_and_refresh")]
    pub grant_types: Vec<GrantType>,
    /// What its ID tokens are signed with.
    pub id_token_signed_response_alg: SigningAlg,
    /// What its UserInfo answers are signed with; plain JSON when none.
    #[serde(default)]
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    /// The only algorithm its request objects may be signed with; any supported one when none.
    #[serde(default)]
    pub request_object_signing_alg: Option<String>,
    /// Where it keeps request objects (Core §6.2); compared without the fragment.
    #[serde(default)]
    pub request_uris: Vec<String>,
    /// Which `sub` it sees.
    #[serde(default)]
    pub subject_type: SubjectType,
    /// The document whose host is the sector of its pairwise subjects (Core §8.1).
    #[serde(default)]
    pub sector_identifier_uri: Option<String>,
    /// `max_age` for requests without one, in seconds.
    #[serde(default)]
    pub default_max_age: Option<Seconds>,
    /// Whether its ID tokens must hold `auth_time`; ours always do.
    #[serde(default)]
    pub require_auth_time: bool,
    /// `acr_values` for requests without them.
    #[serde(default)]
    pub default_acr_values: Vec<String>,
    /// Where it runs.
    #[serde(default)]
    pub application_type: ApplicationType,
    /// Addresses of the people responsible for it.
    #[serde(default)]
    pub contacts: Vec<String>,
    /// Its home page.
    #[serde(default)]
    pub client_uri: Option<String>,
    /// Its picture; never fetched by this server.
    #[serde(default)]
    pub logo_uri: Option<String>,
    /// How it uses what it learns.
    #[serde(default)]
    pub policy_uri: Option<String>,
    /// Its terms.
    #[serde(default)]
    pub tos_uri: Option<String>,
    /// Whether it may come without PKCE: only confidential clients of the plain OpenID Connect profile.
    #[serde(default)]
    pub pkce_optional: bool,
    /// Scopes it may ask for beyond `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether people are asked before it learns anything; otherwise an administrator approved it.
    #[serde(default)]
    pub consent: bool,
    /// Which rules it is held to.
    #[serde(default)]
    pub profile: Profile,
    /// Marked for automated tests; a policy may ask less of them.
    #[serde(default)]
    pub test: bool,
    /// Itself a sign-in server whose answers travel on to other applications.
    #[serde(default)]
    pub broker: bool,
    /// In development: error pages show what was sent beside what is registered.
    #[serde(default)]
    pub development: bool,
    /// A resource server: it may ask about every token (RFC 7662 §4). Others learn only of their own.
    #[serde(default)]
    pub introspects_all: bool,
    /// What log-out does.
    #[serde(default)]
    pub logout: LogoutStyle,
    /// Where "Start again" leads, and where another site may send people to sign in (`initiate_login_uri`, Core §4).
    #[serde(default)]
    pub initiate_login_uri: Option<String>,
    /// Set when it registered itself.
    #[serde(default)]
    pub registration: Option<Registration>,
    /// When it was registered.
    pub created_at: Timestamp,
}

fn code_and_refresh() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
}

impl Client {
    /// A confidential client of our own kind with nothing but what every client has.
    pub fn new(id: ClientId, name: String, created_at: Timestamp) -> Client {
        Client {
            id,
            name,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
            auth_method: AuthMethod::ClientSecretBasic,
            token_endpoint_auth_signing_alg: None,
            secrets: Vec::new(),
            jwks: None,
            jwks_uri: None,
            grant_types: code_and_refresh(),
            id_token_signed_response_alg: SigningAlg::ES256,
            userinfo_signed_response_alg: None,
            request_object_signing_alg: None,
            request_uris: Vec::new(),
            subject_type: SubjectType::default(),
            sector_identifier_uri: None,
            default_max_age: None,
            require_auth_time: false,
            default_acr_values: Vec::new(),
            application_type: ApplicationType::default(),
            contacts: Vec::new(),
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            pkce_optional: false,
            scopes: Vec::new(),
            consent: false,
            profile: Profile::default(),
            test: false,
            broker: false,
            development: false,
            introspects_all: false,
            logout: LogoutStyle::default(),
            initiate_login_uri: None,
            registration: None,
            created_at,
        }
    }

    /// Whether it may use a grant type.
    pub fn may(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// The secrets that may be used now.
    pub fn living_secrets(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().filter(move |secret| secret.alive(now))
    }
}
