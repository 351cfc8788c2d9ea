//! The Authenticator web app on its own origin: files, and headers that let it talk to its issuers and nobody else.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, StatusCode, header};
use include_dir::{Dir, include_dir};
use std::sync::Arc;
use url::Url;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/assets/authenticator");

struct Serving {
    policy: HeaderValue,
    host: String,
}

/// The app for these issuers, at this address.
pub fn router(public_url: &Url, issuers: &[String]) -> Router {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {}; \
         worker-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
        issuers.join(" ")
    );
    let host = public_url.host_str().unwrap_or_default();
    let serving = Serving {
        policy: HeaderValue::from_str(&policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'")),
        host: match public_url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        },
    };
    Router::new()
        .route("/", get(index))
        .route("/enrol", get(index))
        .route("/{file}", get(file))
        .with_state(Arc::new(serving))
}

async fn index(State(serving): State<Arc<Serving>>, request: axum::extract::Request) -> Response {
    answer(&serving, request.headers(), "index.html")
}

async fn file(
    State(serving): State<Arc<Serving>>,
    Path(name): Path<String>,
    request: axum::extract::Request,
) -> Response {
    answer(&serving, request.headers(), &name)
}

fn answer(serving: &Serving, headers: &http::HeaderMap, name: &str) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| host.eq_ignore_ascii_case(&serving.host)) {
        let text = format!("This address is {}.", serving.host);
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let Some(file) = FILES.get_file(name) else {
        return (StatusCode::NOT_FOUND, "There is no such page.").into_response();
    };
    let mut response = file.contents().into_response();
    let to = response.headers_mut();
    to.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(name)),
    );
    to.insert(header::CONTENT_SECURITY_POLICY, serving.policy.clone());
    to.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    to.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    to.insert(opener, HeaderValue::from_static("same-origin"));
    response
}

/// The media type of a file by its ending.
pub fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
