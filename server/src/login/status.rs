//! How the number page learns that something happened: server-sent events, and a small answer to look again.

use super::find;
use crate::app::App;
use crate::views::words::ENGLISH as WORDS;
use crate::wake::Change;
use crate::web::page::Fault;
use crate::web::streams;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Json, Response};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue};
use std::convert::Infallible;
use std::time::Duration;
use techpass_domain::login::{Next, Prompt};

/// How long a stream lives before the browser connects again.
const STREAM_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// `{state, sentence}`: `waiting` while the number waits, `approved` when there is an answer to collect, else `ended`.
pub async fn status(app: &App, headers: &HeaderMap, address: &str) -> Result<Response, Fault> {
    let bound = find(app, headers, address).await?;
    let (state, sentence) = match bound.next(app) {
        Next::Ask(Prompt::MatchNumber { .. }) => ("waiting", WORDS.number_waiting),
        Next::Collect => ("approved", WORDS.number_approved_no_app),
        Next::Ask(_) | Next::Finish(_) => ("ended", WORDS.ended_superseded_heading),
    };
    let body = serde_json::json!({ "state": state, "sentence": sentence.to_string() });
    Ok(Json(body).into_response())
}

/// A stream with an event `changed` after every step of the login. Only its own browser may listen.
pub async fn events(app: &App, headers: &HeaderMap, address: &str) -> Result<Response, Fault> {
    let wanted = find(app, headers, address).await?.id;
    let whose = format!("login {wanted}");
    // Listening begins before the state is read, so that a step in between is not missed.
    let wanted = Change::Login(wanted.as_str().to_owned());
    let listener = app.wake.listen(wanted);
    let bound = find(app, headers, address).await?;
    let waiting = matches!(bound.next(app), Next::Ask(Prompt::MatchNumber { .. }));
    let changed = || Ok::<_, Infallible>(SseEvent::default().event("changed").data("1"));
    let first = stream::iter((!waiting).then(changed));
    let end = tokio::time::Instant::now() + STREAM_LIFETIME;
    let rest = stream::unfold(listener, move |mut listener| async move {
        tokio::time::timeout_at(end, listener.changed())
            .await
            .ok()?;
        Some((changed(), listener))
    });
    let stream = Sse::new(first.chain(rest));
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    let mut response = stream.keep_alive(keep_alive).into_response();
    // Proxies must not hold events back.
    let name = http::HeaderName::from_static("x-accel-buffering");
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static("no"));
    Ok(streams::share(&app.load.shares, whose, response))
}
