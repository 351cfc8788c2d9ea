//! Logging out, begun here (RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};

use crate::cookies;
use crate::crypto;
use crate::params::Params;
use crate::portal::Portal;
use crate::sessions::Person;
use crate::views::{Message, View, see_other};
use crate::words;

/// How long the provider's question which account to log out may stay open, in seconds.
const LOGOUT_LIFETIME_S: i64 = 30 * 60;

/// Ends the portal's own session first, so that closing the window now leaves nothing open here,
/// and then asks the provider to end its session.
pub(crate) async fn end(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Response {
    let cookie = portal.cookies.get(&headers, cookies::SESSION);
    let person = cookie.and_then(|cookie| portal.sessions.end(&cookie));
    let forget = portal.cookies.clear(cookies::SESSION);
    let state = crypto::random_token();
    match provider_logout(&portal, person.as_deref(), &state).await {
        Some(url) => {
            let expect = portal
                .cookies
                .set(cookies::LOGOUT, &state, Some(LOGOUT_LIFETIME_S));
            see_other(&url, vec![forget, expect])
        }
        None => see_other("/logged-out", vec![forget]),
    }
}

/// The provider's log-out page. A browser without a session goes there as well: whoever presses
/// the button on an old page wants to be logged out everywhere.
async fn provider_logout(portal: &Portal, person: Option<&Person>, state: &str) -> Option<String> {
    let known = portal.provider.known().await.ok()?;
    let mut url = known.end_session_endpoint()?.url().clone();
    let back = format!("{}/logged-out", portal.origin);
    let mut query = url.query_pairs_mut();
    if let Some(person) = person {
        query.append_pair("id_token_hint", person.id_token.expose());
    }
    query
        .append_pair("client_id", portal.provider.client_id.as_str())
        .append_pair("post_logout_redirect_uri", &back)
        .append_pair("state", state);
    drop(query);
    Some(url.into())
}

/// The page after a log-out. It says what is known: whether the provider was asked shows in the
/// `state` that comes back.
pub(crate) async fn ended(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let view = View::passing(&portal, &headers);
    if view.signed_in() {
        return see_other("/", vec![]);
    }
    let expected = portal.cookies.get(&headers, cookies::LOGOUT);
    let params = Params::parse(uri.query().unwrap_or(""));
    let came_back = match (params.first("state"), expected) {
        (Some(state), Some(expected)) => crypto::same(state, &expected),
        _ => false,
    };
    let config = &portal.config;
    let rest = if came_back {
        words::provider_was_asked(&config.brand)
    } else {
        words::provider_may_be_open(&config.brand)
    };
    let message = Message::new(words::logged_out(&config.portal_name))
        .says(rest)
        .leads("/login", words::LOG_IN);
    view.message(StatusCode::OK, message)
}
