//! Tokens for machines: a client that asks in its own name (RFC 6749 §4.4).

use super::error::{TokenError, TokenErrorCode as Code};
use super::scope::{self, Scope};
use crate::client::{AuthMethod, Client};
use crate::time::{Seconds, Timestamp};
use serde_json::{Map, Value, json};

/// §4.4: only confidential clients.
pub fn confidential(client: &Client) -> Result<(), TokenError> {
    if client.auth_method == AuthMethod::None {
        return Err(TokenError::new(
            Code::UnauthorizedClient,
            "A public client gets no tokens in its own name.",
        ));
    }
    Ok(())
}

/// The scope of the token: what is asked for, else everything the client is registered for (RFC 6749 §3.3). Scopes that
/// are about a person have no meaning here; asked for, they are refused.
pub fn granted(client: &Client, asked: Option<&Scope>) -> Result<Scope, TokenError> {
    let for_machines = |value: &str| !scope::SUPPORTED.contains(&value);
    let registered: Vec<&str> = client.scopes.iter().map(String::as_str).collect();
    let Some(asked) = asked.filter(|scope| !scope.is_empty()) else {
        let own = registered.into_iter().filter(|value| for_machines(value));
        let own: Vec<&str> = own.collect();
        return Ok(Scope::parse(&own.join(" ")).unwrap_or_default());
    };
    for value in asked.iter() {
        if !for_machines(value) {
            let description = format!("The scope {value} is about a person, and there is none.");
            return Err(TokenError::new(Code::InvalidScope, &description));
        }
        if !registered.contains(&value) {
            let description = format!("The client is not registered for the scope {value}.");
            return Err(TokenError::new(Code::InvalidScope, &description));
        }
    }
    Ok(asked.clone())
}

/// What a machine's token is made of.
#[derive(Clone, Copy, Debug)]
pub struct MachineTokenInput<'a> {
    /// This issuer.
    pub issuer: &'a str,
    /// The resource it is for.
    pub audience: &'a str,
    /// To whom.
    pub client: &'a Client,
    /// How far it reaches.
    pub scope: &'a Scope,
    /// Unique, and without a dot: nothing else stands behind the token.
    pub jti: &'a str,
    /// Now.
    pub issued_at: Timestamp,
    /// In seconds.
    pub lifetime_s: Seconds,
}

/// The claims of a JWT access token (RFC 9068 §2.2): without a person the `sub` is the client, and there is neither
/// `auth_time` nor `acr`.
pub fn access_token(input: &MachineTokenInput<'_>) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    put("iss", input.issuer.into());
    put("sub", input.client.id.as_str().into());
    put("aud", input.audience.into());
    put("exp", json!(input.issued_at.plus(input.lifetime_s)));
    put("iat", json!(input.issued_at));
    put("jti", input.jti.into());
    put("client_id", input.client.id.as_str().into());
    if !input.scope.is_empty() {
        put("scope", input.scope.to_string().into());
    }
    claims
}
