//! The authorization endpoint: what is checked, and where a refusal goes.
//!
//! Three stages. [`identify`] reads who asks. [`trust`] decides whether answers may go where the request says; until
//! then a refusal is a [`PageError`] and can only become a page. [`check`] looks at the rest; its refusal is a
//! [`RedirectError`] and goes back to the client. The two types cannot be mixed up, so nobody is ever sent to an address
//! that was not registered (RFC 9700 §4.11).

use super::answer::{RedirectError, ResponseMode, Trusted};
use super::claims_request::ClaimsRequest;
use super::error::{AuthorizationError, AuthorizationErrorCode as Code};
use super::params::{Params, ParamsError};
use super::prompt::Prompts;
use super::scope::{self, Scope};
use super::{acr, claims, pkce, redirect_uri};
use crate::client::{AuthMethod, Client, GrantType};
use crate::id::{AccountId, ClientId};
use crate::login::Asked;
use crate::problem::Problem;
use crate::time::Seconds;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A refusal that must stay on a page of this server: nobody can say where else it may go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {sentence}", problem.code())]
pub struct PageError {
    /// REQ-101 unknown client, REQ-102 redirect URI, REQ-103 malformed or unsupported.
    pub problem: Problem,
    /// For the client's developer.
    pub sentence: String,
    /// What was sent beside what is registered; only for clients in development.
    pub comparison: Option<Comparison>,
}

/// What a developer needs to see to mend a redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The value of the request.
    pub sent: String,
    /// The values of the registration.
    pub registered: Vec<String>,
}

impl PageError {
    fn new(problem: Problem, sentence: impl Into<String>) -> PageError {
        PageError {
            problem,
            sentence: sentence.into(),
            comparison: None,
        }
    }

    /// No client has this `client_id`.
    pub fn unknown_client() -> PageError {
        PageError::new(
            Problem::UnknownClient,
            "No application is registered with this client_id.",
        )
    }
}

impl From<ParamsError> for PageError {
    fn from(error: ParamsError) -> PageError {
        PageError::new(
            Problem::Unsupported,
            format!("The request cannot be read: {error}."),
        )
    }
}

/// The checked parameters of one request. It holds no secret, so it can be stored with the login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes; registered.
    pub redirect_uri: String,
    /// Returned exactly.
    pub state: Option<String>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// What is asked for: supported, permitted to the client, with `openid`.
    pub scope: Scope,
    /// Which pages are wanted.
    pub prompt: Prompts,
    /// The oldest acceptable authentication, in seconds; not negative. The client's default where the request has none.
    pub max_age: Option<Seconds>,
    /// Whom the client expects; never trusted.
    pub login_hint: Option<String>,
    /// An ID token, not verified yet.
    pub id_token_hint: Option<String>,
    /// Wanted authentication classes, best first; the client's default where the request has none.
    pub acr_values: Vec<String>,
    /// Wanted languages, best first.
    pub ui_locales: Vec<String>,
    /// How pages should look; accepted and without effect.
    pub display: Option<String>,
    /// PKCE challenge, S256.
    pub code_challenge: Option<String>,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// Claims asked for by name.
    #[serde(default)]
    pub claims: ClaimsRequest,
}

impl AuthorizationRequest {
    /// Where its answer goes.
    pub fn trusted(&self) -> Trusted {
        Trusted::new(&self.redirect_uri, self.state.clone(), self.response_mode)
    }

    /// Claims about the person that are asked for by name and do not come with a scope; consent has to name them.
    pub fn claims_beyond_scope(&self) -> BTreeSet<String> {
        let mut names = self.claims.about_the_person();
        for name in claims::of_scope(&self.scope) {
            names.remove(name);
        }
        names
    }

    /// What it wants of the login. `only` is the account that it insists on (`sub` with a value, or `id_token_hint`).
    pub fn asked(&self, client: &Client, only: Option<AccountId>) -> Asked {
        Asked {
            none: self.prompt.none,
            force_login: self.prompt.login,
            select_account: self.prompt.select_account,
            consent: self.prompt.consent,
            approval: client.consent,
            max_age: self.max_age,
            strength: acr::strength(self),
            only,
            test_client: client.test,
        }
    }
}

/// Stage 1: who asks.
pub fn identify(params: &Params) -> Result<ClientId, PageError> {
    once(params, "client_id")?;
    match params.get("client_id") {
        Some(id) => Ok(ClientId::new(id)),
        None => Err(PageError::new(
            Problem::UnknownClient,
            "The request has no client_id.",
        )),
    }
}

