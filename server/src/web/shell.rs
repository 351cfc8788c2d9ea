//! Middleware: the host must be ours, state-changing requests must come from our own pages, headers keep browsers safe.

use super::page;
use crate::app::App;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use techpass_domain::problem::Problem;
use url::Url;

/// Largest request body, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// Longest path and query, in bytes.
pub const TARGET_MAX: usize = 32 * 1024;

/// Refuses hosts that are not ours (421), overlong targets (414), and adds the headers that every answer carries.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query();
    let too_long = target.is_some_and(|t| t.as_str().len() > TARGET_MAX);
    let mut response = if too_long {
        page::refused(&app, Problem::Unsupported, StatusCode::URI_TOO_LONG)
    } else if !host_is_ours(&app, &request) {
        page::wrong_host(&app)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
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
    set(header::CACHE_CONTROL, "no-store");
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    );
    if app.config.secure() {
        set(
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=63072000; includeSubDomains",
        );
    }
    response
}

fn host_is_ours(app: &App, request: &Request) -> bool {
    is_addressed_to(request.uri(), request.headers(), &app.config.public_url)
}

/// Whether a request names this address: HTTP/2 in its target (`:authority`), HTTP/1.1 in `Host`. Both may be there, and
/// then both must name it.
pub fn is_addressed_to(target: &Uri, headers: &HeaderMap, url: &Url) -> bool {
    let ours = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return false,
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let in_target = target.authority().map(|authority| authority.as_str());
    let named = |host: &str| host.eq_ignore_ascii_case(&ours);
    match (in_target, first, second) {
        (_, _, Some(_)) | (None, None, _) => false,
        (Some(target), None, None) => named(target),
        (target, Some(host), None) => target.is_none_or(named) && host.to_str().is_ok_and(named),
    }
}

/// Refuses a state-changing request that another site caused (403). Applied to pages; endpoints of protocols have their
/// own proofs.
pub async fn same_origin(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if safe || from_our_own_page(&app, request.headers()) {
        return next.run(request).await;
    }
    page::refused(&app, Problem::PageExpired, StatusCode::FORBIDDEN).into_response()
}

/// Browsers say where a request comes from in `Sec-Fetch-Site` or `Origin`; programs that are no browsers say nothing,
/// and have no person's cookies either.
fn from_our_own_page(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site"))
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    text(header::ORIGIN).is_none_or(|origin| origin == app.issuer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn addressed(target: &str, hosts: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_static(host));
        }
        let url = Url::parse("https://techpass.example:8443").unwrap();
        is_addressed_to(&target.parse().unwrap(), &headers, &url)
    }

    #[test]
    fn a_request_names_its_host_in_the_target_or_in_a_header_and_never_two() {
        let (good, absolute) = ("techpass.example:8443", "https://techpass.example:8443/");
        for (target, hosts, expected) in [
            ("/", vec![good], true),
            ("/", vec!["TechPass.Example:8443"], true),
            (absolute, vec![], true),
            (absolute, vec![good], true),
            ("/", vec![], false),
            ("/", vec!["techpass.example"], false),
            ("/", vec!["evil.example"], false),
            ("/", vec![good, good], false),
            (absolute, vec!["evil.example"], false),
            ("https://evil.example/", vec![good], false),
        ] {
            assert_eq!(addressed(target, &hosts), expected, "{target} {hosts:?}");
        }
    }
}
