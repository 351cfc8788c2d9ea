//! The Authenticator web app on its own origin: files, and headers that let it talk to its issuers and nobody else.

use crate::web::shell::{is_addressed_to, protect};
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
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
    let serving = Arc::new(serving);
    Router::new()
        .route("/", get(index))
        .route("/enrol", get(index))
        .route("/{file}", get(file))
        .fallback(nothing)
        .layer(from_fn_with_state(Arc::clone(&serving), guard))
        .with_state(serving)
}

/// Answers only under its own name, and keeps browsers safe whatever the answer is.
async fn guard(State(serving): State<Arc<Serving>>, request: Request, next: Next) -> Response {
    let mut response = match is_addressed_to(request.uri(), request.headers(), &serving.url) {
        true => next.run(request).await,
        false => {
            let text = format!("This address is {}.", crate::config::origin(&serving.url));
            (StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
    };
    protect(response.headers_mut(), serving.url.scheme() == "https");
    response
}

async fn index(State(serving): State<Arc<Serving>>) -> Response {
    answer(&serving, "index.html")
}

async fn file(State(serving): State<Arc<Serving>>, Path(name): Path<String>) -> Response {
    answer(&serving, &name)
}

async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "There is no such page.").into_response()
}

fn answer(serving: &Serving, name: &str) -> Response {
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
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::body::Body;
    use http::HeaderMap;
    use tower::ServiceExt;

    async fn asked(url: &str, method: &str, host: &str, path: &str) -> (StatusCode, HeaderMap) {
        let issuers = ["https://wog.example".to_owned()];
        let app = router(&Url::parse(url).unwrap(), &issuers);
        let request = Request::builder().method(method).uri(path);
        let request = request.header("host", host).body(Body::empty()).unwrap();
        let (parts, _) = app.oneshot(request).await.unwrap().into_parts();
        (parts.status, parts.headers)
    }

    #[tokio::test]
    async fn every_answer_keeps_browsers_safe() {
        for (method, host, path, status) in [
            ("GET", "phone.example", "/", 200),
            ("GET", "phone.example", "/app.js", 200),
            ("GET", "phone.example", "/nothing", 404),
            ("GET", "phone.example", "/no/such/place", 404),
            ("POST", "phone.example", "/", 405),
            ("GET", "other.example", "/", 421),
            ("GET", "other.example", "/no/such/place", 421),
        ] {
            let (found, headers) = asked("https://phone.example", method, host, path).await;
            assert_eq!(found.as_u16(), status, "{method} {host} {path}");
            for (name, part) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("permissions-policy", "camera=()"),
                ("referrer-policy", ""),
                ("cross-origin-opener-policy", "same-origin"),
                ("content-security-policy", "frame-ancestors 'none'"),
                ("strict-transport-security", "max-age="),
            ] {
                let value = headers.get(name).map(|value| value.to_str().unwrap());
                let fine = value.is_some_and(|value| value.contains(part));
                assert!(fine, "{method} {host} {path}: {name} is {value:?}");
            }
        }
        let (_, headers) = asked("http://localhost:8083", "GET", "localhost:8083", "/").await;
        assert!(!headers.contains_key("strict-transport-security"));
        let policy = headers.get("content-security-policy").unwrap();
        assert!(policy.to_str().unwrap().contains("https://wog.example"));
    }
}
