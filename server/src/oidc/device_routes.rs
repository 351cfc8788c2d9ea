//! The addresses of devices without a browser, taken apart for [`device`](super::device).

use super::device;
use crate::app::App;
use crate::routes::{not_a_form, page, read, text_form, with_form};
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::Response;

/// `GET /device`.
pub async fn code_get(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    page(&app, device::ask_code(&app, &query.unwrap_or_default()))
}

/// `POST /device`.
pub async fn code_post(State(app): State<App>, request: Request) -> Response {
    let outcome = match with_form(request).await {
        Ok((parts, form)) => device::take_code(&app, &parts, &form).await,
        Err(fault) => Err(fault),
    };
    page(&app, outcome)
}

/// `GET /device/ID`.
pub async fn ask_get(State(app): State<App>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    page(&app, device::ask(&app, &parts, &id).await)
}

/// `POST /device/ID`.
pub async fn ask_post(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let outcome = match with_form(request).await {
        Ok((parts, form)) => device::decide(&app, &parts, &id, &form).await,
        Err(fault) => Err(fault),
    };
    page(&app, outcome)
}

/// `POST /device_authorization`.
pub async fn authorization(State(app): State<App>, request: Request) -> Response {
    let Ok((parts, body)) = read(request).await else {
        return not_a_form();
    };
    match text_form(&parts.headers, &body) {
        Ok(encoded) => device::authorize(&app, &parts, encoded).await,
        Err(_) => not_a_form(),
    }
}
