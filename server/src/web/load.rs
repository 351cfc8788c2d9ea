//! What happens when more is asked than can be done: a bounded number of requests of each class is under way, and one
//! more is refused at once, which costs little. What must get through has a share of its own, so that log-outs, answers
//! of phones and refreshes never wait behind people who sign in.

use super::busy::BusyPage;
use super::streams::Shares;
use super::{page, shell};
use crate::app::App;
use crate::config::Load as Limits;
use crate::oidc;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use techpass_domain::oidc::discovery::path;
use techpass_domain::problem::Problem;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a client may take to send a body. Until it is there the request takes nobody's place.
const BODY_WAIT: Duration = Duration::from_secs(10);
/// When to come back after a refusal.
const RETRY_S: i64 = 2;

/// Places for requests under way.
#[derive(Clone, Debug)]
pub struct Load {
    sign_in: Arc<Semaphore>,
    upstream: Arc<Semaphore>,
    urgent: Arc<Semaphore>,
    /// Streams.
    pub waiting: Arc<Semaphore>,
    /// Whose they are.
    pub shares: Arc<Shares>,
    /// What people see who are turned away.
    pub busy: Arc<BusyPage>,
}

/// Which share a request takes a place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// People who sign in.
    SignIn,
    /// People who come back from an upstream: while it stalls, others must not wait.
    Upstream,
    /// What must get through.
    Urgent,
    /// Costs next to nothing, or is bounded elsewhere.
    Free,
}

impl Class {
    /// By method and the route's pattern.
    pub fn of(method: &Method, route: &str) -> Class {
        if method == Method::OPTIONS {
            return Class::Free;
        }
        match route {
            path::DISCOVERY | path::OAUTH | path::JWKS | "/assets/{file}" => Class::Free,
            "/help" | "/privacy" | "/terms" | "/e/{code}" => Class::Free,
            "/s/{address}/events" | "/authenticator/v1/events" => Class::Free,
            "/s/{address}/status" | "/authenticator/v1/requests/{id}/answer" => Class::Urgent,
            path::END_SESSION | "/logout/confirm" | "/upstream/{id}/backchannel-logout" => {
                Class::Urgent
            }
            "/upstream/{id}/callback" => Class::Upstream,
            path::TOKEN | path::USERINFO | path::INTROSPECT | path::REVOKE => Class::Urgent,
            path::DEVICE_AUTHORIZATION => Class::Urgent,
            _ => Class::SignIn,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Class::SignIn => "sign_in",
            Class::Upstream => "upstream",
            Class::Urgent => "urgent",
            Class::Free => "free",
        }
    }
}

impl Load {
    /// With so many places.
    pub fn new(limits: &Limits) -> Load {
        let places = |max: usize| Arc::new(Semaphore::new(max.clamp(1, Semaphore::MAX_PERMITS)));
        Load {
            sign_in: places(limits.sign_in_max),
            upstream: places(limits.upstream_max),
            urgent: places(limits.urgent_max),
            waiting: places(limits.waiting_max),
            shares: Arc::default(),
            busy: Arc::default(),
        }
    }

    fn places(&self, class: Class) -> Option<&Semaphore> {
        match class {
            Class::SignIn => Some(&self.sign_in),
            Class::Upstream => Some(&self.upstream),
            Class::Urgent => Some(&self.urgent),
            Class::Free => None,
        }
    }
}

/// Lets a request take its place, or refuses it at once. When its client goes away the work is dropped, and the place
/// is free.
pub async fn place(
    app: &App,
    request: Request,
) -> Result<(Request, Option<SemaphorePermit<'_>>), Response> {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("", MatchedPath::as_str);
    let class = Class::of(request.method(), route);
    let reader = Reader::of(route);
    let Some(places) = app.load.places(class) else {
        return Ok((request, None));
    };
    // A full house is said before the body is read.
    if places.available_permits() == 0 {
        return Err(refuse(app, class, reader));
    }
    let request = with_body(request).await;
    let request = request.map_err(|status| unreadable(app, status, reader))?;
    match places.try_acquire() {
        Ok(place) => Ok((request, Some(place))),
        Err(_) => Err(refuse(app, class, reader)),
    }
}

