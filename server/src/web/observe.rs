//! One line and one measurement for every request, and the names by which its log lines are found again.

use super::browser;
use crate::app::App;
use crate::chance;
use crate::metrics::RequestLabels;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tracing::Instrument;

/// What log lines of a request carry. Made when first needed.
#[derive(Debug, Default)]
pub struct Current {
    reference: OnceLock<String>,
    trace_id: OnceLock<String>,
}

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

/// What a person is told to quote for this request, and the log has too.
pub fn reference() -> String {
    let of = |current: &Arc<Current>| current.reference().to_owned();
    CURRENT.try_with(of).unwrap_or_else(|_| fresh_reference())
}

/// The trace that this request belongs to (W3C Trace Context §3.2.2.3); empty outside of requests.
pub fn trace_id() -> String {
    let of = |current: &Arc<Current>| current.trace_id().to_owned();
    CURRENT.try_with(of).unwrap_or_default()
}

fn fresh_reference() -> String {
    chance::reference().unwrap_or_default()
}

impl Current {
    /// Of a request with these headers.
    fn of(headers: &HeaderMap) -> Current {
        let current = Current::default();
        let parent = headers.get("traceparent").and_then(|v| v.to_str().ok());
        if let Some(id) = parent.and_then(parent_trace_id) {
            // It was empty a moment ago.
            let _ = current.trace_id.set(id.to_owned());
        }
        current
    }

    fn reference(&self) -> &str {
        self.reference.get_or_init(fresh_reference)
    }

    fn trace_id(&self) -> &str {
        let fresh =
            || chance::bytes::<16>().map_or_else(|_| String::new(), |b| crate::seal::hex(&b));
        self.trace_id.get_or_init(fresh)
    }
}

/// The trace id of a `traceparent` (W3C Trace Context §3.2): `00-32 hex-16 hex-2 hex`, not all zeros.
fn parent_trace_id(text: &str) -> Option<&str> {
    let mut parts = text.split('-');
    let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let well_formed = hex(version, 2) && hex(id, 32) && hex(parent, 16) && hex(flags, 2);
    let ended = version != "00" || parts.next().is_none();
    let meaningful =
        version != "ff" && id.bytes().any(|b| b != b'0') && parent.bytes().any(|b| b != b'0');
    (well_formed && ended && meaningful).then_some(id)
}

/// The outermost layer: measures, and writes the request's line. Addresses of logins are secrets, so the pattern of the
/// route stands for the path.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let matched = parts.extensions.get::<MatchedPath>();
    let route = matched.map_or("other", MatchedPath::as_str).to_owned();
    let method = method_name(&parts.method);
    let current = Arc::new(Current::of(&parts.headers));
    let span = if tracing::enabled!(tracing::Level::INFO) {
        tracing::info_span!(
            "request",
            route,
            method,
            reference = current.reference(),
            trace_id = current.trace_id(),
            address = browser::address(&app, &parts).map(tracing::field::display),
        )
    } else {
        tracing::Span::none()
    };
    let request = Request::from_parts(parts, body);
    let answered = CURRENT
        .scope(Arc::clone(&current), next.run(request))
        .instrument(span.clone());
    let response = answered.await;
    let took = begun.elapsed();
    span.in_scope(|| line(&current, &route, method, response.status(), took));
    let labels = RequestLabels {
        http_route: route,
        http_request_method: method,
        http_response_status_code: response.status().as_u16(),
    };
    let seconds = app.metrics.requests.get_or_create(&labels);
    seconds.observe(took.as_secs_f64());
    response
}

/// A request that failed is worth a line at the usual level; the others are there for whoever wants them.
fn line(current: &Current, route: &str, method: &str, status: StatusCode, took: Duration) {
    let (status, ms) = (status.as_u16(), took.as_secs_f64() * 1_000.0);
    if status == 500 || status > 503 {
        let (reference, trace_id) = (current.reference(), current.trace_id());
        tracing::error!(
            event = "http.request",
            route,
            method,
            status,
            ms,
            reference,
            trace_id
        );
    } else {
        tracing::info!(event = "http.request", route, method, status, ms);
    }
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_taken_over_only_as_the_standard_writes_it() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        for (text, expected) in [
            (format!("00-{id}-b7ad6b7169203331-01"), Some(id)),
            (format!("01-{id}-b7ad6b7169203331-01-more"), Some(id)),
            (format!("00-{id}-b7ad6b7169203331-01-more"), None),
            (format!("ff-{id}-b7ad6b7169203331-01"), None),
            (format!("00-{id}-0000000000000000-01"), None),
            (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), None),
            (
                format!("00-{}-b7ad6b7169203331-01", id.to_uppercase()),
                None,
            ),
            (format!("00-{id}"), None),
            (String::new(), None),
        ] {
            assert_eq!(parent_trace_id(&text), expected, "{text}");
        }
    }
}
