//! The Authenticator web app on its own origin: files, and headers that let it talk to its issuers and nobody else.

use crate::web::shell::is_addressed_to;
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
    url: Url,
}

/// The app for these issuers, at this address.
pub fn router(public_url: &Url, issuers: &[String]) -> Router {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {}; \
         worker-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
        issuers.join(" ")
    );
    let serving = Serving {
        policy: HeaderValue::from_str(&policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'")),
        url: public_url.clone(),
    };
    Router::new()
        .route("/", get(index))
        .route("/enrol", get(index))
        .route("/{file}", get(file))
        .with_state(Arc::new(serving))
}

async fn index(State(serving): State<Arc<Serving>>, request: axum::extract::Request) -> Response {
    answer(&serving, &request, "index.html")
}

async fn file(
    State(serving): State<Arc<Serving>>,
    Path(name): Path<String>,
    request: axum::extract::Request,
) -> Response {
    answer(&serving, &request, &name)
}

fn answer(serving: &Serving, request: &axum::extract::Request, name: &str) -> Response {
    if !is_addressed_to(request.uri(), request.headers(), &serving.url) {
        let text = format!("This address is {}.", crate::config::origin(&serving.url));
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
