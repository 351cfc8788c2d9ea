//! What `clients add` and `clients update` can say of an application.

use crate::exit::Failure;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use techpass_domain::client::{LogoutStyle, Profile};
use techpass_domain::oidc::registration::MEMBERS;
use techpass_server::clients::Traits;

/// Each option stands for a member of Dynamic Client Registration, or for something only an administrator says.
#[derive(Debug, clap::Args)]
pub struct Fields {
    /// Where answers go; may be given several times.
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// client_secret_basic (usual), client_secret_post, client_secret_jwt, private_key_jwt or none.
    #[arg(long, value_name = "METHOD")]
    auth: Option<String>,
    /// The only algorithm its assertions may be signed with.
    #[arg(long, value_name = "ALG")]
    auth_alg: Option<String>,
    /// authorization_code, refresh_token, client_credentials or the device grant; may be given several times.
    #[arg(long, value_name = "TYPE")]
    grant_type: Vec<String>,
    /// A scope it may ask for; may be given several times (usual: all of OpenID Connect).
    #[arg(long)]
    scope: Vec<String>,
    /// Where people may go after log-out; may be given several times.
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// Where logout tokens go.
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// A page of its own that ends its session when a browser loads it.
    #[arg(long, value_name = "URI")]
    frontchannel_logout_uri: Option<String>,
    /// Whether that page must be told iss and sid.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    frontchannel_logout_session_required: Option<bool>,
    /// Where "Start again" leads, and where other sites send people to sign in.
    #[arg(long, value_name = "URI")]
    initiate_login_uri: Option<String>,
    /// What ID tokens are signed with: ES256 (usual), RS256, PS256 or EdDSA.
    #[arg(long)]
    alg: Option<String>,
    /// What UserInfo answers are signed with; plain JSON when left out.
    #[arg(long, value_name = "ALG")]
    userinfo_alg: Option<String>,
    /// The only algorithm its request objects may be signed with.
    #[arg(long, value_name = "ALG")]
    request_object_alg: Option<String>,
    /// Where it keeps request objects; may be given several times.
    #[arg(long, value_name = "URI")]
    request_uri: Vec<String>,
    /// Its public keys, a file with a JWK set.
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
    /// Where its public keys are.
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// public (usual) or pairwise.
    #[arg(long, value_name = "TYPE")]
    subject_type: Option<String>,
    /// A list of redirect URIs whose host is the sector of its pairwise subjects.
    #[arg(long, value_name = "URI")]
    sector_identifier_uri: Option<String>,
    /// max_age for requests without one, in seconds.
    #[arg(long, value_name = "SECONDS")]
    default_max_age: Option<i64>,
    /// acr_values for requests without them; may be given several times.
    #[arg(long, value_name = "ACR")]
    default_acr: Vec<String>,
    /// web (usual) or native.
    #[arg(long, value_name = "TYPE")]
    application_type: Option<String>,
    /// Whom to write to about it; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    contact: Vec<String>,
    /// Its home page.
    #[arg(long, value_name = "URI")]
    client_uri: Option<String>,
    /// Its picture.
    #[arg(long, value_name = "URI")]
    logo_uri: Option<String>,
    /// How it uses what it learns.
    #[arg(long, value_name = "URI")]
    policy_uri: Option<String>,
    /// Its terms.
    #[arg(long, value_name = "URI")]
    tos_uri: Option<String>,
    #[command(flatten)]
    own: Own,
}

/// What only an administrator says.
#[derive(Debug, clap::Args)]
struct Own {
    /// Ask people before it learns anything.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    consent: Option<bool>,
    /// ask (usual) or direct: what log-out does when it sends a person with a valid hint.
    #[arg(long, value_name = "STYLE")]
    logout: Option<String>,
    /// Which rules it is held to: oidc.
    #[arg(long)]
    profile: Option<String>,
    /// development (error pages show what was sent) or production (usual).
    #[arg(long)]
    state: Option<String>,
    /// The same as --state development.
    #[arg(long, conflicts_with = "state")]
    development: bool,
    /// A confidential client of the plain OpenID Connect profile that sends no PKCE.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pkce_optional: Option<bool>,
    /// A resource server: it may introspect every client's tokens, not only its own.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    introspects_all: Option<bool>,
    /// Marked for automated tests.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    test: Option<bool>,
    /// Itself a sign-in server whose answers travel on.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    broker: Option<bool>,
}

