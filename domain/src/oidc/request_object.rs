//! Request objects: parameters of an authorization request in a JWT, by value or by reference (OpenID Connect Core §6).
//!
//! The caller fetches what is kept elsewhere and verifies signatures; here is everything that follows from the
//! registration and from the claims. Only what [`merged`] gives is ever looked at for a redirect URI, so nothing inside an
//! object counts before the object was verified.

use super::error::{AuthorizationError, AuthorizationErrorCode as Code};
use super::jwt::{self, JwtError};
use super::params::Params;
use super::scope::{self, Scope};
use crate::client::Client;
use crate::time::{Seconds, Timestamp};
use serde_json::{Map, Value};

/// Algorithms that request objects may be signed with, and `none` (Core §6.1), for discovery.
pub const ALGORITHMS: &[&str] = &["RS256", "PS256", "ES256", "EdDSA", NONE];
/// The algorithm of an object that is not signed.
pub const NONE: &str = "none";
/// `typ` of a request object (RFC 9101 §10.8); plain `JWT` and none at all are usual too.
pub const TYP: &str = "oauth-authz-req+jwt";
/// Characters of a `request_uri` (Core §6.2).
const URI_MAX: usize = 512;
/// Claims of the JWT itself (RFC 7519 §4.1), which are no parameters.
const OF_THE_JWT: &[&str] = &["iss", "aud", "exp", "nbf", "iat", "jti", "sub"];

/// Where the object of a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the request: a compact JWT.
    Value(String),
    /// At this address, which the client registered.
    Reference(String),
}

/// Core §6.1, §6.2: `request` and `request_uri` are not used together, and a request may have neither.
pub fn source(params: &Params, client: &Client) -> Result<Option<Source>, AuthorizationError> {
    for name in ["request", "request_uri"] {
        if params.is_repeated(name) {
            return refuse(
                Code::InvalidRequest,
                &format!("The parameter {name} is sent more than once."),
            );
        }
    }
    match (params.owned("request"), params.owned("request_uri")) {
        (None, None) => Ok(None),
        (Some(object), None) => Ok(Some(Source::Value(object))),
        (None, Some(uri)) => registered(uri, client).map(|uri| Some(Source::Reference(uri))),
        (Some(_), Some(_)) => refuse(
            Code::InvalidRequest,
            "The parameters request and request_uri exclude each other.",
        ),
    }
}

/// Core §6.2: only what the client registered in `request_uris`, compared without the fragment, which may be the hash of
/// the content.
fn registered(uri: String, client: &Client) -> Result<String, AuthorizationError> {
    if uri.len() > URI_MAX {
        let text = format!("The request_uri is longer than {URI_MAX} characters.");
        return refuse(Code::InvalidRequestUri, &text);
    }
    let mut known = client.request_uris.iter();
    if known.any(|known| bare(known) == bare(&uri)) {
        return Ok(uri);
    }
    let mut text = "The request_uri is not one of the client's request_uris.".to_owned();
    if client.development {
        let all = client.request_uris.join(" ");
        text.push_str(&format!(" Sent: {uri} Registered: {all}"));
    }
    refuse(Code::InvalidRequestUri, &text)
}

fn bare(uri: &str) -> &str {
    uri.split('#').next().unwrap_or_default()
}

/// The algorithms that an object of this client may have: the registered one, else every supported one
/// (`request_object_signing_alg`, Dynamic Client Registration §2).
pub fn algorithms(client: &Client) -> Vec<&str> {
    match client.request_object_signing_alg.as_deref() {
        Some(only) => vec![only],
        None => ALGORITHMS.to_vec(),
    }
}

/// Which way an object is to be verified.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Verify the signature with the client's keys and one of [`algorithms`].
    Signed,
    /// There is no signature; these are the claims.
    Unsigned(Map<String, Value>),
}

/// Reads the form of an object (Core §6.1): signed, or with `alg` `none` where the registration allows that.
pub fn form(object: &str, client: &Client) -> Result<Form, AuthorizationError> {
    if object.split('.').count() == 5 {
        return invalid("it is encrypted, which this server does not support");
    }
    let parsed = jwt::Unverified::parse(object);
    let header = match parsed {
        Ok(token) => token.header,
        Err(JwtError::NotSigned) if algorithms(client).contains(&NONE) => {
            return match jwt::unsigned(object) {
                Ok(claims) => Ok(Form::Unsigned(claims)),
                Err(error) => invalid(&error.to_string()),
            };
        }
        Err(error) => return invalid(&error.to_string()),
    };
    if !(jwt::may_be_id_token(&header) || jwt::is_typ(&header, TYP)) {
        return invalid("its typ is that of another kind of token");
    }
    if !algorithms(client).contains(&header.alg.as_str()) {
        return invalid(&format!(
            "its alg must be {}",
            algorithms(client).join(" or ")
        ));
    }
    Ok(Form::Signed)
}

/// What verified claims are measured against.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// Whose object it must be.
    pub client: &'a Client,
    /// This issuer.
    pub issuer: &'a str,
    /// How far the client's clock may be off, in seconds.
    pub skew_s: Seconds,
    /// Now.
    pub now: Timestamp,
}

