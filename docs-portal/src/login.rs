//! Logging in: the choice, the authorization request, the answer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{CsrfToken, LoginHint, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope};
use url::Url;

use crate::attempts::{ATTEMPT_LIFETIME_S, Attempt};
use crate::cookies;
use crate::crypto;
use crate::params::{self, Params};
use crate::portal::Portal;
use crate::sign_in::{self, SignInError};
use crate::views::{LoginPage, Message, View, see_other};
use crate::words;

/// The longest `login_hint` that is passed on, in bytes.
const LOGIN_HINT_BYTES_MAX: usize = 320;
/// The most that is shown of an error text from the provider, in characters.
const ERROR_CHARS_MAX: usize = 500;

/// S2, the choice of how to log in. Whoever is signed in already goes on.
pub(crate) async fn choose(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::parse(uri.query().unwrap_or(""));
    let next = params::safe_next(params.first("next"), &portal.origin);
    let view = View::passing(&portal, &headers);
    if view.signed_in() {
        return see_other(&next, vec![]);
    }
    let config = &portal.config;
    let heading = words::log_in_to(&config.portal_name);
    let page = LoginPage {
        frame: view.frame(heading.clone(), false),
        heading,
        button: words::log_in_with(&config.brand),
        start_href: start_href(&next),
        for_whom: words::for_whom(&config.brand),
        without_account: words::without_account(&config.brand),
    };
    view.answer(StatusCode::OK, &page)
}

/// Begins a log-in: remembers an attempt and goes to the provider (Core §3.1.2.1, with PKCE).
pub(crate) async fn start(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::parse(uri.query().unwrap_or(""));
    let next = params::safe_next(params.first("next"), &portal.origin);
    let known = match portal.provider.known().await {
        Ok(known) => known,
        Err(error) => {
            let view = View::passing(&portal, &headers);
            return unavailable(&view, &next, &SignInError::from(error));
        }
    };
    let client = portal.provider.client(&known);
    // Four random values of 256 bits, one for each purpose.
    let (state, nonce) = (crypto::random_token(), crypto::random_token());
    let verifier = PkceCodeVerifier::new(crypto::random_token());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    let (sent_state, sent_nonce) = (state.clone(), nonce.clone());
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(sent_state),
            move || Nonce::new(sent_nonce),
        )
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge);
    if let Some(hint) = params.first("login_hint").filter(|hint| is_hint(hint)) {
        request = request.set_login_hint(LoginHint::new(hint.to_owned()));
    }
    // After a log-out nobody is signed in again unasked, and switching is a choice.
    let left = portal.cookies.get(&headers, cookies::LEFT).is_some();
    if left || params.first("choose").is_some() {
        request = request.add_prompt(CoreAuthPrompt::SelectAccount);
    }
    let (url, _, _) = request.url();
    let now = portal.now();
    let browser = browser(&portal, &headers, now);
    let verifier = verifier.secret().clone();
    portal.attempts.add(
        &browser,
        Attempt {
            state,
            nonce,
            verifier,
            next,
            created_at: now,
        },
    );
    let cookie = portal
        .cookies
        .set(cookies::LOGIN, &browser, Some(ATTEMPT_LIFETIME_S));
    see_other(url.as_str(), vec![cookie])
}

/// The browser's own value: kept while it has attempts open, so that its tabs share it, and never
/// taken over from a cookie that the portal does not know.
fn browser(portal: &Portal, headers: &HeaderMap, now: i64) -> String {
    portal
        .cookies
        .get(headers, cookies::LOGIN)
        .filter(|value| crypto::looks_like_token(value) && portal.attempts.knows(value, now))
        .unwrap_or_else(crypto::random_token)
}

/// The provider's answer (Core §3.1.2.5, RFC 9207).
pub(crate) async fn callback(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let view = View::passing(&portal, &headers);
    let Ok(params) = Params::parse(uri.query().unwrap_or("")).each_once() else {
        return not_logged_in(&view, words::ANSWER_UNCLEAR, "a parameter is repeated");
    };
    let Some(attempt) = take_attempt(&portal, &headers, &params) else {
        return used_or_expired(&view, &headers);
    };
    let view = view.coming_back_to(&attempt.next);
    // Who answered is checked before anything the answer says, errors included.
    if !params
        .first("iss")
        .is_some_and(|iss| is_from_provider(&portal, iss))
    {
        return not_logged_in(&view, words::ANSWER_FOREIGN, "`iss` is not the provider");
    }
    if let Some(error) = params.first("error") {
        return refused(&view, error, params.first("error_description"));
    }
    let Some(code) = params.first("code").filter(|code| !code.is_empty()) else {
        return not_logged_in(&view, words::ANSWER_UNCLEAR, "there is no code");
    };
    finish(&portal, &view, code, attempt, &headers).await
}

async fn finish(
    portal: &Portal,
    view: &View<'_>,
    code: &str,
    attempt: Attempt,
    headers: &HeaderMap,
) -> Response {
    let next = attempt.next.clone();
    match sign_in::redeem(&portal.provider, code, attempt).await {
        Ok(person) => {
            if let Some(old) = portal.cookies.get(headers, cookies::SESSION) {
                portal.sessions.end(&old);
            }
            let lifetime_s = portal.config.signed_in_for_s;
            let session = portal.sessions.open(person, portal.now(), lifetime_s);
            let signed_in = portal.cookies.set(cookies::SESSION, &session, None);
            see_other(&next, vec![signed_in, portal.cookies.clear(cookies::LEFT)])
        }
        Err(error) if error.is_unavailable() => unavailable(view, &next, &error),
        Err(error) => {
            let message = failed(view, words::ANSWER_UNPROVEN).logged(&error.to_string());
            view.message(StatusCode::BAD_GATEWAY, message)
        }
    }
}

