//! What may be registered as a client, whoever registers it: the client itself (OpenID Connect Dynamic Client
//! Registration 1.0, RFC 7591, RFC 7592) or an administrator. One set of rules reads both.
//!
//! Members that are not known are ignored (RFC 7591 §2), translations of known ones (`client_name#ja`) among them. A
//! member that asks for a protection this server does not give is refused, since ignoring it would be worse.

mod member;
mod sector;
mod shown;
mod uri;

pub use sector::sector_permits;
pub use shown::{MEMBERS, metadata};

use super::error::{RegistrationError, RegistrationErrorCode as Code};
use super::scope::{OPENID, SUPPORTED, Scope};
use super::{jwk, registration::member::Members, request_object};
use crate::client::{ApplicationType, AuthMethod, Client, GrantType, SigningAlg, SubjectType};
use crate::text;
use serde_json::{Map, Value};

/// Characters of a name.
const NAME_MAX: usize = 100;

/// What whoever registers may ask for, and what is meant where nothing is said.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether plain http addresses are taken that are not on loopback: for demonstrations and tests.
    pub allow_http: bool,
    /// Grant types that may be asked for.
    pub grant_types: Vec<GrantType>,
    /// Grant types where none are named.
    pub usual_grant_types: Vec<GrantType>,
    /// What ID tokens are signed with where nothing is said.
    pub usual_alg: SigningAlg,
    /// Whether scopes beyond those of OpenID Connect may be registered.
    pub any_scope: bool,
    /// Whether grant and response types that are not given here are left out while another one remains (RFC 7591 §2: the
    /// server may replace what was asked for, and the answer says so). Widespread programs name all that they know.
    pub lenient: bool,
}

impl Policy {
    /// For clients that register themselves: the defaults of Dynamic Client Registration §2.
    pub fn dynamic(allow_http: bool) -> Policy {
        Policy {
            allow_http,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            usual_grant_types: vec![GrantType::AuthorizationCode],
            usual_alg: SigningAlg::RS256,
            any_scope: false,
            lenient: true,
        }
    }

    /// For administrators: every grant type, and the defaults of clients of our own.
    pub fn administrator(allow_http: bool) -> Policy {
        Policy {
            allow_http,
            grant_types: GrantType::ALL.to_vec(),
            usual_grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            usual_alg: SigningAlg::ES256,
            any_scope: true,
            lenient: false,
        }
    }
}

/// The client that the metadata describes. `base` gives what is no metadata: id, secrets, consent and the like; every
/// member that metadata can have is replaced (RFC 7592 §2.2), by its default where it is left out.
///
/// # Errors
/// The first rule that is broken, with the member's name.
pub fn read(
    metadata: &Map<String, Value>,
    base: Client,
    policy: &Policy,
) -> Result<Client, RegistrationError> {
    let members = Members(metadata);
    refuse_software_statement(&members)?;
    refuse_unmet_demands(&members)?;
    let auth_method = auth_method(&members)?;
    let grant_types = grant_types(&members, policy)?;
    let mut client = Client {
        redirect_uris: members.texts("redirect_uris")?,
        post_logout_redirect_uris: members.texts("post_logout_redirect_uris")?,
        backchannel_logout_uri: members.text("backchannel_logout_uri")?,
        backchannel_logout_session_required: members.flag("backchannel_logout_session_required")?,
        frontchannel_logout_uri: members.text("frontchannel_logout_uri")?,
        frontchannel_logout_session_required: members
            .flag("frontchannel_logout_session_required")?,
        auth_method,
        token_endpoint_auth_signing_alg: members.text("token_endpoint_auth_signing_alg")?,
        jwks: members.value("jwks").cloned(),
        jwks_uri: members.text("jwks_uri")?,
        grant_types,
        id_token_signed_response_alg: signing_alg(&members, "id_token_signed_response_alg")?
            .unwrap_or(policy.usual_alg),
        userinfo_signed_response_alg: signing_alg(&members, "userinfo_signed_response_alg")?,
        request_object_signing_alg: members.text("request_object_signing_alg")?,
        request_uris: members.texts("request_uris")?,
        subject_type: subject_type(&members)?,
        sector_identifier_uri: members.text("sector_identifier_uri")?,
        default_max_age: members.seconds("default_max_age")?,
        require_auth_time: members.flag("require_auth_time")?,
        default_acr_values: members.texts("default_acr_values")?,
        application_type: application_type(&members)?,
        contacts: members.texts("contacts")?,
        client_uri: members.text("client_uri")?,
        logo_uri: members.text("logo_uri")?,
        policy_uri: members.text("policy_uri")?,
        tos_uri: members.text("tos_uri")?,
        initiate_login_uri: members.text("initiate_login_uri")?,
        scopes: scopes(&members, policy)?,
        ..base
    };
    client.name = name(&members, &client)?;
    check(&client, policy)?;
    response_types(&members, &client, policy)?;
    Ok(client)
}

