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
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The last words of a stream: browsers connect again by themselves, after half a second.
const GOODBYE: &str = "event: reconnect\nretry: 500\ndata: 1\n\n";

/// Streams that one login, or one phone, may have open at once. One more ends the oldest: a page or phone whose
/// connection was lost without a word would otherwise keep its successors out.
const SHARE_MAX: usize = 4;

/// Whose streams are open here, so that no single one can take all places.
#[derive(Debug, Default)]
pub struct Shares(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    /// The name of the next stream.
    next: u64,
    /// By whose they are, oldest first. What stands beside a name ends its stream when it is dropped.
    streams: HashMap<String, VecDeque<(u64, oneshot::Sender<()>)>>,
}

impl Shares {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open stream of somebody, until it is dropped.
struct Share {
    of: Arc<Shares>,
    whose: String,
    name: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut open = self.of.open();
        if let Some(streams) = open.streams.get_mut(&self.whose) {
            streams.retain(|(name, _)| *name != self.name);
            if streams.is_empty() {
                open.streams.remove(&self.whose);
            }
        }
    }
}

/// A stream as one of `whose`, which must have proven to be that login or phone.
pub fn share(shares: &Arc<Shares>, whose: String, response: Response) -> Response {
    let (end, ended) = oneshot::channel();
    let mut open = shares.open();
    let name = open.next;
    open.next = name.wrapping_add(1);
    let streams = open.streams.entry(whose.clone()).or_default();
    streams.push_back((name, end));
    let oldest = (streams.len() > SHARE_MAX).then(|| streams.pop_front());
    drop(open);
    drop(oldest);
    let of = Arc::clone(shares);
    let share = Share { of, whose, name };
    let (parts, body) = response.into_parts();
    let events = body.into_data_stream().take_until(ended).map(move |chunk| {
        let _held = &share;
        chunk
    });
    Response::from_parts(parts, Body::from_stream(events))
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn stream(shares: &Arc<Shares>, whose: &str) -> axum::body::BodyDataStream {
        let never = stream::pending::<Result<Bytes, axum::Error>>();
        let response = Response::new(Body::from_stream(never));
        share(shares, whose.to_owned(), response)
            .into_body()
            .into_data_stream()
    }

    /// Whether a stream is over, without waiting.
    fn is_over(stream: &mut axum::body::BodyDataStream) -> bool {
        stream.next().now_or_never().is_some()
    }

    #[test]
    fn one_more_stream_than_its_share_ends_the_oldest_of_the_same_login() {
        let shares = Arc::new(Shares::default());
        let mut other = stream(&shares, "another login");
        let mut mine: Vec<_> = (0..SHARE_MAX).map(|_| stream(&shares, "a login")).collect();
        assert!(mine.iter_mut().all(|one| !is_over(one)), "within its share");
        mine.push(stream(&shares, "a login"));
        let over: Vec<bool> = mine.iter_mut().map(is_over).collect();
        assert_eq!(over, [true, false, false, false, false]);
        // Whoever goes makes room.
        mine.truncate(2);
        mine.push(stream(&shares, "a login"));
        mine.push(stream(&shares, "a login"));
        assert_eq!(
            mine.iter_mut()
                .filter_map(|one| is_over(one).then_some(()))
                .count(),
            1
        );
        assert!(!is_over(&mut other), "somebody else's was ended");
        drop((mine, other));
        assert!(shares.open().streams.is_empty(), "something is left behind");
    }
}
