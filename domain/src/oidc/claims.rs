//! What tokens and UserInfo say about a person and a sign-in.

use super::claims_request::Wanted;
use super::error::Description;
use super::scope::{self, Scope};
use crate::account::Account;
use crate::client::SigningAlg;
use crate::id::{ClientId, Sid};
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

/// Whether a claim says something about the person, and not about the token or the sign-in.
pub fn is_about_the_person(name: &str) -> bool {
    type_of(name).is_some()
}

/// The claims that these scopes ask for (Core §5.4).
pub fn of_scope(scope: &Scope) -> impl Iterator<Item = &'static str> {
    let wanted = BY_SCOPE.iter().filter(|(name, _)| scope.contains(name));
    wanted.flat_map(|(_, claims)| claims.iter().map(|(name, _)| *name))
}

fn type_of(name: &str) -> Option<Type> {
    let mut all = BY_SCOPE.iter().flat_map(|(_, claims)| claims.iter());
    all.find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// A UserInfo answer that is signed says whose it is and for whom (Core §5.3.2).
pub fn signed_userinfo(
    mut claims: Map<String, Value>,
    issuer: &str,
    client: &ClientId,
) -> Map<String, Value> {
    claims.insert("iss".into(), issuer.into());
    claims.insert("aud".into(), client.as_str().into());
    claims
}

/// The UserInfo answer (Core §5.3.2): `sub` always, and what the record has of the claims of the granted scopes (§5.4)
/// and of those asked for by name (§5.5).
pub fn userinfo(
    subject: &str,
    account: &Account,
    scope: &Scope,
    wanted: &[Wanted],
) -> Map<String, Value> {
    let mut claims = person(account, of_scope(scope), wanted);
    claims.insert("sub".into(), subject.into());
    claims
}

/// What the record has of some claims about the person.
///
/// The record's own fields give `name`, `preferred_username` (the login ID), `organisation` and `email`; everything else
/// comes from its further claims. `email_verified` is the further claim of that name; without one it is true, since
/// addresses are set by an administrator or the home organisation and never by the person alone. `updated_at` without
/// a further claim is the moment the record was made. A claim of the wrong JSON type is left out, never passed on.
pub fn person(
    account: &Account,
    names: impl Iterator<Item = &'static str>,
    wanted: &[Wanted],
) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut all: Vec<&str> = names.collect();
    all.extend(wanted.iter().map(|wanted| wanted.name.as_str()));
    for name in all {
        if let Some(value) = given(account, name) {
            claims.insert(name.into(), value);
        }
    }
    // A flag says nothing where the record has not what it speaks of.
    for (whole, flag) in [
        ("email", "email_verified"),
        ("phone_number", "phone_number_verified"),
    ] {
        if given(account, whole).is_none() {
            claims.remove(flag);
        }
    }
    claims
}

fn given(account: &Account, name: &str) -> Option<Value> {
    typed(type_of(name)?, claim(account, name)?)
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

/// The hash that `at_hash` is the left half of: the one that the ID token's algorithm signs with (Core §3.1.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenHash {
    /// The left half is 16 bytes.
    Sha256,
    /// The left half is 32 bytes.
    Sha512,
}

impl TokenHash {
    /// RFC 7518 §3.1 says it in the algorithm's name; Ed25519, the only curve that `EdDSA` signs with here, hashes with
    /// SHA-512 (RFC 8032 §5.1).
    pub fn of(alg: SigningAlg) -> TokenHash {
        match alg {
            SigningAlg::ES256 | SigningAlg::RS256 | SigningAlg::PS256 => TokenHash::Sha256,
            SigningAlg::EdDSA => TokenHash::Sha512,
        }
    }
}

/// What an ID token is made of.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenInput<'a> {
    /// This issuer.
    pub issuer: &'a str,
    /// `sub` as the client sees it (Core §8).
    pub subject: &'a str,
    /// What was granted: client, moment and strength of the authentication, session entry.
    pub grant: &'a Grant,
    /// What the record has of the claims that the request wants in the ID token (Core §5.5), from [`person`].
    pub person: &'a Map<String, Value>,
    /// Now.
    pub issued_at: Timestamp,
    /// In seconds.
    pub lifetime_s: Seconds,
    /// Base64url of the left half of the access token's hash (Core §3.1.3.6); `None` without an access token.
    pub at_hash: Option<&'a str>,
    /// Whether it comes with a refresh; then it holds no nonce (Core §12.2).
    pub refreshed: bool,
}

/// The claims of an ID token (Core §2). About the person it says only what was asked for by name (§5.5): the claims of
/// scopes are for UserInfo (§5.4).
pub fn id_token(input: &IdTokenInput<'_>) -> Map<String, Value> {
    let grant = input.grant;
    let mut claims = input.person.clone();
    claims.extend(object(json!({
        "iss": input.issuer,
        "sub": input.subject,
        "aud": grant.client,
        "exp": input.issued_at.plus(input.lifetime_s),
        "iat": input.issued_at,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": grant.amr,
        "sid": grant.sid,
    })));
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
    /// `sub` as the client sees it, so that it learns no more from this token than from the ID token (RFC 9068 §6).
    pub subject: &'a str,
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
        "sub": input.subject,
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
    /// Whose session entry ended: `sub` as the client sees it.
    pub subject: &'a str,
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
        "sub": input.subject,
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
    /// For whom, as the client sees it; the grant says which account that is.
    pub subject: String,
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
    let token = read_access_token(claims, issuer, audience)?;
    match now < token.expires_at {
        true => Ok(token),
        false => Err(Description::new("expired")),
    }
}

/// The same, whatever its age: for taking its worth away, which holds also when a clock that is ahead is set right.
pub fn read_access_token(
    claims: &Value,
    issuer: &str,
    audience: &str,
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
    let expires_at = exp.ok_or_else(|| Description::new("the claim exp is missing"))?;
    Ok(AccessToken {
        subject: text("sub")?.to_owned(),
        client: ClientId::new(text("client_id")?),
        scope: Scope::parse(text("scope").unwrap_or_default())
            .map_err(|e| Description::new(&e.to_string()))?,
        jti: text("jti")?.to_owned(),
        expires_at,
    })
}