fn check(client: &Client, policy: &Policy) -> Result<(), RegistrationError> {
    grants_fit_client(client)?;
    keys_are_public(client)?;
    keys_fit_method(client)?;
    request_objects_can_be_read(client)?;
    uri::check(client, policy)?;
    sector::check(client)
}

fn refuse<T>(member: &str, why: &str) -> Result<T, RegistrationError> {
    Err(RegistrationError::new(
        Code::InvalidClientMetadata,
        member,
        why,
    ))
}

/// RFC 7591 §3.2.2: nobody's software statements are trusted here.
fn refuse_software_statement(members: &Members<'_>) -> Result<(), RegistrationError> {
    let (code, why) = match members.value("software_statement") {
        None => return Ok(()),
        Some(Value::String(text)) if super::jwt::Unverified::parse(text).is_ok() => (
            Code::UnapprovedSoftwareStatement,
            "is not approved here; register without it",
        ),
        Some(_) => (Code::InvalidSoftwareStatement, "is no signed JWT"),
    };
    Err(RegistrationError::new(code, "software_statement", why))
}

/// Encryption and sender constraints are not given here; a client that needs them must know.
fn refuse_unmet_demands(members: &Members<'_>) -> Result<(), RegistrationError> {
    for name in [
        "id_token_encrypted_response_alg",
        "id_token_encrypted_response_enc",
        "userinfo_encrypted_response_alg",
        "userinfo_encrypted_response_enc",
        "request_object_encryption_alg",
        "request_object_encryption_enc",
        "authorization_signed_response_alg",
        "authorization_encrypted_response_alg",
        "introspection_encrypted_response_alg",
    ] {
        if members.text(name)?.is_some() {
            return refuse(name, "is not supported; leave it out");
        }
    }
    for name in [
        "require_pushed_authorization_requests",
        "tls_client_certificate_bound_access_tokens",
        "dpop_bound_access_tokens",
    ] {
        if members.flag(name)? {
            return refuse(name, "is not supported; leave it out or set it to false");
        }
    }
    Ok(())
}

/// Dynamic Client Registration §2: `client_secret_basic` where nothing is said.
fn auth_method(members: &Members<'_>) -> Result<AuthMethod, RegistrationError> {
    let name = "token_endpoint_auth_method";
    match members.text(name)? {
        None => Ok(AuthMethod::ClientSecretBasic),
        Some(text) => match AuthMethod::parse(&text) {
            Some(method) => Ok(method),
            None => refuse(
                name,
                "must be client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none",
            ),
        },
    }
}

fn grant_types(
    members: &Members<'_>,
    policy: &Policy,
) -> Result<Vec<GrantType>, RegistrationError> {
    if members.value("grant_types").is_none() {
        return Ok(policy.usual_grant_types.clone());
    }
    let asked = members.texts("grant_types")?;
    let given = |text: &String| {
        GrantType::parse(text).filter(|grant_type| policy.grant_types.contains(grant_type))
    };
    let found: Vec<GrantType> = asked.iter().filter_map(given).collect();
    if asked.is_empty() {
        return refuse("grant_types", "is empty");
    }
    if found.is_empty() || (found.len() < asked.len() && !policy.lenient) {
        let names: Vec<&str> = policy.grant_types.iter().map(|g| g.as_str()).collect();
        let all = names.join(", ");
        return refuse("grant_types", &format!("may hold only {all}"));
    }
    Ok(found)
}

/// Dynamic Client Registration §2: the response type `code` belongs to the grant type `authorization_code`; no other
/// response type is given here.
fn response_types(
    members: &Members<'_>,
    client: &Client,
    policy: &Policy,
) -> Result<(), RegistrationError> {
    let name = "response_types";
    if members.value(name).is_none() {
        return Ok(());
    }
    let types = members.texts(name)?;
    let code = types.iter().any(|kind| kind == "code");
    let others = types.iter().any(|kind| kind != "code");
    if others && !(code && policy.lenient) {
        return refuse(name, "may hold only code");
    }
    if code != client.may(GrantType::AuthorizationCode) {
        return refuse(
            name,
            "must hold code when grant_types holds authorization_code, and nothing otherwise",
        );
    }
    Ok(())
}

fn signing_alg(members: &Members<'_>, name: &str) -> Result<Option<SigningAlg>, RegistrationError> {
    match members.text(name)? {
        None => Ok(None),
        Some(text) => match SigningAlg::parse(&text) {
            Some(alg) => Ok(Some(alg)),
            None => refuse(name, &format!("must be one of {}", algorithm_names())),
        },
    }
}

fn algorithm_names() -> String {
    SigningAlg::ALL.map(SigningAlg::as_str).join(", ")
}

fn subject_type(members: &Members<'_>) -> Result<SubjectType, RegistrationError> {
    match members.text("subject_type")?.as_deref() {
        None | Some("public") => Ok(SubjectType::Public),
        Some("pairwise") => Ok(SubjectType::Pairwise),
        Some(_) => refuse("subject_type", "must be public or pairwise"),
    }
}

