//! How a client proves who it is (RFC 6749 §2.3, OpenID Connect Core §9, RFC 7523 §3).

use super::error::{TokenError, TokenErrorCode as Code};
use super::jwt::Unverified;
use super::params::{Params, decode};
use super::pkce;
use crate::client::{AuthMethod, Client};
use crate::id::ClientId;
use crate::time::{Seconds, Timestamp};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Characters of an `Authorization` header.
const HEADER_MAX: usize = 8 * 1024;
/// Characters of a `jti`.
const JTI_MAX: usize = 512;
/// The only `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The `typ` that an assertion may name; it may also name none.
pub const ASSERTION_TYP: &str = "client-authentication+jwt";
/// Base64 as HTTP Basic has it; some clients leave the padding out.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a client shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// A secret in the header.
    Basic(String),
    /// A secret in the body.
    Post(String),
    /// A signed JWT.
    Assertion(String),
    /// Nothing.
    None,
}

/// What a client presents of itself; nothing is verified yet. The debug form holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// Who it says it is.
    pub client_id: ClientId,
    /// What it shows for it.
    pub proof: Proof,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let proof = match self.proof {
            Proof::Basic(_) => "basic",
            Proof::Post(_) => "post",
            Proof::Assertion(_) => "assertion",
            Proof::None => "none",
        };
        write!(f, "Presented({}, {proof})", self.client_id)
    }
}

/// Reads how a client authenticates (RFC 6749 §2.3): exactly one method.
///
/// # Errors
/// `invalid_request` for two at once, `invalid_client` for none or one that cannot be read.
pub fn presented(
    authorization_header: Option<&str>,
    params: &Params,
) -> Result<Presented, TokenError> {
    let in_body = [
        params.has("client_secret"),
        params.has("client_assertion") || params.has("client_assertion_type"),
    ];
    let ways = in_body.into_iter().filter(|way| *way).count();
    if ways + usize::from(authorization_header.is_some()) > 1 {
        let error = TokenError::new(
            Code::InvalidRequest,
            "The client authenticates in two ways at once.",
        );
        return Err(tried(error, authorization_header.is_some()));
    }
    match (authorization_header, in_body) {
        (Some(header), _) => in_header(header, params).map_err(|error| tried(error, true)),
        (None, [true, _]) => with_secret(params),
        (None, [_, true]) => with_assertion(params),
        (None, _) => Ok(Presented {
            client_id: named(params)?,
            proof: Proof::None,
        }),
    }
}

fn tried(error: TokenError, header_tried: bool) -> TokenError {
    TokenError {
        header_tried,
        ..error
    }
}

/// RFC 6749 §2.3: with the header, the body names no other client.
fn in_header(header: &str, params: &Params) -> Result<Presented, TokenError> {
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
        proof: Proof::Basic(secret),
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

fn named(params: &Params) -> Result<ClientId, TokenError> {
    match params.get("client_id") {
        Some(id) => Ok(ClientId::new(id)),
        None => refuse(Code::InvalidClient, "The client does not authenticate."),
    }
}

fn with_secret(params: &Params) -> Result<Presented, TokenError> {
    Ok(Presented {
        client_id: named(params)?,
        proof: Proof::Post(params.owned("client_secret").unwrap_or_default()),
    })
}

/// RFC 7521 §4.2: the client is the assertion's subject; a `client_id` beside it must name the same.
fn with_assertion(params: &Params) -> Result<Presented, TokenError> {
    if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        return refuse(
            Code::InvalidClient,
            "The client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer.",
        );
    }
    let assertion = params.owned("client_assertion").unwrap_or_default();
    let claims = Unverified::parse(&assertion).and_then(|token| token.claims());
    let subject = claims
        .ok()
        .and_then(|claims| text(&claims, "sub").map(str::to_owned));
    let Some(subject) = subject else {
        return refuse(
            Code::InvalidClient,
            "The client_assertion is not a signed JWT that names a sub.",
        );
    };
    if params.get("client_id").is_some_and(|id| id != subject) {
        return refuse(
            Code::InvalidClient,
            "The client_id differs from the client_assertion's sub.",
        );
    }
    Ok(Presented {
        client_id: ClientId::new(subject),
        proof: Proof::Assertion(assertion),
    })
}

impl Presented {
    /// Whether the client is registered for what it shows, and for nothing else (Core §9).
    pub fn method_fits(&self, client: &Client) -> bool {
        let fits = match (&self.proof, client.auth_method) {
            (Proof::Basic(_), method) => method == AuthMethod::ClientSecretBasic,
            (Proof::Post(_), method) => method == AuthMethod::ClientSecretPost,
            (Proof::None, method) => method == AuthMethod::None,
            (Proof::Assertion(_), method) => matches!(
                method,
                AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt
            ),
        };
        fits && self.client_id == client.id
    }

