//! The authorization endpoint: what is checked, and where a refusal goes.
//!
//! Three stages. [`identify`] reads who asks. [`trust`] decides whether answers may go where the request says; until
//! then a refusal is a [`PageError`] and can only become a page. [`check`] looks at the rest; its refusal is a
//! [`RedirectError`] and goes back to the client. The two types cannot be mixed up, so nobody is ever sent to an address
//! that was not registered (RFC 9700 §4.11).

use super::error::{AuthorizationError, AuthorizationErrorCode as Code};
use super::params::{Params, ParamsError, with_query};
use super::prompt::Prompts;
use super::scope::{self, Scope};
use super::{pkce, redirect_uri};
use crate::client::{AuthMethod, Client};
use crate::id::ClientId;
use crate::login::Asked;
use crate::problem::Problem;
use crate::time::Seconds;
use serde::{Deserialize, Serialize};

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

/// How an answer travels back (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
}

impl ResponseMode {
    /// All that are supported, for discovery.
    pub const SUPPORTED: &'static [&'static str] = &["query"];

    /// The mode by the name in a request.
    pub fn parse(text: &str) -> Option<ResponseMode> {
        (text == "query").then_some(ResponseMode::Query)
    }
}

/// An address that answers may go to. Made only by [`trust`], and again from a request that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    redirect_uri: String,
    state: Option<String>,
    response_mode: ResponseMode,
}

impl Trusted {
    /// Where answers go.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }
    /// What the client wants back, exactly.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
    /// How they travel.
    pub fn response_mode(&self) -> ResponseMode {
        self.response_mode
    }
}

/// A refusal that the client hears of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RedirectError {
    /// What it hears.
    pub error: AuthorizationError,
    /// Where.
    pub to: Trusted,
}

impl RedirectError {
    /// The `Location` of the answer; `iss` is this issuer.
    pub fn location(&self, iss: &str) -> String {
        redirect_location(&self.to, iss, Err(&self.error))
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
    /// The oldest acceptable authentication, in seconds; not negative.
    pub max_age: Option<Seconds>,
    /// Whom the client expects; never trusted.
    pub login_hint: Option<String>,
    /// An ID token, not verified yet.
    pub id_token_hint: Option<String>,
    /// Wanted authentication classes, best first.
    pub acr_values: Vec<String>,
    /// Wanted languages, best first.
    pub ui_locales: Vec<String>,
    /// How pages should look; accepted and without effect.
    pub display: Option<String>,
    /// PKCE challenge, S256.
    pub code_challenge: Option<String>,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// The `claims` parameter as it came; without effect, as discovery says.
    pub claims: Option<String>,
}

impl AuthorizationRequest {
    /// Where its answer goes.
    pub fn trusted(&self) -> Trusted {
        Trusted {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
            response_mode: self.response_mode,
        }
    }

    /// What it wants of the login. The caller adds whether consent has to be asked for anyway.
    pub fn asked(&self, test_client: bool) -> Asked {
        Asked {
            none: self.prompt.none,
            force_login: self.prompt.login,
            select_account: self.prompt.select_account,
            consent: self.prompt.consent,
            max_age: self.max_age,
            test_client,
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
    Ok(Trusted {
        redirect_uri: sent.to_owned(),
        state: params.owned("state"),
        response_mode: mode.unwrap_or_default(),
    })
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
    Ok(AuthorizationRequest {
        scope: scope_of(params, client)?,
        prompt: Prompts::parse(params.get("prompt").unwrap_or_default())?,
        max_age: max_age(params)?,
        code_challenge: code_challenge(params, client)?,
        client_id: client.id.clone(),
        redirect_uri: trusted.redirect_uri.clone(),
        state: trusted.state.clone(),
        response_mode: trusted.response_mode,
        nonce: params.owned("nonce"),
        login_hint: params.owned("login_hint"),
        id_token_hint: params.owned("id_token_hint"),
        acr_values: params.list("acr_values"),
        ui_locales: params.list("ui_locales"),
        display: params.owned("display"),
        claims: params.owned("claims"),
    })
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

/// OpenID Connect Core §3.1.2.6 and §6, §7.2.1: what this server leaves out is refused by its own code.
fn nothing_unsupported(params: &Params) -> Result<(), AuthorizationError> {
    for (name, code) in [
        ("request", Code::RequestNotSupported),
        ("request_uri", Code::RequestUriNotSupported),
        ("registration", Code::RegistrationNotSupported),
    ] {
        if params.has(name) {
            return refuse(code, &format!("The parameter {name} is not supported."));
        }
    }
    Ok(())
}

/// RFC 6749 §3.1.1: required, and only `code` (RFC 9700 §2.1.2).
fn response_type(params: &Params) -> Result<(), AuthorizationError> {
    match params.get("response_type") {
        Some("code") => Ok(()),
        Some(_) => refuse(
            Code::UnsupportedResponseType,
            "The only response_type is code.",
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
            "This response_mode is not supported; use query.",
        ),
        Some(Some(_)) | None => Ok(()),
    }
}

/// Core §3.1.2.1 and §3.1.2.2: `openid` is required, unknown values are ignored. RFC 6749 §4.1.2.1: what exists and is
/// not for this client is refused, so that its developer learns of it.
///
/// `offline_access` is kept without `prompt=consent` (Core §11 permits other conditions): a client that an administrator
/// registered for it needs nobody's consent for it.
fn scope_of(params: &Params, client: &Client) -> Result<Scope, AuthorizationError> {
    let Ok(asked) = Scope::parse(params.get("scope").unwrap_or_default()) else {
        return refuse(
            Code::InvalidScope,
            "The scope has a character that is not permitted.",
        );
    };
    let asked = asked.supported();
    if !asked.contains(scope::OPENID) {
        return refuse(Code::InvalidScope, "The scope openid is required.");
    }
    if let Some(beyond) = asked.beyond(&client.scopes) {
        let description = format!(
            "{}: this application is not registered for the scope {beyond}.",
            Problem::NotAllowed.code()
        );
        return refuse(Code::InvalidScope, &description);
    }
    Ok(asked)
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
            "max_age is a whole number of seconds.",
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
            "The code_challenge is not 43 characters of base64url.",
        ),
        (Some(_), _) => refuse(
            Code::InvalidRequest,
            "The code_challenge_method must be S256.",
        ),
    }
}

fn refuse<T>(code: Code, description: &str) -> Result<T, AuthorizationError> {
    Err(AuthorizationError::new(code, description))
}

/// The `Location` of an answer: the code or the error (RFC 6749 §4.1.2), `state` exactly as it came, and the issuer
/// against mix-up (RFC 9207 §2), behind whatever query the redirect URI already has. Send it with status 303 (RFC 9700
/// §4.12).
pub fn redirect_location(
    to: &Trusted,
    iss: &str,
    answer: Result<&str, &AuthorizationError>,
) -> String {
    let mut pairs = match answer {
        Ok(code) => vec![("code", code)],
        Err(error) => vec![
            ("error", error.code.as_str()),
            ("error_description", error.description.as_str()),
        ],
    };
    if let Some(state) = &to.state {
        pairs.push(("state", state));
    }
    pairs.push(("iss", iss));
    match to.response_mode {
        ResponseMode::Query => with_query(&to.redirect_uri, &pairs),
    }
}