impl Fields {
    /// The members that were named, and the rest. Their values are judged by the rules of registration.
    pub fn wanted(self) -> Result<(Map<String, Value>, Traits), Failure> {
        let jwks = self.jwks_file.as_deref().map(jwks).transpose()?;
        let mut metadata = Map::new();
        for (name, value) in [
            ("token_endpoint_auth_method", self.auth),
            ("token_endpoint_auth_signing_alg", self.auth_alg),
            ("backchannel_logout_uri", self.backchannel_logout_uri),
            ("frontchannel_logout_uri", self.frontchannel_logout_uri),
            ("initiate_login_uri", self.initiate_login_uri),
            ("id_token_signed_response_alg", self.alg),
            ("userinfo_signed_response_alg", self.userinfo_alg),
            ("request_object_signing_alg", self.request_object_alg),
            ("jwks_uri", self.jwks_uri),
            ("subject_type", self.subject_type),
            ("sector_identifier_uri", self.sector_identifier_uri),
            ("application_type", self.application_type),
            ("client_uri", self.client_uri),
            ("logo_uri", self.logo_uri),
            ("policy_uri", self.policy_uri),
            ("tos_uri", self.tos_uri),
        ] {
            metadata.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        for (name, list) in [
            ("redirect_uris", self.redirect_uri),
            ("grant_types", self.grant_type),
            ("post_logout_redirect_uris", self.post_logout_redirect_uri),
            ("request_uris", self.request_uri),
            ("default_acr_values", self.default_acr),
            ("contacts", self.contact),
        ] {
            if !list.is_empty() {
                metadata.insert(name.to_owned(), list.into());
            }
        }
        if !self.scope.is_empty() {
            metadata.insert("scope".to_owned(), self.scope.join(" ").into());
        }
        let required = self.frontchannel_logout_session_required;
        for (name, value) in [
            ("jwks", jwks),
            ("default_max_age", self.default_max_age.map(Value::from)),
            (
                "frontchannel_logout_session_required",
                required.map(Value::from),
            ),
        ] {
            metadata.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok((metadata, self.own.traits()?))
    }
}

impl Own {
    fn traits(self) -> Result<Traits, Failure> {
        let logout = match self.logout.as_deref() {
            None => None,
            Some("ask") => Some(LogoutStyle::Ask),
            Some("direct") => Some(LogoutStyle::Direct),
            Some(_) => return Err(Failure::usage("--logout takes ask or direct")),
        };
        let profile = match self.profile.as_deref() {
            None => None,
            Some("oidc") => Some(Profile::Oidc),
            Some(_) => return Err(Failure::usage("--profile takes oidc")),
        };
        let development = match self.state.as_deref() {
            None => self.development.then_some(true),
            Some("development") => Some(true),
            Some("production") => Some(false),
            Some(_) => return Err(Failure::usage("--state takes development or production")),
        };
        Ok(Traits {
            test: self.test,
            broker: self.broker,
            development,
            consent: self.consent,
            pkce_optional: self.pkce_optional,
            introspects_all: self.introspects_all,
            logout,
            profile,
        })
    }
}

/// A JWK set from a file.
pub fn jwks(path: &Path) -> Result<Value, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::failed(format!("cannot read {shown}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::failed(format!("{shown}: {error}")))
}

/// Refuses the name of a member that there is not.
pub fn known(name: &str) -> Result<(), Failure> {
    match MEMBERS.contains(&name) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "there is no member {name}; the members are {}",
            MEMBERS.join(", ")
        ))),
    }
}