/// Stage 2: where answers may go. The redirect URI is required and compared byte for byte (RFC 9700 §2.1), and nothing
/// that decides about the answer's way may be sent twice.
pub fn trust(params: &Params, client: &Client) -> Result<Trusted, PageError> {
    for name in ["redirect_uri", "state", "response_mode"] {
        once(params, name)?;
    }
    let Some(sent) = params.get("redirect_uri") else {
        return Err(PageError::new(
            Problem::RedirectUri,
            "The request has no redirect_uri.",
        ));
    };
    if !redirect_uri::is_registered(sent, client) {
        return Err(PageError {
            problem: Problem::RedirectUri,
            sentence: "The redirect_uri is not one of those registered, compared byte for byte."
                .into(),
            comparison: client.development.then(|| Comparison {
                sent: sent.to_owned(),
                registered: client.redirect_uris.clone(),
            }),
        });
    }
    let mode = params.get("response_mode").and_then(ResponseMode::parse);
    let mode = mode.unwrap_or_default();
    Ok(Trusted::new(sent, params.owned("state"), mode))
}

/// Where a refusal goes that came before stage 2, of the request object: to the redirect URI outside the object if that
/// one is trusted, otherwise to a page. What an object says that was not verified is never looked at.
pub fn refused_early(
    params: &Params,
    client: &Client,
    error: AuthorizationError,
) -> Result<RedirectError, PageError> {
    if !params.has("redirect_uri") {
        return Err(PageError::new(
            Problem::Unsupported,
            error.description.as_str(),
        ));
    }
    let to = trust(params, client)?;
    Ok(RedirectError { error, to })
}

/// RFC 6749 §3.1: a parameter is sent once.
fn once(params: &Params, name: &str) -> Result<(), PageError> {
    if params.is_repeated(name) {
        let sentence = format!("The parameter {name} is sent more than once.");
        return Err(PageError::new(Problem::Unsupported, sentence));
    }
    Ok(())
}

/// Stage 3: everything else. `trusted` is what [`trust`] made of the same parameters.
pub fn check(
    params: &Params,
    client: &Client,
    trusted: &Trusted,
) -> Result<AuthorizationRequest, RedirectError> {
    request(params, client, trusted).map_err(|error| RedirectError {
        error,
        to: trusted.clone(),
    })
}

fn request(
    params: &Params,
    client: &Client,
    trusted: &Trusted,
) -> Result<AuthorizationRequest, AuthorizationError> {
    nothing_repeated(params)?;
    nothing_unsupported(params)?;
    response_type(params)?;
    response_mode(params)?;
    grant_type(client)?;
    let request = AuthorizationRequest {
        scope: scope_of(params, client)?,
        prompt: Prompts::parse(params.get("prompt").unwrap_or_default())?,
        max_age: max_age(params)?.or(client.default_max_age),
        code_challenge: code_challenge(params, client)?,
        client_id: client.id.clone(),
        redirect_uri: trusted.redirect_uri().to_owned(),
        state: trusted.state().map(str::to_owned),
        response_mode: trusted.response_mode(),
        nonce: params.owned("nonce"),
        login_hint: params.owned("login_hint"),
        id_token_hint: params.owned("id_token_hint"),
        acr_values: acr_values(params, client),
        ui_locales: params.list("ui_locales"),
        display: params.owned("display"),
        claims: claims_of(params)?,
    };
    acr::reachable(&request)?;
    Ok(request)
}

/// RFC 6749 §3.1: no parameter is sent more than once, known or not.
fn nothing_repeated(params: &Params) -> Result<(), AuthorizationError> {
    match params.repeated().first() {
        Some(name) => refuse(
            Code::InvalidRequest,
            &format!("The parameter {name} is sent more than once."),
        ),
        None => Ok(()),
    }
}

/// OpenID Connect Core §3.1.2.6, §7.2.1: what this server leaves out is refused by its own code.
fn nothing_unsupported(params: &Params) -> Result<(), AuthorizationError> {
    if params.has("registration") {
        return refuse(
            Code::RegistrationNotSupported,
            "The parameter registration is not supported.",
        );
    }
    Ok(())
}

/// RFC 6749 §4.1.2.1: a client that was not registered for codes gets none.
fn grant_type(client: &Client) -> Result<(), AuthorizationError> {
    match client.may(GrantType::AuthorizationCode) {
        true => Ok(()),
        false => refuse(
            Code::UnauthorizedClient,
            "The client is not registered for the grant_type authorization_code.",
        ),
    }
}

