//! What this provider says of itself (OpenID Connect Discovery §3, RFC 8414 §2): only what works.

use super::answer::ResponseMode;
use super::{acr, claims, jwk, prompt, request_object, scope};
use crate::client::{AuthMethod, GrantType, SigningAlg};
use serde_json::{Value, json};

/// What differs between instances.
#[derive(Clone, Debug)]
pub struct Options {
    /// Ways for clients to authenticate.
    pub auth_methods: Vec<AuthMethod>,
    /// Algorithms that there are keys for, or will be as soon as a client wants one.
    pub id_token_algs: Vec<SigningAlg>,
    /// Whether devices without a browser may ask.
    pub device_grant: bool,
    /// Authentication classes that logins reach.
    pub acr_values: Vec<String>,
    /// Whether clients can register themselves.
    pub registration: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            auth_methods: AuthMethod::ALL.to_vec(),
            id_token_algs: SigningAlg::ALL.to_vec(),
            device_grant: false,
            acr_values: acr::SUPPORTED.map(str::to_owned).to_vec(),
            registration: false,
        }
    }
}

/// Where the endpoints are, below the issuer.
pub mod path {
    /// `authorization_endpoint`.
    pub const AUTHORIZE: &str = "/authorize";
    /// `token_endpoint`.
    pub const TOKEN: &str = "/token";
    /// `userinfo_endpoint`.
    pub const USERINFO: &str = "/userinfo";
    /// `jwks_uri`.
    pub const JWKS: &str = "/jwks.json";
    /// `introspection_endpoint`.
    pub const INTROSPECT: &str = "/introspect";
    /// `revocation_endpoint`.
    pub const REVOKE: &str = "/revoke";
    /// `device_authorization_endpoint`.
    pub const DEVICE_AUTHORIZATION: &str = "/device_authorization";
    /// `registration_endpoint`; below it each client's own place.
    pub const REGISTER: &str = "/register";
    /// `end_session_endpoint`.
    pub const END_SESSION: &str = "/logout";
    /// Discovery itself (Discovery §4).
    pub const DISCOVERY: &str = "/.well-known/openid-configuration";
    /// The same facts for clients of OAuth alone (RFC 8414 §3).
    pub const OAUTH: &str = "/.well-known/oauth-authorization-server";
}

/// The document. `issuer` has no slash at its end.
pub fn metadata(issuer: &str, options: &Options) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    let methods: Vec<&str> = options.auth_methods.iter().map(|m| m.as_str()).collect();
    let algs: Vec<&str> = options.id_token_algs.iter().map(|a| a.as_str()).collect();
    // RFC 7662 §2.1: who asks about tokens must authenticate.
    let asking = options
        .auth_methods
        .iter()
        .filter(|m| **m != AuthMethod::None);
    let asking: Vec<&str> = asking.map(|m| m.as_str()).collect();
    let grants = GrantType::ALL
        .into_iter()
        .filter(|grant| options.device_grant || *grant != GrantType::DeviceCode);
    let grants: Vec<&str> = grants.map(GrantType::as_str).collect();
    let assertion_algs = [&["HS256"][..], &jwk::ALGORITHMS].concat();
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": at(path::AUTHORIZE),
        "token_endpoint": at(path::TOKEN),
        "userinfo_endpoint": at(path::USERINFO),
        "jwks_uri": at(path::JWKS),
        "end_session_endpoint": at(path::END_SESSION),
        "scopes_supported": scope::SUPPORTED,
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::SUPPORTED,
        "grant_types_supported": grants,
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algs,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "introspection_endpoint": at(path::INTROSPECT),
        "introspection_endpoint_auth_methods_supported": asking,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "revocation_endpoint": at(path::REVOKE),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "claims_supported": claims::supported(),
        "acr_values_supported": options.acr_values,
        "prompt_values_supported": prompt::SUPPORTED,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "request_object_signing_alg_values_supported": request_object::ALGORITHMS,
        "userinfo_signing_alg_values_supported": algs,
    });
    if options.device_grant
        && let Some(members) = metadata.as_object_mut()
    {
        let endpoint = at(path::DEVICE_AUTHORIZATION);
        members.insert("device_authorization_endpoint".into(), endpoint.into());
    }
    if options.registration
        && let Some(members) = metadata.as_object_mut()
    {
        members.insert("registration_endpoint".into(), at(path::REGISTER).into());
    }
    metadata
}
