//! What a token is worth (RFC 7662), and taking its worth away (RFC 7009).

use super::scope::{self, Scope};
use crate::client::{AuthMethod, Client};
use crate::id::ClientId;
use crate::time::Timestamp;
use serde_json::{Map, Value, json};

/// What kind of token a text is. Ours can be told by their form, so `token_type_hint` (RFC 7662 §2.1, RFC 7009 §2.1) is
/// accepted and without effect: a wrong or unknown one does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A refresh token.
    Refresh,
    /// A JWT, such as an access token.
    Jwt,
    /// None of ours.
    Unknown,
}

/// The beginning of every refresh token.
pub const REFRESH_PREFIX: &str = "tp_rt_";

/// The kind of a token that came.
pub fn kind(token: &str) -> Kind {
    if token.starts_with(REFRESH_PREFIX) {
        Kind::Refresh
    } else if token.split('.').count() == 3 {
        Kind::Jwt
    } else {
        Kind::Unknown
    }
}

/// RFC 7662 §2.1 and §4: who asks must have authenticated, or tokens could be tried out.
pub fn may_ask(asker: &Client) -> bool {
    asker.auth_method != AuthMethod::None
}

/// RFC 7662 §4: a client learns of its own tokens, a resource server of everybody's; for others a token is not active.
pub fn may_know(asker: &Client, owner: &ClientId) -> bool {
    asker.introspects_all || asker.id == *owner
}

/// RFC 7009 §2.1: a client revokes only its own tokens.
pub fn may_revoke(asker: &Client, owner: &ClientId) -> bool {
    asker.id == *owner
}

/// The answer about a token that is worth nothing, was never issued, or is none of the asker's business (RFC 7662 §2.2).
pub fn inactive() -> Value {
    json!({ "active": false })
}

/// The answer about a living access token: its own claims, and the login ID where the token may know the person's name
/// anyway.
pub fn access_token(claims: &Value, scope: &Scope, login_id: Option<&str>) -> Value {
    const MEMBERS: [&str; 10] = [
        "scope",
        "client_id",
        "exp",
        "iat",
        "sub",
        "aud",
        "iss",
        "jti",
        "acr",
        "auth_time",
    ];
    let mut answer = Map::new();
    answer.insert("active".into(), true.into());
    answer.insert("token_type".into(), "Bearer".into());
    for name in MEMBERS {
        if let Some(value) = claims.get(name) {
            answer.insert(name.into(), value.clone());
        }
    }
    name(&mut answer, scope, login_id);
    Value::Object(answer)
}

/// A living refresh token.
#[derive(Clone, Copy, Debug)]
pub struct RefreshFacts<'a> {
    /// This issuer.
    pub issuer: &'a str,
    /// Whose.
    pub client: &'a ClientId,
    /// The person, as that client sees it.
    pub sub: &'a str,
    /// How far it reaches.
    pub scope: &'a Scope,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Its end.
    pub expires_at: Timestamp,
}

/// The answer about it. It has no `token_type`: it is never sent to a resource.
pub fn refresh_token(facts: &RefreshFacts<'_>, login_id: Option<&str>) -> Value {
    let mut answer = Map::new();
    let mut put = |name: &str, value: Value| {
        answer.insert(name.to_owned(), value);
    };
    put("active", true.into());
    put("scope", facts.scope.to_string().into());
    put("client_id", facts.client.as_str().into());
    put("exp", json!(facts.expires_at));
    put("iat", json!(facts.issued_at));
    put("sub", facts.sub.into());
    put("aud", facts.issuer.into());
    put("iss", facts.issuer.into());
    name(&mut answer, facts.scope, login_id);
    Value::Object(answer)
}

/// `username` only with the scope that gives the name.
fn name(answer: &mut Map<String, Value>, scope: &Scope, login_id: Option<&str>) {
    if let Some(login_id) = login_id.filter(|_| scope.contains(scope::PROFILE)) {
        answer.insert("username".into(), login_id.into());
    }
}