/// The request with its body read.
async fn with_body(request: Request) -> Result<Request, StatusCode> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let read = axum::body::to_bytes(body, shell::BODY_MAX);
    match tokio::time::timeout(BODY_WAIT, read).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Who reads an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A person.
    Person,
    /// A program.
    Program,
    /// A program, scripts in pages of any origin among them.
    AnyOrigin,
}

impl Reader {
    /// By the route's pattern.
    pub fn of(route: &str) -> Reader {
        match route {
            path::TOKEN | path::USERINFO | path::REVOKE => Reader::AnyOrigin,
            path::REGISTER | "/register/{client_id}" => Reader::AnyOrigin,
            path::INTROSPECT
            | path::DEVICE_AUTHORIZATION
            | "/s/{address}/status"
            | "/upstream/{id}/backchannel-logout" => Reader::Program,
            route if route.starts_with("/authenticator/") => Reader::Program,
            _ => Reader::Person,
        }
    }

    /// A refusal as this reader takes it: JSON, which a script may read where it may call.
    fn refusal(self, app: &App, status: StatusCode, problem: Problem, body: &Value) -> Response {
        match self {
            Reader::Person if problem == Problem::Busy => app.load.busy.answer(app),
            Reader::Person => page::refused(app, problem, status),
            Reader::Program => oidc::json(status.as_u16(), body),
            Reader::AnyOrigin => oidc::for_any_origin(oidc::json(status.as_u16(), body)),
        }
    }
}

fn refuse(app: &App, class: Class, reader: Reader) -> Response {
    app.metrics.refused(class.as_str());
    busy(app, reader)
}

fn unreadable(app: &App, status: StatusCode, reader: Reader) -> Response {
    let body = json!({
        "error": "invalid_request",
        "error_description": "The body is too large, or did not arrive in time.",
    });
    reader.refusal(app, status, Problem::Unsupported, &body)
}

/// 503: too much is under way.
pub fn busy(app: &App, reader: Reader) -> Response {
    let body = json!({
        "error": "temporarily_unavailable",
        "error_description": "The server is busy. Try again in a moment.",
    });
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = reader.refusal(app, status, Problem::Busy, &body);
    retry_after(&mut response, RETRY_S);
    response
}

/// Says when to come back (RFC 9110 §10.2.3).
pub fn retry_after(response: &mut Response, seconds: i64) {
    if let Ok(value) = HeaderValue::from_str(&seconds.max(1).to_string()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_may_read_refusals_where_they_may_call() {
        for (route, reader) in [
            (path::TOKEN, Reader::AnyOrigin),
            (path::USERINFO, Reader::AnyOrigin),
            (path::REVOKE, Reader::AnyOrigin),
            (path::REGISTER, Reader::AnyOrigin),
            (path::INTROSPECT, Reader::Program),
            ("/authenticator/v1/requests", Reader::Program),
            (path::AUTHORIZE, Reader::Person),
        ] {
            assert_eq!(Reader::of(route), reader, "{route}");
        }
    }

    #[test]
    fn what_must_get_through_has_its_own_share() {
        for (method, route, class) in [
            (Method::GET, path::AUTHORIZE, Class::SignIn),
            (Method::POST, "/s/{address}", Class::SignIn),
            (Method::GET, "/upstream/{id}/callback", Class::Upstream),
            (Method::POST, path::TOKEN, Class::Urgent),
            (Method::GET, path::USERINFO, Class::Urgent),
            (Method::OPTIONS, path::USERINFO, Class::Free),
            (Method::POST, "/logout/confirm", Class::Urgent),
            (Method::GET, path::END_SESSION, Class::Urgent),
            (
                Method::POST,
                "/authenticator/v1/requests/{id}/answer",
                Class::Urgent,
            ),
            (Method::GET, "/authenticator/v1/requests", Class::SignIn),
            (Method::GET, path::JWKS, Class::Free),
            (Method::GET, "/s/{address}/events", Class::Free),
        ] {
            assert_eq!(Class::of(&method, route), class, "{method} {route}");
        }
    }
}
