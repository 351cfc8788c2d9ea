//! The token endpoint: what is asked. Who asks is in [`super::client_auth`].

use super::error::{TokenError, TokenErrorCode as Code};
use super::params::Params;
use super::pkce;
use super::scope::Scope;
use crate::client::{Client, GrantType};

/// What a client asks for. The debug form holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3.
    AuthorizationCode {
        /// The code.
        code: String,
        /// The redirect URI of the authorization request.
        redirect_uri: Option<String>,
        /// The PKCE verifier, of the right syntax.
        code_verifier: Option<String>,
    },
    /// RFC 6749 §6.
    RefreshToken {
        /// The token.
        refresh_token: String,
        /// A narrower scope.
        scope: Option<Scope>,
    },
    /// RFC 6749 §4.4.
    ClientCredentials {
        /// What the client asks for.
        scope: Option<Scope>,
    },
    /// RFC 8628 §3.4.
    DeviceCode {
        /// The code that the device polls with.
        device_code: String,
    },
}

impl TokenRequest {
    /// The `grant_type`.
    pub fn grant_type(&self) -> GrantType {
        match self {
            TokenRequest::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            TokenRequest::RefreshToken { .. } => GrantType::RefreshToken,
            TokenRequest::ClientCredentials { .. } => GrantType::ClientCredentials,
            TokenRequest::DeviceCode { .. } => GrantType::DeviceCode,
        }
    }
}

impl std::fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenRequest({})", self.grant_type().as_str())
    }
}

/// Reads what is asked for.
pub fn parse(params: &Params) -> Result<TokenRequest, TokenError> {
    let Some(name) = params.get("grant_type") else {
        return refuse(Code::InvalidRequest, "The parameter grant_type is missing.");
    };
    Ok(match GrantType::parse(name) {
        Some(GrantType::AuthorizationCode) => TokenRequest::AuthorizationCode {
            code: required(params, "code")?,
            redirect_uri: params.owned("redirect_uri"),
            code_verifier: verifier(params)?,
        },
        Some(GrantType::RefreshToken) => TokenRequest::RefreshToken {
            refresh_token: required(params, "refresh_token")?,
            scope: scope(params)?,
        },
        Some(GrantType::ClientCredentials) => TokenRequest::ClientCredentials {
            scope: scope(params)?,
        },
        Some(GrantType::DeviceCode) => TokenRequest::DeviceCode {
            device_code: required(params, "device_code")?,
        },
        None => {
            return refuse(
                Code::UnsupportedGrantType,
                "This grant_type is not supported.",
            );
        }
    })
}

/// RFC 6749 §5.2: a client uses only the grant types that it is registered for. With `device_grant` off nobody uses that
/// one, and the server does not have it.
pub fn permitted(asked: GrantType, client: &Client, device_grant: bool) -> Result<(), TokenError> {
    if asked == GrantType::DeviceCode && !device_grant {
        return refuse(
            Code::UnsupportedGrantType,
            "This grant_type is not switched on here.",
        );
    }
    if client.may(asked) {
        return Ok(());
    }
    let description = format!(
        "The client is not registered for the grant type {}.",
        asked.as_str()
    );
    refuse(Code::UnauthorizedClient, &description)
}

/// A parameter that must be there.
pub fn required(params: &Params, name: &str) -> Result<String, TokenError> {
    params.owned(name).ok_or_else(|| {
        let description = format!("The parameter {name} is missing.");
        TokenError::new(Code::InvalidRequest, &description)
    })
}

/// RFC 7636 §4.6: a verifier that cannot be one fits no challenge, which is `invalid_grant`.
fn verifier(params: &Params) -> Result<Option<String>, TokenError> {
    match params.get("code_verifier") {
        Some(text) if !pkce::is_verifier(text) => refuse(
            Code::InvalidGrant,
            "The code_verifier is not 43 to 128 unreserved characters.",
        ),
        verifier => Ok(verifier.map(str::to_owned)),
    }
}

/// RFC 6749 §3.3: the scope asked for; `None` when nothing is asked.
pub fn scope(params: &Params) -> Result<Option<Scope>, TokenError> {
    match params.get("scope").map(Scope::parse).transpose() {
        Ok(scope) => Ok(scope),
        Err(_) => refuse(
            Code::InvalidScope,
            "The scope has a character that is not permitted.",
        ),
    }
}

fn refuse<T>(code: Code, description: &str) -> Result<T, TokenError> {
    Err(TokenError::new(code, description))
}
