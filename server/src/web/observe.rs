//! One line and one measurement for every request, and the names by which its log lines are found again.

use super::browser;
use crate::app::App;
use crate::chance;
use crate::metrics::RequestLabels;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tracing::{Instrument, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What log lines of a request carry. Made when first needed.
#[derive(Debug, Default)]
pub struct Current {
    reference: OnceLock<String>,
    trace_id: OnceLock<String>,
    sampled: bool,
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

/// The header that ties a call to another server to this request's trace (W3C Trace Context §3.2); `None` outside of
/// requests.
fn traceparent() -> Option<String> {
    let parent = hex_of(&chance::bytes::<8>().ok()?);
    let of = |current: &Arc<Current>| {
        let flags = u8::from(current.sampled);
        format!("00-{}-{parent}-{flags:02x}", current.trace_id())
    };
    CURRENT.try_with(of).ok()
}

/// A call to another server, tied to this request's trace.
pub fn traced(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    match traceparent() {
        Some(parent) => request.header("traceparent", parent),
        None => request,
    }
}

fn hex_of(bytes: &[u8]) -> String {
    crate::seal::hex(bytes)
}

fn fresh_reference() -> String {
    chance::reference().unwrap_or_default()
}

impl Current {
    fn reference(&self) -> &str {
        self.reference.get_or_init(fresh_reference)
    }

    fn trace_id(&self) -> &str {
        let fresh = || chance::bytes::<16>().map_or_else(|_| String::new(), |b| hex_of(&b));
        self.trace_id.get_or_init(fresh)
    }
}

/// What a `traceparent` says (W3C Trace Context §3.2): `00-32 hex-16 hex-2 hex`, lower case, no name all zeros.
fn parent_context(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, id, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let well_formed = hex(version, 2) && hex(id, 32) && hex(span, 16) && hex(flags, 2);
    let ended = version != "00" || parts.next().is_none();
    if !well_formed || !ended || version == "ff" {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(id).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

/// The span of a request where anybody wants it, and by which names the request is found.
fn begin(headers: &HeaderMap, span: impl FnOnce(&Current) -> Span) -> (Span, Current) {
    let parent = headers.get("traceparent").and_then(|v| v.to_str().ok());
    let parent = parent.and_then(parent_context);
    let mut current = Current {
        sampled: parent.as_ref().is_some_and(SpanContext::is_sampled),
        ..Current::default()
    };
    let span = span(&current);
    let mut known = parent.as_ref().map(SpanContext::trace_id);
    if !span.is_none() {
        if let Some(parent) = parent {
            // Without anybody who collects traces there is nothing to tie together.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
        let context = span.context();
        let own = context.span().span_context().clone();
        if own.is_valid() {
            known = Some(own.trace_id());
            current.sampled = own.is_sampled();
        }
    }
    if let Some(id) = known {
        // It was empty a moment ago.
        let _ = current.trace_id.set(id.to_string());
    }
    if !span.is_none() {
        span.record("trace_id", current.trace_id());
    }
    (span, current)
}

/// Around everything: measures, and writes the request's line. Addresses of logins are secrets, so the pattern of the
/// route stands for the path.
pub async fn observe<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let matched = parts.extensions.get::<MatchedPath>();
    let route = matched.map_or("other", MatchedPath::as_str).to_owned();
    let method = method_name(&parts.method);
    let (span, current) = begin(&parts.headers, |current| {
        if !tracing::enabled!(tracing::Level::INFO) {
            return Span::none();
        }
        tracing::info_span!(
            "request",
            route,
            method,
            reference = current.reference(),
            trace_id = field::Empty,
            login = field::Empty,
            status = field::Empty,
            address = browser::address(app, &parts).map(field::display),
        )
    });
    let current = Arc::new(current);
    let request = Request::from_parts(parts, body);
    let answered = CURRENT
        .scope(Arc::clone(&current), answer(request))
        .instrument(span.clone());
    let response = answered.await;
    let took = begun.elapsed();
    span.record("status", response.status().as_u16());
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
        tracing::info!(event = "http.request", status, ms);
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
            assert_eq!(
                parent_context(&text)
                    .map(|parent| parent.trace_id().to_string())
                    .as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