/// The request with the object's parameters in place of its own (Core §6.1). `claims` are verified.
pub fn merged(
    outside: &Params,
    claims: &Map<String, Value>,
    expect: &Expect<'_>,
) -> Result<Params, AuthorizationError> {
    outside_is_complete(outside)?;
    not_nested(claims)?;
    from_the_client(claims, expect)?;
    for_this_server(claims, expect)?;
    of_this_moment(claims, expect)?;
    same_as_outside(outside, claims)?;
    let inside = parameters(claims)?;
    Ok(outside
        .without(&["request", "request_uri"])
        .superseded(inside))
}

/// Core §6.1: the request stays a valid OAuth 2.0 request with the scope `openid`.
fn outside_is_complete(outside: &Params) -> Result<(), AuthorizationError> {
    if outside.get("response_type").is_none() {
        return refuse(
            Code::InvalidRequest,
            "The parameter response_type is required outside the request object too.",
        );
    }
    let scope = Scope::parse(outside.get("scope").unwrap_or_default()).unwrap_or_default();
    if !scope.contains(scope::OPENID) {
        return refuse(
            Code::InvalidRequest,
            "The parameter scope with openid is required outside the request object too.",
        );
    }
    Ok(())
}

/// Core §6.1: no request object inside another.
fn not_nested(claims: &Map<String, Value>) -> Result<(), AuthorizationError> {
    match ["request", "request_uri"]
        .into_iter()
        .find(|name| claims.contains_key(*name))
    {
        Some(name) => invalid(&format!("it holds {name}")),
        None => Ok(()),
    }
}

/// Core §6.1: `iss`, when it is there, is the client. RFC 9101 §10.8: a token with which the client authenticates, whose
/// `sub` is the client, is no request.
fn from_the_client(
    claims: &Map<String, Value>,
    expect: &Expect<'_>,
) -> Result<(), AuthorizationError> {
    let client = expect.client.id.as_str();
    match (claims.get("iss"), claims.get("sub")) {
        (Some(iss), _) if iss != client => invalid("its iss is not the client_id"),
        (_, Some(sub)) if sub == client => invalid("its sub is the client_id"),
        _ => Ok(()),
    }
}

/// Core §6.1: `aud`, when it is there, is this issuer or names it.
fn for_this_server(
    claims: &Map<String, Value>,
    expect: &Expect<'_>,
) -> Result<(), AuthorizationError> {
    let ours = match claims.get("aud") {
        None => true,
        Some(Value::Array(all)) => all.iter().any(|one| one == expect.issuer),
        Some(one) => one == expect.issuer,
    };
    match ours {
        true => Ok(()),
        false => invalid(&format!("its aud is not {}", expect.issuer)),
    }
}

/// RFC 7519 §4.1.4, §4.1.5: `exp` and `nbf`, where they are there.
fn of_this_moment(
    claims: &Map<String, Value>,
    expect: &Expect<'_>,
) -> Result<(), AuthorizationError> {
    let moment = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64().filter(|seconds| seconds.abs() < 1e15) {
            Some(seconds) => Ok(Some(Timestamp(seconds.floor() as i64))),
            None => invalid(&format!("its {name} is no number of seconds")),
        },
    };
    let (exp, nbf) = (moment("exp")?, moment("nbf")?);
    if exp.is_some_and(|exp| expect.now >= exp.plus(expect.skew_s)) {
        return invalid("it has expired");
    }
    if nbf.is_some_and(|nbf| nbf > expect.now.plus(expect.skew_s)) {
        return invalid("it is not valid yet");
    }
    Ok(())
}

/// Core §6.1: `client_id` and `response_type` are the same inside and outside.
fn same_as_outside(
    outside: &Params,
    claims: &Map<String, Value>,
) -> Result<(), AuthorizationError> {
    for name in ["client_id", "response_type"] {
        let inside = claims.get(name);
        if inside.is_some_and(|inside| inside.as_str() != outside.get(name)) {
            return invalid(&format!("its {name} differs from that of the request"));
        }
    }
    Ok(())
}

/// The claims as parameters: texts as they are, numbers in digits, the `claims` object as JSON.
fn parameters(claims: &Map<String, Value>) -> Result<Vec<(String, String)>, AuthorizationError> {
    let mut all = Vec::new();
    for (name, value) in claims {
        if OF_THE_JWT.contains(&name.as_str()) {
            continue;
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Object(_) if name == "claims" => value.to_string(),
            Value::Null => continue,
            _ if KNOWN.contains(&name.as_str()) => {
                return invalid(&format!("its {name} has the wrong JSON type"));
            }
            _ => continue,
        };
        all.push((name.clone(), text));
    }
    Ok(all)
}

/// Parameters whose JSON type matters; of others (Core §6.1: they are ignored) any will do.
const KNOWN: &[&str] = &[
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "display",
    "prompt",
    "max_age",
    "ui_locales",
    "claims_locales",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "claims",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
];

/// Core §3.1.2.6: `invalid_request_object`, with what is wrong with it.
pub fn invalid<T>(what: &str) -> Result<T, AuthorizationError> {
    refuse(
        Code::InvalidRequestObject,
        &format!("The request object is not accepted: {what}."),
    )
}

/// Core §3.1.2.6: `invalid_request_uri`, for what cannot be fetched.
pub fn unreachable<T>(what: &str) -> Result<T, AuthorizationError> {
    refuse(
        Code::InvalidRequestUri,
        &format!("The request_uri is of no use: {what}."),
    )
}

fn refuse<T>(code: Code, description: &str) -> Result<T, AuthorizationError> {
    Err(AuthorizationError::new(code, description))
}
