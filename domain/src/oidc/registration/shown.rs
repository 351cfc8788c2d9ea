//! A client's metadata as it is registered (RFC 7591 §3.2.1).

use crate::client::{ApplicationType, Client, GrantType, SigningAlg, SubjectType};
use crate::oidc::scope::OPENID;
use serde_json::{Map, Value, json};

/// The members that a registration may name; others are ignored.
pub const MEMBERS: [&str; 30] = [
    "client_name",
    "redirect_uris",
    "response_types",
    "grant_types",
    "application_type",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_object_signing_alg",
    "request_uris",
    "subject_type",
    "sector_identifier_uri",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "contacts",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "initiate_login_uri",
    "scope",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
];

/// Every value as it stands, defaults among them, under the names of Dynamic Client Registration §2. [`super::read`]
/// reads it back.
pub fn metadata(client: &Client) -> Map<String, Value> {
    let grant_types: Vec<&str> = client.grant_types.iter().map(|g| g.as_str()).collect();
    let code = client.may(GrantType::AuthorizationCode).then_some("code");
    let scopes = std::iter::once(OPENID).chain(client.scopes.iter().map(String::as_str));
    let mut all = json!({
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "response_types": Vec::from_iter(code),
        "grant_types": grant_types,
        "application_type": match client.application_type {
            ApplicationType::Web => "web",
            ApplicationType::Native => "native",
        },
        "token_endpoint_auth_method": client.auth_method.as_str(),
        "id_token_signed_response_alg": client.id_token_signed_response_alg.as_str(),
        "subject_type": match client.subject_type {
            SubjectType::Public => "public",
            SubjectType::Pairwise => "pairwise",
        },
        "scope": scopes.collect::<Vec<_>>().join(" "),
        "require_auth_time": client.require_auth_time,
        "backchannel_logout_session_required": client.backchannel_logout_session_required,
        "frontchannel_logout_session_required": client.frontchannel_logout_session_required,
    });
    if let Some(members) = all.as_object_mut() {
        members.extend(optional(client));
    }
    match all {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// What is there only where it was said.
fn optional(client: &Client) -> impl Iterator<Item = (String, Value)> {
    let alg = |alg: Option<SigningAlg>| json!(alg.map(SigningAlg::as_str));
    let all = [
        (
            "post_logout_redirect_uris",
            json!(client.post_logout_redirect_uris),
        ),
        (
            "backchannel_logout_uri",
            json!(client.backchannel_logout_uri),
        ),
        (
            "frontchannel_logout_uri",
            json!(client.frontchannel_logout_uri),
        ),
        (
            "token_endpoint_auth_signing_alg",
            json!(client.token_endpoint_auth_signing_alg),
        ),
        ("jwks", json!(client.jwks)),
        ("jwks_uri", json!(client.jwks_uri)),
        (
            "userinfo_signed_response_alg",
            alg(client.userinfo_signed_response_alg),
        ),
        (
            "request_object_signing_alg",
            json!(client.request_object_signing_alg),
        ),
        ("request_uris", json!(client.request_uris)),
        ("sector_identifier_uri", json!(client.sector_identifier_uri)),
        ("default_max_age", json!(client.default_max_age)),
        ("default_acr_values", json!(client.default_acr_values)),
        ("contacts", json!(client.contacts)),
        ("client_uri", json!(client.client_uri)),
        ("logo_uri", json!(client.logo_uri)),
        ("policy_uri", json!(client.policy_uri)),
        ("tos_uri", json!(client.tos_uri)),
        ("initiate_login_uri", json!(client.initiate_login_uri)),
    ];
    let said = |value: &Value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let said = all.into_iter().filter(move |(_, value)| said(value));
    said.map(|(name, value)| (name.to_owned(), value))
}
