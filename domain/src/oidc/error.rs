//! What a client is told when something is refused: the registered error codes, and descriptions that fit into them.

use crate::problem::Problem;
use serde::{Deserialize, Serialize};

/// Characters a description may have.
const DESCRIPTION_CHARS_MAX: usize = 400;

/// An `error_description`. Holds only characters that RFC 6749 §4.1.2.1 and §5.2 permit (%x20-21 / %x23-5B /
/// %x5D-7E), at most 400 of them. Never put a secret, a code or a token into one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Description(String);

impl Description {
    /// The text with every other character replaced: `"` by `'`, `\` by `/`, the rest by `?`.
    pub fn new(text: &str) -> Description {
        let permitted = |c: char| match c {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        };
        let text = text.chars().take(DESCRIPTION_CHARS_MAX).map(permitted);
        Description(text.collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Description::new(&text))
    }
}

impl std::fmt::Display for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The value of `error`.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }
        }
    };
}

codes! {
    /// What the authorization endpoint answers (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
    AuthorizationErrorCode {
        /// Something is missing, malformed or sent twice.
        InvalidRequest = "invalid_request",
        /// The client may not use this method.
        UnauthorizedClient = "unauthorized_client",
        /// The person or the server refused.
        AccessDenied = "access_denied",
        /// Another response type than `code`.
        UnsupportedResponseType = "unsupported_response_type",
        /// A scope is unknown, malformed or not for this client.
        InvalidScope = "invalid_scope",
        /// An unexpected condition here.
        ServerError = "server_error",
        /// Overload or maintenance.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// `prompt=none`, and a page would have to be shown.
        InteractionRequired = "interaction_required",
        /// `prompt=none`, and nobody suitable is signed in.
        LoginRequired = "login_required",
        /// `prompt=none`, and the person would have to choose.
        AccountSelectionRequired = "account_selection_required",
        /// `prompt=none`, and consent is missing.
        ConsentRequired = "consent_required",
        /// `request` is not supported.
        RequestNotSupported = "request_not_supported",
        /// `request_uri` is not supported.
        RequestUriNotSupported = "request_uri_not_supported",
        /// `request` is no request object, or not one of this client's (Core §3.1.2.6).
        InvalidRequestObject = "invalid_request_object",
        /// `request_uri` is not registered, or leads to nothing (Core §3.1.2.6).
        InvalidRequestUri = "invalid_request_uri",
        /// `registration` is not supported.
        RegistrationNotSupported = "registration_not_supported",
        /// The authentication class that is essential cannot be reached (OpenID Connect Core Unmet Authentication
        /// Requirements).
        UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    }
}

codes! {
    /// What the token endpoint answers (RFC 6749 §5.2, RFC 8628 §3.5).
    TokenErrorCode {
        /// Something is missing, malformed or sent twice, or two ways of authenticating are mixed.
        InvalidRequest = "invalid_request",
        /// Client authentication failed.
        InvalidClient = "invalid_client",
        /// The code or refresh token is wrong, expired, used, or another client's.
        InvalidGrant = "invalid_grant",
        /// The client may not use this grant type.
        UnauthorizedClient = "unauthorized_client",
        /// No such grant type here.
        UnsupportedGrantType = "unsupported_grant_type",
        /// More than was granted.
        InvalidScope = "invalid_scope",
        /// Nobody has answered the device's request yet (RFC 8628 §3.5).
        AuthorizationPending = "authorization_pending",
        /// The same, and the device asks too often (RFC 8628 §3.5).
        SlowDown = "slow_down",
        /// The person refused (RFC 8628 §3.5).
        AccessDenied = "access_denied",
        /// Nobody answered in time (RFC 8628 §3.5).
        ExpiredToken = "expired_token",
    }
}

codes! {
    /// What a protected resource answers (RFC 6750 §3.1).
    BearerErrorCode {
        /// Malformed, or the token is sent in two ways.
        InvalidRequest = "invalid_request",
        /// Expired, revoked, or not one of ours.
        InvalidToken = "invalid_token",
        /// The token does not reach this far.
        InsufficientScope = "insufficient_scope",
    }
}

codes! {
    /// What registration answers (Dynamic Client Registration §3.3, RFC 7591 §3.2.2).
    RegistrationErrorCode {
        /// A redirect URI is missing or not permitted.
        InvalidRedirectUri = "invalid_redirect_uri",
        /// Another member is malformed, not permitted, or does not fit the rest.
        InvalidClientMetadata = "invalid_client_metadata",
        /// The software statement is malformed.
        InvalidSoftwareStatement = "invalid_software_statement",
        /// Nobody here trusts who signed the software statement.
        UnapprovedSoftwareStatement = "unapproved_software_statement",
    }
}

impl TokenErrorCode {
    /// The HTTP status (RFC 6749 §5.2).
    pub fn status(self) -> u16 {
        match self {
            TokenErrorCode::InvalidClient => 401,
            _ => 400,
        }
    }
}

impl BearerErrorCode {
    /// The HTTP status (RFC 6750 §3.1).
    pub fn status(self) -> u16 {
        match self {
            BearerErrorCode::InvalidRequest => 400,
            BearerErrorCode::InvalidToken => 401,
            BearerErrorCode::InsufficientScope => 403,
        }
    }
}

/// An error of the authorization endpoint, not yet addressed to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct AuthorizationError {
    /// `error`.
    pub code: AuthorizationErrorCode,
    /// `error_description`.
    pub description: Description,
    /// What the person met, whose page is the `error_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl AuthorizationError {
    /// An error with its sentence for the client's developer.
    pub fn new(code: AuthorizationErrorCode, description: &str) -> AuthorizationError {
        AuthorizationError {
            code,
            description: Description::new(description),
            problem: None,
        }
    }

    /// The same with what the person met.
    #[must_use]
    pub fn about(self, problem: Option<Problem>) -> AuthorizationError {
        AuthorizationError { problem, ..self }
    }
}

/// An error of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct TokenError {
    /// `error`.
    pub code: TokenErrorCode,
    /// `error_description`.
    pub description: Description,
    /// Whether the client tried the `Authorization` header, and so must be shown a challenge.
    pub header_tried: bool,
}

impl TokenError {
    /// An error with its sentence for the client's developer.
    pub fn new(code: TokenErrorCode, description: &str) -> TokenError {
        TokenError {
            code,
            description: Description::new(description),
            header_tried: false,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The `WWW-Authenticate` header, where RFC 6749 §5.2 demands it. `realm` is the issuer.
    pub fn www_authenticate(&self, realm: &str) -> Option<String> {
        let due = self.header_tried && self.code == TokenErrorCode::InvalidClient;
        due.then(|| format!("Basic realm=\"{}\"", Description::new(realm)))
    }

    /// The JSON body.
    pub fn body(&self) -> serde_json::Value {
        serde_json::json!({"error": self.code.as_str(), "error_description": self.description})
    }
}

/// An error of registration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct RegistrationError {
    /// `error`.
    pub code: RegistrationErrorCode,
    /// `error_description`; begins with the member's name.
    pub description: Description,
}

impl RegistrationError {
    /// An error about a member, with what is wrong with it.
    pub fn new(code: RegistrationErrorCode, member: &str, why: &str) -> RegistrationError {
        RegistrationError {
            code,
            description: Description::new(&format!("{member} {why}")),
        }
    }

    /// The JSON body; the status is 400.
    pub fn body(&self) -> serde_json::Value {
        serde_json::json!({"error": self.code.as_str(), "error_description": self.description})
    }
}