fn application_type(members: &Members<'_>) -> Result<ApplicationType, RegistrationError> {
    match members.text("application_type")?.as_deref() {
        None | Some("web") => Ok(ApplicationType::Web),
        Some("native") => Ok(ApplicationType::Native),
        Some(_) => refuse("application_type", "must be web or native"),
    }
}

/// RFC 7591 §2: what a client leaves out it may have; of what it asks for, what there is.
fn scopes(members: &Members<'_>, policy: &Policy) -> Result<Vec<String>, RegistrationError> {
    let Some(text) = members.text("scope")? else {
        let usual = SUPPORTED.iter().filter(|scope| **scope != OPENID);
        return Ok(usual.map(|scope| (*scope).to_owned()).collect());
    };
    let Ok(scope) = Scope::parse(&text) else {
        return refuse("scope", "has a character that is not permitted");
    };
    let known = |scope: &&str| policy.any_scope || SUPPORTED.contains(scope);
    let wanted = scope.iter().filter(|scope| *scope != OPENID).filter(known);
    Ok(wanted.map(str::to_owned).collect())
}

/// The name people see; without one, the host of an address that tells them most.
fn name(members: &Members<'_>, client: &Client) -> Result<String, RegistrationError> {
    let Some(name) = members.text("client_name")? else {
        let told = client.client_uri.iter().chain(&client.redirect_uris);
        let host = told.filter_map(|uri| uri::host(uri)).next();
        return Ok(host.unwrap_or_else(|| client.id.as_str().to_owned()));
    };
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX {
        return refuse("client_name", "must have 1 to 100 characters");
    }
    match text::shown(name) {
        Ok(()) => Ok(name.to_owned()),
        Err(hidden) => refuse("client_name", &format!("is refused: {hidden}")),
    }
}

/// RFC 6749 §4.4: only confidential clients get tokens of their own. A refresh token needs something that gives one.
fn grants_fit_client(client: &Client) -> Result<(), RegistrationError> {
    if client.auth_method == AuthMethod::None && client.may(GrantType::ClientCredentials) {
        return refuse(
            "grant_types",
            "holds client_credentials, which a client with token_endpoint_auth_method none cannot use",
        );
    }
    let gives = client.may(GrantType::AuthorizationCode) || client.may(GrantType::DeviceCode);
    if client.may(GrantType::RefreshToken) && !gives {
        return refuse(
            "grant_types",
            "holds refresh_token, but nothing that gives one: add authorization_code",
        );
    }
    Ok(())
}

/// Dynamic Client Registration §2: by value or by reference, not both; public keys only.
fn keys_are_public(client: &Client) -> Result<(), RegistrationError> {
    let Some(jwks) = &client.jwks else {
        return Ok(());
    };
    if client.jwks_uri.is_some() {
        return refuse("jwks", "and jwks_uri exclude each other");
    }
    jwk::check_set(jwks).or_else(|error| refuse("jwks", &format!("is refused: {error}")))
}

/// Core §9: what a method signs with, and that there is a key to check it.
fn keys_fit_method(client: &Client) -> Result<(), RegistrationError> {
    let alg = client.token_endpoint_auth_signing_alg.as_deref();
    let name = "token_endpoint_auth_signing_alg";
    match client.auth_method {
        AuthMethod::ClientSecretJwt if alg.is_some_and(|alg| alg != "HS256") => {
            refuse(name, "must be HS256 with client_secret_jwt")
        }
        AuthMethod::PrivateKeyJwt if alg.is_some_and(|alg| !jwk::ALGORITHMS.contains(&alg)) => {
            refuse(
                name,
                &format!("must be one of {}", jwk::ALGORITHMS.join(", ")),
            )
        }
        AuthMethod::PrivateKeyJwt => match (&client.jwks, &client.jwks_uri) {
            (None, None) => refuse("jwks", "or jwks_uri is needed with private_key_jwt"),
            (Some(jwks), _) if !jwk::can_verify(jwks, alg) => refuse(
                "jwks",
                "holds no key that a client_assertion of the registered algorithm could be signed with",
            ),
            _ => Ok(()),
        },
        _ if alg.is_some_and(|alg| alg != "HS256" && !jwk::ALGORITHMS.contains(&alg)) => {
            refuse(name, "is not supported")
        }
        _ => Ok(()),
    }
}

/// Core §6.1, Registration §2: request objects are signed with what this server verifies, or `none`.
fn request_objects_can_be_read(client: &Client) -> Result<(), RegistrationError> {
    match client.request_object_signing_alg.as_deref() {
        Some(alg) if !request_object::ALGORITHMS.contains(&alg) => refuse(
            "request_object_signing_alg",
            &format!("must be one of {}", request_object::ALGORITHMS.join(", ")),
        ),
        _ => Ok(()),
    }
}
