//! Stylesheet and scripts of the sign-in pages, held in the binary.

use crate::authenticator::web_app::media_type;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use include_dir::{Dir, include_dir};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// `GET /assets/FILE`. Addresses carry a version, so browsers may keep the answer.
pub async fn get(Path(name): Path<String>) -> Response {
    // A slash that came encoded would lead into a folder: what is there belongs to another origin.
    let flat = !name.contains('/');
    let Some(file) = FILES.get_file(&name).filter(|_| flat) else {
        return (StatusCode::NOT_FOUND, "There is no such file.").into_response();
    };
    let mut response = file.contents().into_response();
    let to = response.headers_mut();
    to.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(&name)),
    );
    let keep = HeaderValue::from_static("public, max-age=86400");
    to.insert(header::CACHE_CONTROL, keep);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_belongs_to_the_pages_is_here() {
        for (name, status) in [
            ("pages.css", StatusCode::OK),
            ("authenticator/index.html", StatusCode::NOT_FOUND),
            ("authenticator/sw.js", StatusCode::NOT_FOUND),
            ("./pages.css", StatusCode::NOT_FOUND),
            ("authenticator", StatusCode::NOT_FOUND),
        ] {
            let answer = get(Path(name.to_owned())).await;
            assert_eq!(answer.status(), status, "{name}");
        }
    }
}
