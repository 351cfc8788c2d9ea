//! Logging out, begun here (RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::cookies;
use crate::portal::Portal;
use crate::sessions::Person;
use crate::views::{Message, View, see_other};
use crate::words;

/// For how long after a log-out the next log-in asks which account, in seconds.
const ASKS_AGAIN_S: i64 = 30 * 24 * 60 * 60;

/// Ends the portal's own session first, so that closing the window now leaves nothing open here,
/// and then asks the provider to end its session.
pub(crate) async fn end(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Response {
    let cookie = portal.cookies.get(&headers, cookies::SESSION);
    let person = cookie.and_then(|cookie| portal.sessions.end(&cookie));
    let forget = portal.cookies.clear(cookies::SESSION);
    let asks_again = portal.cookies.set(cookies::LEFT, "1", Some(ASKS_AGAIN_S));
    let url = provider_logout(&portal, person.as_deref()).await;
    let url = url.as_deref().unwrap_or("/logged-out");
    see_other(url, vec![forget, asks_again])
}

/// The provider's log-out page. A browser without a session goes there as well: whoever presses
/// the button on an old page wants to be logged out everywhere. No way back is asked for: the provider's own page says
/// what ended and what could not be reached, and links back here.
async fn provider_logout(portal: &Portal, person: Option<&Person>) -> Option<String> {
    let known = portal.provider.known().await.ok()?;
    let mut url = known.end_session_endpoint()?.url().clone();
    let mut query = url.query_pairs_mut();
    if let Some(person) = person {
        query.append_pair("id_token_hint", person.id_token.expose());
    }
    query.append_pair("client_id", portal.provider.client_id.as_str());
    drop(query);
    Some(url.into())
}

/// The page after a log-out. It says what is known here: what became of the provider's session its own page has said.
pub(crate) async fn ended(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Response {
    let view = View::passing(&portal, &headers);
    if view.signed_in() {
        return see_other("/", vec![]);
    }
    let config = &portal.config;
    let message = Message::new(words::logged_out(&config.portal_name))
        .says(words::provider_may_be_open(&config.brand))
        .leads("/login", words::LOG_IN);
    view.message(StatusCode::OK, message)
}
