//! What this provider says of itself (OpenID Connect Discovery §3, RFC 8414 §2): only what works.

use super::authorization::ResponseMode;
use super::token::TokenRequest;
use super::{claims, prompt, scope};
use crate::client::{AuthMethod, SigningAlg};
use crate::login::requirement::{ACR_NUMBER_MATCH, ACR_SINGLE_FACTOR};
use serde_json::{Value, json};

/// What differs between instances.
#[derive(Clone, Debug)]
pub struct Options {
    /// Ways for clients to authenticate.
    pub auth_methods: Vec<AuthMethod>,
    /// Algorithms that there are keys for, or will be as soon as a client wants one.
    pub id_token_algs: Vec<SigningAlg>,
    /// Authentication classes that logins reach.
    pub acr_values: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            auth_methods: vec![
                AuthMethod::ClientSecretBasic,
                AuthMethod::ClientSecretPost,
                AuthMethod::None,
            ],
            id_token_algs: SigningAlg::ALL.to_vec(),
            acr_values: vec![ACR_NUMBER_MATCH.to_owned(), ACR_SINGLE_FACTOR.to_owned()],
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
    json!({
        "issuer": issuer,
        "authorization_endpoint": at(path::AUTHORIZE),
        "token_endpoint": at(path::TOKEN),
        "userinfo_endpoint": at(path::USERINFO),
        "jwks_uri": at(path::JWKS),
        "end_session_endpoint": at(path::END_SESSION),
        "scopes_supported": scope::SUPPORTED,
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::SUPPORTED,
        "grant_types_supported": TokenRequest::GRANT_TYPES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algs,
        "token_endpoint_auth_methods_supported": methods,
        "claims_supported": claims::supported(),
        "acr_values_supported": options.acr_values,
        "prompt_values_supported": prompt::SUPPORTED,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    })
}
