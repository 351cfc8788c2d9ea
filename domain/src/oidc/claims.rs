//! What tokens and UserInfo say about a person and a sign-in.

use super::error::Description;
use super::scope::{self, Scope};
use crate::account::Account;
use crate::id::{AccountId, ClientId, Sid};
use crate::session::Grant;
use crate::time::{Seconds, Timestamp};
use serde_json::{Map, Value, json};

/// How long a logout token is good for, in seconds (Back-Channel Logout §2.4 recommends at most two minutes).
pub const LOGOUT_TOKEN_LIFETIME_S: Seconds = 120;
/// The member of `events` that makes a token a logout token (Back-Channel Logout §2.4).
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The JSON type a claim must have (OpenID Connect Core §5.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Flag,
    Number,
    Address,
}

/// Claims of the scope `profile` (Core §5.4), and `organisation`, a claim of our own.
const PROFILE: &[(&str, Type)] = &[
    ("name", Type::Text),
    ("family_name", Type::Text),
    ("given_name", Type::Text),
    ("middle_name", Type::Text),
    ("nickname", Type::Text),
    ("preferred_username", Type::Text),
    ("profile", Type::Text),
    ("picture", Type::Text),
    ("website", Type::Text),
    ("gender", Type::Text),
    ("birthdate", Type::Text),
    ("zoneinfo", Type::Text),
    ("locale", Type::Text),
    ("updated_at", Type::Number),
    ("organisation", Type::Text),
];
/// Claims of the scope `email`.
const EMAIL: &[(&str, Type)] = &[("email", Type::Text), ("email_verified", Type::Flag)];
/// Claims of the scope `address`.
const ADDRESS: &[(&str, Type)] = &[("address", Type::Address)];
/// Claims of the scope `phone`.
const PHONE: &[(&str, Type)] = &[
    ("phone_number", Type::Text),
    ("phone_number_verified", Type::Flag),
];
/// Members of the `address` claim (Core §5.1.1).
const ADDRESS_MEMBERS: &[&str] = &[
    "formatted",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
];
/// Claims of the ID token beyond the person's.
const TOKEN: &[&str] = &[
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
];

const BY_SCOPE: &[(&str, &[(&str, Type)])] = &[
    (scope::PROFILE, PROFILE),
    (scope::EMAIL, EMAIL),
    (scope::ADDRESS, ADDRESS),
    (scope::PHONE, PHONE),
];

/// Every claim this server can give, for discovery.
pub fn supported() -> Vec<&'static str> {
    let person = BY_SCOPE.iter().flat_map(|(_, claims)| claims.iter());
    let person = person.map(|(name, _)| *name);
    TOKEN.iter().copied().chain(person).collect()
}

/// The UserInfo answer (Core §5.3.2): `sub` always, and the claims of the granted scopes (§5.4) that the record has.
///
/// The record's own fields give `name`, `preferred_username` (the login ID), `organisation` and `email`; everything else
/// comes from its further claims. `email_verified` is the further claim of that name; without one it is true, since
/// addresses are set by an administrator or the home organisation and never by the person alone. `updated_at` without
/// a further claim is the moment the record was made. A claim of the wrong JSON type is left out, never passed on.
pub fn userinfo(account: &Account, scope: &Scope) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".into(), account.id.as_str().into());
    for (_, wanted) in BY_SCOPE.iter().filter(|(name, _)| scope.contains(name)) {
        for (name, kind) in *wanted {
            if let Some(value) = claim(account, name).and_then(|value| typed(*kind, value)) {
                claims.insert((*name).into(), value);
            }
        }
    }
    for (whole, flag) in [
        ("email", "email_verified"),
        ("phone_number", "phone_number_verified"),
    ] {
        if !claims.contains_key(whole) {
            claims.remove(flag);
        }
    }
    claims
}

fn claim(account: &Account, name: &str) -> Option<Value> {
    let further = account.claims.get(name).cloned();
    match name {
        "name" => Some(account.name.as_str().into()),
        "preferred_username" => Some(account.login_id.as_str().into()),
        "organisation" => account.organisation.as_deref().map(Value::from).or(further),
        "email" => account.email.as_deref().map(Value::from).or(further),
        "email_verified" => further.or(Some(true.into())),
        "updated_at" => further.or(Some(account.created_at.0.into())),
        _ => further,
    }
}

/// Core §5.1 and §5.3.2: the value in its type; nothing empty, no null.
fn typed(kind: Type, value: Value) -> Option<Value> {
    match (kind, value) {
        (Type::Text, Value::String(text)) if !text.is_empty() => Some(text.into()),
        (Type::Flag, value @ Value::Bool(_)) | (Type::Number, value @ Value::Number(_)) => {
            Some(value)
        }
        (Type::Address, Value::Object(mut members)) => {
            members.retain(|name, value| {
                ADDRESS_MEMBERS.contains(&name.as_str())
                    && value.as_str().is_some_and(|text| !text.is_empty())
            });
            (!members.is_empty()).then_some(Value::Object(members))
        }
        _ => None,
    }
}

