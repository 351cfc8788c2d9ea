//! Log-out started by a client (OpenID Connect RP-Initiated Logout).

use super::params::{Params, with_query};
use crate::client::Client;
use crate::id::{ClientId, Sid};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The parameters of the end-session endpoint (§2); nothing in it is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndSessionRequest {
    /// An ID token, as it came.
    pub id_token_hint: Option<String>,
    /// Who sends the person.
    pub client_id: Option<ClientId>,
    /// Where the person wants to go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// Goes back with the person.
    pub state: Option<String>,
    /// Whom to log out, in words; never trusted.
    pub logout_hint: Option<String>,
    /// Wanted languages, best first.
    pub ui_locales: Vec<String>,
}

impl EndSessionRequest {
    /// Reads them from a query or form.
    pub fn parse(params: &Params) -> EndSessionRequest {
        EndSessionRequest {
            id_token_hint: params.owned("id_token_hint"),
            client_id: params.get("client_id").map(ClientId::new),
            post_logout_redirect_uri: params.owned("post_logout_redirect_uri"),
            state: params.owned("state"),
            logout_hint: params.owned("logout_hint"),
            ui_locales: params.list("ui_locales"),
        }
    }
}

/// Whom a verified `id_token_hint` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hinted {
    /// The client it was issued to.
    pub client: ClientId,
    /// `sub` as that client sees it.
    pub subject: String,
    /// The session entry.
    pub sid: Option<Sid>,
}

/// What became of `id_token_hint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// There was none.
    Absent,
    /// Not signed by us, malformed, or another issuer's. It also takes the way back (§2: such requests are not acted on).
    Invalid,
    /// One of ours, perhaps expired.
    Valid(Hinted),
}

/// Reads the claims of a hint whose signature was verified with a key of ours. An expired hint is still a hint (§2), but
/// one that has no end at all is none: that is a signed UserInfo answer (Core §5.3.2), not an ID token.
pub fn hint(claims: &Value, issuer: &str) -> Hint {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let ends = claims.get("exp").is_some_and(Value::is_i64);
    match (text("iss"), text("aud"), text("sub")) {
        (Some(iss), Some(aud), Some(sub)) if ends && iss == issuer => Hint::Valid(Hinted {
            client: ClientId::new(aud),
            subject: sub.to_owned(),
            sid: text("sid").map(Sid::new),
        }),
        _ => Hint::Invalid,
    }
}

/// Which client sent the person. §2: when both a hint and `client_id` are given they must agree; nobody is believed
/// when they do not, nor when the hint is invalid.
pub fn client_of(request: &EndSessionRequest, hint: &Hint) -> Option<ClientId> {
    match (hint, &request.client_id) {
        (Hint::Invalid, _) => None,
        (Hint::Absent, named) => named.clone(),
        (Hint::Valid(hinted), None) => Some(hinted.client.clone()),
        (Hint::Valid(hinted), Some(named)) => {
            (hinted.client == *named).then(|| hinted.client.clone())
        }
    }
}

/// Where a person may go after log-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    uri: String,
    state: Option<String>,
}

/// §3: only to an address that the client of [`client_of`] registered, byte for byte. Otherwise the person stays on the
/// page that says the log-out is done.
pub fn return_of(request: &EndSessionRequest, client: &Client) -> Option<Return> {
    let uri = request.post_logout_redirect_uri.as_ref()?;
    client
        .post_logout_redirect_uris
        .contains(uri)
        .then(|| Return {
            uri: uri.clone(),
            state: request.state.clone(),
        })
}

/// The `Location` after log-out; `state` exactly as it came, and only when it came (§2).
pub fn return_location(to: &Return) -> String {
    match &to.state {
        Some(state) => with_query(&to.uri, &[("state", state)]),
        None => to.uri.clone(),
    }
}
