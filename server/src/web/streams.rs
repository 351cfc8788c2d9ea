//! Whoever waits in an open stream: counted, bounded, and sent elsewhere when the server stops.

use super::load::{self, Reader};
use crate::app::App;
use crate::metrics::KindLabel;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The last words of a stream: browsers connect again by themselves, after half a second.
const GOODBYE: &str = "event: reconnect\nretry: 500\ndata: 1\n\n";

/// A place among those who wait.
struct Place {
    gauge: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

/// Bounds the streams that are open at once, and ends them politely when the server stops.
pub async fn bound(app: &App, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let kind = match matched.map_or("", MatchedPath::as_str) {
        "/s/{address}/events" => "browser",
        "/authenticator/v1/events" => "phone",
        _ => return next.run(request).await,
    };
    let waiting = Arc::clone(&app.load.waiting);
    let Ok(permit) = waiting.try_acquire_owned() else {
        app.metrics.refused("waiting");
        return load::busy(app, Reader::Program);
    };
    let gauge = app.metrics.waiting.get_or_create_owned(&KindLabel { kind });
    gauge.inc();
    let place = Place {
        gauge,
        _permit: permit,
    };
    let response = next.run(request).await;
    if !response.status().is_success() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let drain = app.drain.clone();
    let closing = Box::pin(async move { drain.streams_close().await });
    let goodbye =
        stream::once(async { Ok::<_, axum::Error>(Bytes::from_static(GOODBYE.as_bytes())) });
    let draining = app.drain.clone();
    // The place is given back when the stream is dropped, by whichever side.
    let events = body
        .into_data_stream()
        .take_until(closing)
        .chain(goodbye.filter(move |_| std::future::ready(draining.has_begun())))
        .map(move |chunk| {
            let _held = &place;
            chunk
        });
    Response::from_parts(parts, Body::from_stream(events))
}