fn take_attempt(portal: &Portal, headers: &HeaderMap, params: &Params) -> Option<Attempt> {
    let browser = portal.cookies.get(headers, cookies::LOGIN)?;
    portal
        .attempts
        .take(&browser, params.first("state")?, portal.now())
}

/// The issuer of the discovery that the attempt began with, byte for byte.
fn is_from_provider(portal: &Portal, iss: &str) -> bool {
    portal
        .provider
        .cached()
        .is_some_and(|known| known.issuer() == iss)
}

/// The answer came again, or too late, or to another browser. Whoever is signed in is where they
/// wanted to be.
fn used_or_expired(view: &View<'_>, headers: &HeaderMap) -> Response {
    if view.signed_in() {
        return see_other("/", vec![]);
    }
    let without_cookies = view.portal.cookies.get(headers, cookies::LOGIN).is_none();
    let (code, help) = if without_cookies {
        ("SES-202", words::ALLOW_COOKIES)
    } else {
        ("SES-201", words::USED_OR_EXPIRED_WHY)
    };
    let message = Message::new(words::USED_OR_EXPIRED)
        .says(help)
        .detail(words::CODE, code)
        .logged("no open attempt fits the answer")
        .leads(&view.login_href(), words::LOG_IN);
    view.message(StatusCode::BAD_REQUEST, message)
}

/// The provider says no (Core §3.1.2.6).
fn refused(view: &View<'_>, error: &str, description: Option<&str>) -> Response {
    let clip = |text: &str| -> String {
        text.chars()
            .filter(|c| !c.is_control())
            .take(ERROR_CHARS_MAX)
            .collect()
    };
    let error = clip(error);
    let mut message = Message::new(words::NOT_LOGGED_IN).says(words::PROVIDER_REFUSED);
    if let Some(description) = description.map(clip).filter(|text| !text.is_empty()) {
        message = message.says(description);
    }
    let status = match error.as_str() {
        "temporarily_unavailable" | "server_error" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    };
    let message = message
        .detail(words::ANSWER, error.clone())
        .logged(&format!("the provider answered with the error {error:?}"))
        .leads(&view.login_href(), words::LOG_IN);
    view.message(status, message)
}

fn failed(view: &View<'_>, why: &str) -> Message {
    Message::new(words::NOT_LOGGED_IN)
        .says(why)
        .leads(&view.login_href(), words::LOG_IN)
}

fn not_logged_in(view: &View<'_>, why: &str, reason: &str) -> Response {
    view.message(StatusCode::BAD_REQUEST, failed(view, why).logged(reason))
}

fn unavailable(view: &View<'_>, next: &str, error: &SignInError) -> Response {
    let message = Message::new(words::UNAVAILABLE)
        .says(words::UNAVAILABLE_WHY)
        .logged(&error.to_string())
        .leads(&start_href(next), words::TRY_AGAIN);
    view.message(StatusCode::SERVICE_UNAVAILABLE, message)
}

fn start_href(next: &str) -> String {
    if next == "/" {
        "/auth/start".to_owned()
    } else {
        params::with_param("/auth/start", "next", next)
    }
}

fn is_hint(hint: &str) -> bool {
    !hint.is_empty() && hint.len() <= LOGIN_HINT_BYTES_MAX && !hint.chars().any(char::is_control)
}

/// A log-in that begins at the provider or elsewhere (Core §4).
pub(crate) async fn initiate(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    initiated(&portal, &headers, uri.query().unwrap_or(""))
}

/// The same by a form. It only redirects: the browser then shows the cookies that it keeps back
/// from a form of another site.
pub(crate) async fn initiate_post(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = body
        .ok()
        .and_then(|body| String::from_utf8(body.to_vec()).ok());
    initiated(&portal, &headers, form.as_deref().unwrap_or(""))
}

fn initiated(portal: &Portal, headers: &HeaderMap, text: &str) -> Response {
    let params = Params::parse(text).each_once().ok();
    let iss = params.as_ref().and_then(|params| params.first("iss"));
    let (Some(params), true) = (
        &params,
        iss.is_some_and(|iss| portal.provider.is_issuer(iss)),
    ) else {
        let view = View::passing(portal, headers);
        return not_logged_in(
            &view,
            words::ANSWER_FOREIGN,
            "a log-in for another provider",
        );
    };
    let target = params
        .first("target_link_uri")
        .and_then(|target| own_path(portal, target));
    let next = params::safe_next(target.as_deref(), &portal.origin);
    let mut start = start_href(&next);
    if let Some(hint) = params.first("login_hint").filter(|hint| is_hint(hint)) {
        let hint = params::with_param("", "login_hint", hint);
        let hint = hint.trim_start_matches('?');
        start.push(if start.contains('?') { '&' } else { '?' });
        start.push_str(hint);
    }
    see_other(&start, vec![])
}

/// The path of an address of this portal; `None` for any other.
fn own_path(portal: &Portal, target: &str) -> Option<String> {
    let url = Url::parse(target).ok()?;
    if url.origin().ascii_serialization() != portal.origin {
        return None;
    }
    Some(match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}
