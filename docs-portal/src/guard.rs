//! What holds for every request: the host, the length of the address, who may send forms, and the
//! headers of every answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use crate::backchannel;
use crate::portal::Portal;
use crate::views::{Message, View};
use crate::words;

/// The longest address that is answered, in bytes.
const ADDRESS_BYTES_MAX: usize = 8 * 1024;

/// Checks the request, lets it pass, and adds the headers to the answer.
pub(crate) async fn guard(
    State(portal): State<Arc<Portal>>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = match refusal(&portal, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    add_headers(&portal, answer.headers_mut());
    answer
}

fn refusal(portal: &Portal, request: &Request) -> Option<Response> {
    let (uri, headers) = (request.uri(), request.headers());
    let view = View::anonymous(portal);
    if let Err(host) = check_host(portal, uri, headers) {
        return Some(wrong_host(&view, &host));
    }
    if uri
        .path_and_query()
        .is_some_and(|path| path.as_str().len() > ADDRESS_BYTES_MAX)
    {
        return Some(view.message(
            StatusCode::URI_TOO_LONG,
            Message::new(words::ADDRESS_TOO_LONG).says(words::ADDRESS_TOO_LONG_WHY),
        ));
    }
    if changes_something(request) && !is_own_form(portal, headers) {
        tracing::warn!(path = uri.path(), "a form from another site was refused");
        return Some(
            view.message(
                StatusCode::FORBIDDEN,
                Message::new(words::FOREIGN_FORM)
                    .says(words::FOREIGN_FORM_WHY)
                    .leads("/", words::TO_START),
            ),
        );
    }
    None
}

/// The host as the browser said it, compared with the portal's own. A portal that answers to any
/// name can be made to build links to any name.
fn check_host(portal: &Portal, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
    let said = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or(""),
    };
    let own = portal.origin.split_once("://").map_or("", |(_, host)| host);
    let default_port = if portal.config.is_https() {
        ":443"
    } else {
        ":80"
    };
    let bare = said.strip_suffix(default_port).unwrap_or(said);
    if bare.eq_ignore_ascii_case(own) {
        Ok(())
    } else {
        Err(said.to_owned())
    }
}

fn wrong_host(view: &View<'_>, host: &str) -> Response {
    let origin = &view.portal.origin;
    let message = Message::new(words::WRONG_HOST)
        .says(words::wrong_host(host, origin))
        .detail(words::CODE, "REQ-109")
        .leads(&format!("{origin}/"), words::GO_THERE);
    view.message(StatusCode::MISDIRECTED_REQUEST, message)
}

/// The two addresses that other sites send forms to by design are not asked where they come from:
/// one is called by the provider's server, the other only redirects.
fn changes_something(request: &Request) -> bool {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    !safe && !matches!(request.uri().path(), backchannel::PATH | "/auth/initiate")
}

/// True for a form on one of the portal's own pages. Clients that send neither header are no
/// browser and have nobody's cookies.
fn is_own_form(portal: &Portal, headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let site_fits = matches!(site, None | Some(b"same-origin" | b"none"));
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let origin_fits = origin.is_none_or(|origin| origin == portal.origin.as_bytes());
    site_fits && origin_fits
}

fn add_headers(portal: &Portal, headers: &mut HeaderMap) {
    // A form post may be redirected to the provider (log-out), and Chromium applies `form-action`
    // to every hop.
    let issuer = portal.config.issuer.origin().ascii_serialization();
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {issuer}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`, which would turn the Origin of the portal's own forms into `null`.
    set(header::REFERRER_POLICY, "same-origin");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    );
    if portal.config.is_https() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