    /// The refusal, the same for an unknown client, a wrong method and a wrong secret: `invalid_client`.
    pub fn refused(&self) -> TokenError {
        let error = TokenError::new(Code::InvalidClient, "Client authentication failed.");
        tried(error, matches!(self.proof, Proof::Basic(_)))
    }
}

/// The hash of the living secret that was sent, compared in constant time. `sent_sha256` is lower-case hex.
pub fn living_secret<'a>(client: &'a Client, sent_sha256: &str, now: Timestamp) -> Option<&'a str> {
    let mut living = client.living_secrets(now).map(|kept| kept.sha256.as_str());
    living.find(|kept| pkce::same(kept.as_bytes(), sent_sha256.as_bytes()))
}

/// The algorithms that a client's assertions may be signed with: the registered one, otherwise all that fit its method.
/// `asymmetric` are those that this server verifies.
pub fn assertion_algorithms<'a>(client: &'a Client, asymmetric: &[&'a str]) -> Vec<&'a str> {
    let all = match client.auth_method {
        AuthMethod::ClientSecretJwt => vec!["HS256"],
        AuthMethod::PrivateKeyJwt => asymmetric.to_vec(),
        _ => Vec::new(),
    };
    match client.token_endpoint_auth_signing_alg.as_deref() {
        Some(registered) => all.into_iter().filter(|alg| *alg == registered).collect(),
        None => all,
    }
}

/// What an assertion is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// The client that was authenticated by its signature.
    pub client_id: &'a ClientId,
    /// The names this server answers to: its issuer, its token endpoint, and the endpoint that was called.
    pub audiences: &'a [String],
    /// How far its end may lie in the future, in seconds.
    pub lifetime_max_s: Seconds,
    /// How far the client's clock may be off, in seconds.
    pub skew_s: Seconds,
    /// Now.
    pub now: Timestamp,
}

/// What is kept of an assertion, so that it is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Its `jti`; unique for one client.
    pub jti: String,
    /// Until when it must be remembered.
    pub until: Timestamp,
}

/// Why an assertion whose signature is right is not taken. The texts go to the client, which has shown who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// RFC 7523 §3 rules 1 and 2.
    #[error("The assertion's iss and sub must both be the client_id.")]
    Subject,
    /// RFC 7523 §3 rule 3.
    #[error(
        "The assertion's aud must be the issuer, the token endpoint or the endpoint that is called, and nobody else."
    )]
    Audience,
    /// RFC 7523 §3 rule 4.
    #[error("The assertion's exp is missing, has passed, or is too far in the future.")]
    Expiry,
    /// RFC 7523 §3 rules 5 and 6.
    #[error("The assertion's nbf or iat is in the future, or is no number.")]
    TooEarly,
    /// Core §9: `jti` is required, so that an assertion is used once.
    #[error("The assertion's jti is missing, or has more than {JTI_MAX} characters.")]
    Jti,
}

fn text<'a>(claims: &'a Value, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// Checks the claims of an assertion whose signature was verified (RFC 7523 §3, Core §9).
pub fn check_assertion(claims: &Value, expect: Expect<'_>) -> Result<Once, AssertionError> {
    let id = Some(expect.client_id.as_str());
    if text(claims, "iss") != id || text(claims, "sub") != id {
        return Err(AssertionError::Subject);
    }
    if !for_us(claims.get("aud"), expect.audiences) {
        return Err(AssertionError::Audience);
    }
    let expires_at = expiry(claims, expect).ok_or(AssertionError::Expiry)?;
    for name in ["nbf", "iat"] {
        let begun = claims.get(name).is_none_or(|at| {
            at.as_f64()
                .is_some_and(|at| at <= (expect.now.0 + expect.skew_s) as f64)
        });
        if !begun {
            return Err(AssertionError::TooEarly);
        }
    }
    match text(claims, "jti") {
        Some(jti) if !jti.is_empty() && jti.len() <= JTI_MAX => Ok(Once {
            jti: jti.to_owned(),
            until: expires_at.plus(expect.skew_s + 1),
        }),
        _ => Err(AssertionError::Jti),
    }
}

/// A text or a list of texts, every one of them ours: an assertion that also suits somebody else could be passed on.
fn for_us(aud: Option<&Value>, audiences: &[String]) -> bool {
    let ours = |aud: &Value| {
        aud.as_str()
            .is_some_and(|aud| audiences.iter().any(|a| a == aud))
    };
    match aud {
        Some(Value::Array(all)) => !all.is_empty() && all.iter().all(ours),
        Some(one) => ours(one),
        None => false,
    }
}

fn expiry(claims: &Value, expect: Expect<'_>) -> Option<Timestamp> {
    let at = claims.get("exp")?.as_f64()?;
    let now = expect.now.0;
    let (earliest, latest) = (
        now - expect.skew_s,
        now + expect.lifetime_max_s + expect.skew_s,
    );
    let within = at > earliest as f64 && at <= latest as f64;
    within.then_some(Timestamp(at as i64))
}

fn refuse<T>(code: Code, description: &str) -> Result<T, TokenError> {
    Err(TokenError::new(code, description))
}
