//! The stylesheet and the mark.

use axum::response::IntoResponse;
use http::header;

const STYLESHEET: &str = include_str!("../assets/portal.css");
const MARK: &str = include_str!("../assets/mark.svg");
const CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=300");

/// The one stylesheet.
pub(crate) async fn stylesheet() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), CACHE],
        STYLESHEET,
    )
}

/// The portal's mark, a plain square with a letter; also the icon of its pages.
pub(crate) async fn mark() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml"), CACHE], MARK)
}
