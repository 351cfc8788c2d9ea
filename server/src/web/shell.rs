//! Middleware: the host must be ours, state-changing requests must come from our own pages, headers keep browsers safe.

use super::page;
use crate::app::App;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use techpass_domain::problem::Problem;
use url::Url;

/// Largest request body, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// Longest path and query, in bytes.
pub const TARGET_MAX: usize = 32 * 1024;

/// The answer to a request that is not looked at further: its address is too long, or it is meant for another host.
pub fn refused(app: &App, request: &Request) -> Option<Response> {
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > TARGET_MAX) {
        let status = StatusCode::URI_TOO_LONG;
        return Some(page::refused(app, Problem::Unsupported, status));
    }
    let named = |ours: &str| names(request.uri(), request.headers(), ours);
    let ours = app.authority.as_deref().is_some_and(named);
    (!ours).then(|| page::wrong_host(app))
}

/// What every response says unless it says otherwise itself.
static PROTECTIONS: [(HeaderName, HeaderValue); 7] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=()"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ),
];
/// The same, of an instance that is reached over HTTPS.
static OVER_HTTPS: (HeaderName, HeaderValue) = (
    header::STRICT_TRANSPORT_SECURITY,
    HeaderValue::from_static("max-age=63072000; includeSubDomains"),
);

/// Adds the headers that keep browsers safe; `secure` where the instance is reached over HTTPS.
pub fn protect(headers: &mut HeaderMap, secure: bool) {
    // Room for all of them, and for a few of the answer's own and the connection's.
    headers.reserve(PROTECTIONS.len() + 4);
    let https = secure.then_some(&OVER_HTTPS);
    for (name, value) in PROTECTIONS.iter().chain(https) {
        headers.entry(name).or_insert_with(|| value.clone());
    }
}

/// Whether a request names this address: HTTP/2 in its target (`:authority`), HTTP/1.1 in `Host`. Both may be there, and
/// then both must name it.
pub fn is_addressed_to(target: &Uri, headers: &HeaderMap, url: &Url) -> bool {
    authority(url).is_some_and(|ours| names(target, headers, &ours))
}

/// Host and port as requests name them: the port only where it is not the scheme's own.
pub fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn names(target: &Uri, headers: &HeaderMap, ours: &str) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let in_target = target.authority().map(|authority| authority.as_str());
    let named = |host: &str| host.eq_ignore_ascii_case(ours);
    match (in_target, first, second) {
        (_, _, Some(_)) | (None, None, _) => false,
        (Some(target), None, None) => named(target),
        (target, Some(host), None) => target.is_none_or(named) && host.to_str().is_ok_and(named),
    }
}

/// Refuses a state-changing request that another site caused (403). Applied to pages; endpoints of protocols have their
/// own proofs.
pub async fn same_origin(State(app): State<App>, request: Request) -> Result<Request, Response> {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if safe || from_our_own_page(&app, request.headers()) {
        return Ok(request);
    }
    Err(page::refused(
        &app,
        Problem::PageExpired,
        StatusCode::FORBIDDEN,
    ))
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