/// Core §5.5: JSON of its form; §5.2, §3.1.2.1: `claims_locales` is accepted, and everything here has one language.
fn claims_of(params: &Params) -> Result<ClaimsRequest, AuthorizationError> {
    match params.get("claims") {
        Some(text) => ClaimsRequest::parse(text),
        None => Ok(ClaimsRequest::default()),
    }
}

/// Core §3.1.2.1; Dynamic Client Registration §2: `default_acr_values` where the request has none.
fn acr_values(params: &Params, client: &Client) -> Vec<String> {
    match params.has("acr_values") {
        true => params.list("acr_values"),
        false => client.default_acr_values.clone(),
    }
}

/// RFC 6749 §3.1.1: required, and only `code` (RFC 9700 §2.1.2).
fn response_type(params: &Params) -> Result<(), AuthorizationError> {
    match params.get("response_type") {
        Some("code") => Ok(()),
        Some(_) => refuse(
            Code::UnsupportedResponseType,
            "The parameter response_type must be code.",
        ),
        None => refuse(
            Code::InvalidRequest,
            "The parameter response_type is missing.",
        ),
    }
}

/// OAuth 2.0 Multiple Response Types §2.1: a mode that is not supported is refused, by the default mode.
fn response_mode(params: &Params) -> Result<(), AuthorizationError> {
    match params.get("response_mode").map(ResponseMode::parse) {
        Some(None) => refuse(
            Code::InvalidRequest,
            "The parameter response_mode must be query or form_post.",
        ),
        Some(Some(_)) | None => Ok(()),
    }
}

/// Core §3.1.2.1 and §3.1.2.2: `openid` is required, unknown values are ignored. RFC 6749 §4.1.2.1: what exists and is
/// not for this client is refused, so that its developer learns of it.
///
/// `offline_access` is kept without `prompt=consent`. Core §11 would have it ignored unless other conditions permit it, and
/// one of two always does: an administrator registered the client for it, or the person's consent names it, given now or
/// remembered ([decision 16](../../../docs/decisions/0016-consent-and-offline-access.md)). For a client that gets no
/// refresh tokens it is left out ([`Scope::given_to`]).
fn scope_of(params: &Params, client: &Client) -> Result<Scope, AuthorizationError> {
    let Ok(asked) = Scope::parse(params.get("scope").unwrap_or_default()) else {
        return refuse(
            Code::InvalidScope,
            "The parameter scope has a character that is not permitted.",
        );
    };
    let asked = asked.supported();
    if !asked.contains(scope::OPENID) {
        return refuse(
            Code::InvalidScope,
            "The parameter scope must contain openid.",
        );
    }
    if let Some(beyond) = asked.beyond(&client.scopes) {
        let mut text = format!(
            "{}: this application is not registered for the scope {beyond}.",
            Problem::NotAllowed.code()
        );
        if client.development {
            let registered = client.scopes.join(" ");
            text.push_str(&format!(" Sent: {asked}. Registered: openid {registered}."));
        }
        return refuse(Code::InvalidScope, &text);
    }
    Ok(asked.given_to(client))
}

/// Core §3.1.2.1: a number of seconds, not negative.
fn max_age(params: &Params) -> Result<Option<Seconds>, AuthorizationError> {
    let Some(text) = params.get("max_age") else {
        return Ok(None);
    };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits => Ok(Some(seconds)),
        _ => refuse(
            Code::InvalidRequest,
            "The parameter max_age must be a whole number of seconds.",
        ),
    }
}

/// RFC 7636 §4.3 and §4.4.1: S256 only, and the method's default is `plain`, so it must be named. Only a confidential
/// client that was registered for it may come without a challenge.
fn code_challenge(params: &Params, client: &Client) -> Result<Option<String>, AuthorizationError> {
    let optional = client.pkce_optional && client.auth_method != AuthMethod::None;
    let method = params.get("code_challenge_method");
    match (params.get("code_challenge"), method) {
        (None, None) if optional => Ok(None),
        (None, _) => refuse(
            Code::InvalidRequest,
            &format!(
                "{}: the parameter code_challenge is missing.",
                Problem::PkceMissing.code()
            ),
        ),
        (Some(challenge), Some("S256")) if pkce::is_challenge(challenge) => {
            Ok(Some(challenge.to_owned()))
        }
        (Some(_), Some("S256")) => refuse(
            Code::InvalidRequest,
            "The parameter code_challenge must be 43 characters of base64url.",
        ),
        (Some(_), _) => refuse(
            Code::InvalidRequest,
            "The parameter code_challenge_method must be S256.",
        ),
    }
}

fn refuse<T>(code: Code, description: &str) -> Result<T, AuthorizationError> {
    Err(AuthorizationError::new(code, description))
}
