//! What every request passes on its way to its handler, in this order: it is measured and gets its line; whatever panics
//! becomes an answer; the host must be ours; addresses that ask too often are turned away; a place must be free; streams
//! are counted. One layer for all of it: each layer costs a copy of the routes behind it, for every request.

use super::{load, observe, shell, sources, streams};
use crate::app::App;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::StatusCode;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

/// The layer.
pub async fn pass(State(app): State<App>, request: Request, next: Next) -> Response {
    let secure = app.config.secure();
    // In a place of its own: what wraps it moves a pointer, and not a request with everything that is done about it.
    let answered = |request| Box::pin(unharmed(guarded(&app, request, next), secure));
    observe::observe(&app, request, answered).await
}

/// A handler that panics ends its own request and nothing else.
async fn unharmed(answered: impl Future<Output = Response>, secure: bool) -> Response {
    match AssertUnwindSafe(answered).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => panicked(panic.as_ref(), secure),
    }
}

fn panicked(panic: &(dyn Any + Send), secure: bool) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let (reference, trace_id) = (observe::reference(), observe::trace_id());
    tracing::error!(
        reference,
        trace_id,
        panic = text.unwrap_or("without a text"),
        "a handler panicked"
    );
    let mut response = (
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server has a fault.\n",
    )
        .into_response();
    shell::protect(response.headers_mut(), secure);
    response
}

async fn guarded(app: &App, mut request: Request, next: Next) -> Response {
    DefaultBodyLimit::max(shell::BODY_MAX).apply(&mut request);
    let mut response = match shell::refused(app, &request) {
        Some(refusal) => refusal,
        None => placed(app, request, next).await,
    };
    shell::protect(response.headers_mut(), app.config.secure());
    response
}

async fn placed(app: &App, request: Request, next: Next) -> Response {
    let request = match sources::counted(app, request) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    // The place is held until the answer has begun.
    match load::place(app, request).await {
        Ok((request, _place)) => streams::bound(app, request, next).await,
        Err(refusal) => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_answer_with_the_usual_headers() {
        let response = unharmed(async { std::panic::panic_any("wanted") }, true).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        for name in ["x-frame-options", "strict-transport-security"] {
            assert!(response.headers().contains_key(name), "{name}");
        }
    }
}
