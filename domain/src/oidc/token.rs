//! The token endpoint: what is asked, and who asks.

use super::error::{TokenError, TokenErrorCode as Code};
use super::params::{Params, decode};
use super::pkce;
use super::scope::Scope;
use crate::client::{AuthMethod, Client, GrantType};
use crate::id::ClientId;
use crate::time::Timestamp;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Characters of an `Authorization` header.
const HEADER_MAX: usize = 8 * 1024;
/// Base64 as HTTP Basic has it; some clients leave the padding out.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

/// What a client presents of itself; nothing is verified yet. The debug form holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// Who it says it is.
    pub client_id: ClientId,
    /// How it authenticates.
    pub method: AuthMethod,
    /// The secret, unless the method is `none`.
    pub secret: Option<String>,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({}, {})", self.client_id, self.method.as_str())
    }
}

/// Reads how a client authenticates (RFC 6749 §2.3): exactly one method.
pub fn client_authentication(
    authorization_header: Option<&str>,
    params: &Params,
) -> Result<Presented, TokenError> {
    if params.has("client_assertion") || params.has("client_assertion_type") {
        return refuse(Code::InvalidClient, "Client assertions are not supported.");
    }
    match authorization_header {
        Some(header) => in_header(header, params).map_err(|error| TokenError {
            header_tried: true,
            ..error
        }),
        None => in_body(params),
    }
}

/// RFC 6749 §2.3: with the header, the body holds no secret and names no other client.
fn in_header(header: &str, params: &Params) -> Result<Presented, TokenError> {
    if params.has("client_secret") {
        return refuse(
            Code::InvalidRequest,
            "The client authenticates in two ways at once.",
        );
    }
    let Some((id, secret)) = basic(header) else {
        return refuse(
            Code::InvalidClient,
            "The Authorization header is not a well-formed Basic one.",
        );
    };
    if params.get("client_id").is_some_and(|other| other != id) {
        return refuse(
            Code::InvalidRequest,
            "The client_id differs from the Authorization header's.",
        );
    }
    Ok(Presented {
        client_id: ClientId::new(id),
        method: AuthMethod::ClientSecretBasic,
        secret: Some(secret),
    })
}

/// RFC 6749 §2.3.1: id and secret are form-urlencoded, then joined by a colon, then base64.
fn basic(header: &str) -> Option<(String, String)> {
    if header.len() > HEADER_MAX {
        return None;
    }
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(BASIC.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let id = decode(id).ok().filter(|id| !id.is_empty())?;
    Some((id, decode(secret).ok()?))
}

fn in_body(params: &Params) -> Result<Presented, TokenError> {
    let Some(id) = params.get("client_id") else {
        return refuse(Code::InvalidClient, "The client does not authenticate.");
    };
    let secret = params.owned("client_secret");
    Ok(Presented {
        client_id: ClientId::new(id),
        method: match secret {
            Some(_) => AuthMethod::ClientSecretPost,
            None => AuthMethod::None,
        },
        secret,
    })
}

impl Presented {
    /// Whether this is the client: by the method it is registered with and no other (OpenID Connect Core §9), and with
    /// one of its secrets that live. `secret_sha256` is the lower-case hex SHA-256 of [`Presented::secret`], which the caller computed.
    pub fn verify(
        &self,
        client: &Client,
        secret_sha256: Option<&str>,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let secret = match (self.method, secret_sha256) {
            (AuthMethod::None, _) => self.secret.is_none(),
            (_, Some(sent)) => client
                .living_secrets(now)
                .any(|kept| pkce::same(kept.sha256.as_bytes(), sent.as_bytes())),
            _ => false,
        };
        if secret && self.client_id == client.id && self.method == client.auth_method {
            return Ok(());
        }
        Err(self.refused())
    }

    /// The refusal, the same for an unknown client, a wrong method and a wrong secret: `invalid_client`.
    pub fn refused(&self) -> TokenError {
        TokenError {
            header_tried: self.method == AuthMethod::ClientSecretBasic,
            ..TokenError::new(Code::InvalidClient, "Client authentication failed.")
        }
    }
}

fn refuse<T>(code: Code, description: &str) -> Result<T, TokenError> {
    Err(TokenError::new(code, description))
}