/// What an ID token is made of.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenInput<'a> {
    /// This issuer.
    pub issuer: &'a str,
    /// What was granted: client, account, moment and strength of the authentication, session entry.
    pub grant: &'a Grant,
    /// Now.
    pub issued_at: Timestamp,
    /// In seconds.
    pub lifetime_s: Seconds,
    /// Base64url of the left half of the access token's hash (Core §3.1.3.6); `None` without an access token.
    pub at_hash: Option<&'a str>,
    /// Whether it comes with a refresh; then it holds no nonce (Core §12.2).
    pub refreshed: bool,
}

/// The claims of an ID token (Core §2), and none about the person: those are for UserInfo (§5.4).
pub fn id_token(input: &IdTokenInput<'_>) -> Map<String, Value> {
    let grant = input.grant;
    let mut claims = object(json!({
        "iss": input.issuer,
        "sub": grant.account,
        "aud": grant.client,
        "exp": input.issued_at.plus(input.lifetime_s),
        "iat": input.issued_at,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": grant.amr,
        "sid": grant.sid,
    }));
    if let Some(nonce) = grant.nonce.as_ref().filter(|_| !input.refreshed) {
        claims.insert("nonce".into(), nonce.as_str().into());
    }
    if let Some(at_hash) = input.at_hash {
        claims.insert("at_hash".into(), at_hash.into());
    }
    claims
}

/// What an access token is made of.
#[derive(Clone, Copy, Debug)]
pub struct AccessTokenInput<'a> {
    /// This issuer.
    pub issuer: &'a str,
    /// The resource it is for; UserInfo's is the issuer.
    pub audience: &'a str,
    /// What was granted.
    pub grant: &'a Grant,
    /// The scope of this token, which may be narrower than the grant's.
    pub scope: &'a Scope,
    /// Unique.
    pub jti: &'a str,
    /// Now.
    pub issued_at: Timestamp,
    /// In seconds.
    pub lifetime_s: Seconds,
}

/// The claims of a JWT access token (RFC 9068 §2.2). Its header's `typ` is [`super::jwt::typ::ACCESS_TOKEN`].
pub fn access_token(input: &AccessTokenInput<'_>) -> Map<String, Value> {
    let grant = input.grant;
    object(json!({
        "iss": input.issuer,
        "sub": grant.account,
        "aud": input.audience,
        "exp": input.issued_at.plus(input.lifetime_s),
        "iat": input.issued_at,
        "jti": input.jti,
        "client_id": grant.client,
        "scope": input.scope,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
    }))
}

/// What a logout token is made of.
#[derive(Clone, Copy, Debug)]
pub struct LogoutTokenInput<'a> {
    /// This issuer.
    pub issuer: &'a str,
    /// Whom it tells.
    pub client: &'a ClientId,
    /// Whose session entry ended.
    pub account: &'a AccountId,
    /// Which one.
    pub sid: &'a Sid,
    /// Unique.
    pub jti: &'a str,
    /// Now.
    pub issued_at: Timestamp,
}

/// The claims of a logout token (Back-Channel Logout §2.4): never a nonce, so that it cannot pass for an ID token. Its
/// header's `typ` is [`super::jwt::typ::LOGOUT_TOKEN`].
pub fn logout_token(input: &LogoutTokenInput<'_>) -> Map<String, Value> {
    object(json!({
        "iss": input.issuer,
        "sub": input.account,
        "aud": input.client,
        "iat": input.issued_at,
        "exp": input.issued_at.plus(LOGOUT_TOKEN_LIFETIME_S),
        "jti": input.jti,
        "events": { LOGOUT_EVENT: {} },
        "sid": input.sid,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// What a good access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// For whom.
    pub account: AccountId,
    /// To whom.
    pub client: ClientId,
    /// How far it reaches.
    pub scope: Scope,
    /// Its name.
    pub jti: String,
    /// Its end.
    pub expires_at: Timestamp,
}

/// Checks the claims of an access token whose signature and `typ` were verified (RFC 9068 §4): ours, for this resource,
/// not expired. `Err` says why, for the log. Whether its grant was revoked is the caller's question.
pub fn check_access_token(
    claims: &Value,
    issuer: &str,
    audience: &str,
    now: Timestamp,
) -> Result<AccessToken, Description> {
    let text = |name: &str| {
        let value = claims.get(name).and_then(Value::as_str);
        value.ok_or_else(|| Description::new(&format!("the claim {name} is missing")))
    };
    if text("iss")? != issuer {
        return Err(Description::new("another issuer"));
    }
    if text("aud")? != audience {
        return Err(Description::new("another audience"));
    }
    let exp = claims.get("exp").and_then(Value::as_i64).map(Timestamp);
    let expires_at = exp
        .filter(|exp| now < *exp)
        .ok_or_else(|| Description::new("expired"))?;
    Ok(AccessToken {
        account: AccountId::new(text("sub")?),
        client: ClientId::new(text("client_id")?),
        scope: Scope::parse(text("scope")?).map_err(|e| Description::new(&e.to_string()))?,
        jti: text("jti")?.to_owned(),
        expires_at,
    })
}
