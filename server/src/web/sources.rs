//! How often one address may ask: counted in memory, for floods. What protects accounts is counted in the database.

use super::{browser, load, page};
use crate::app::App;
use crate::config::Addresses;
use crate::oidc;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{Method, StatusCode};
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use techpass_domain::oidc::discovery::path;
use techpass_domain::problem::Problem;
use techpass_domain::rate::{Bucket, Rate};
use techpass_domain::time::Timestamp;

/// Sources kept at once.
const SOURCES_MAX: usize = 100_000;

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Forms of sign-in pages.
    SignIn,
    /// Authorization requests.
    Requests,
    /// Requests of phones.
    Phones,
    /// Clients that register themselves.
    Registrations,
    /// Codes of devices without a browser (RFC 8628 §5.1).
    DeviceCodes,
}

impl Counted {
    fn of(method: &Method, route: &str) -> Option<Counted> {
        match route {
            "/s/{address}" if method == Method::POST => Some(Counted::SignIn),
            path::AUTHORIZE => Some(Counted::Requests),
            path::REGISTER if method == Method::POST => Some(Counted::Registrations),
            crate::oidc::device::PAGE if method == Method::POST => Some(Counted::DeviceCodes),
            route if route.starts_with("/authenticator/") && method != Method::OPTIONS => {
                Some(Counted::Phones)
            }
            _ => None,
        }
    }

    fn rate(self, addresses: &Addresses) -> Rate {
        match self {
            Counted::SignIn => addresses.sign_in,
            Counted::Requests => addresses.requests,
            Counted::Phones => addresses.phones,
            Counted::Registrations => addresses.registrations,
            Counted::DeviceCodes => addresses.device_codes,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Counted::SignIn => "address_sign_in",
            Counted::Requests => "address_requests",
            Counted::Phones => "address_phones",
            Counted::Registrations => "address_registrations",
            Counted::DeviceCodes => "address_device_codes",
        }
    }
}

/// The sources that asked lately.
#[derive(Debug, Default)]
pub struct Sources(Mutex<HashMap<(Counted, IpNet), Bucket>>);

impl Sources {
    /// Takes a request of an address, or says from when on the next is let through.
    fn take(
        &self,
        counted: Counted,
        address: IpAddr,
        addresses: &Addresses,
        now: Timestamp,
    ) -> Result<(), Timestamp> {
        let rate = counted.rate(addresses);
        let key = (counted, addresses.source(address));
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= SOURCES_MAX && !sources.contains_key(&key) {
            sources.retain(|(counted, _), bucket| !bucket.is_empty(counted.rate(addresses), now));
            if sources.len() >= SOURCES_MAX {
                // So many addresses are under no limit by address anyway; memory stays bounded.
                sources.clear();
            }
        }
        let bucket = sources.entry(key).or_default();
        *bucket = bucket.take(rate, now)?;
        Ok(())
    }
}

/// Turns away whoever asks too often from one address, with 429 and when to come back.
pub fn counted(app: &App, request: Request) -> Result<Request, Box<Response>> {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("", MatchedPath::as_str);
    let Some(counted) = Counted::of(request.method(), route) else {
        return Ok(request);
    };
    let (parts, body) = request.into_parts();
    let address = browser::address(app, &parts).filter(|ip| !ip.to_canonical().is_loopback());
    if let Some(address) = address {
        let addresses = &app.config.limits.address;
        if let Err(until) = app.sources.take(counted, address, addresses, app.now()) {
            app.metrics.rejected(counted.as_str());
            return Err(Box::new(too_often(app, counted, until)));
        }
    }
    Ok(Request::from_parts(parts, body))
}

fn too_often(app: &App, counted: Counted, until: Timestamp) -> Response {
    let wait_s = until.since(app.now()).max(1);
    let mut response = match counted {
        Counted::SignIn | Counted::Requests | Counted::DeviceCodes => {
            page::refused_until(app, Problem::TooManyTries, until)
        }
        Counted::Phones => too_often_for_programs(),
        Counted::Registrations => oidc::for_any_origin(too_often_for_programs()),
    };
    load::retry_after(&mut response, wait_s);
    response
}

fn too_often_for_programs() -> Response {
    let text = "There were too many requests from this address. Try again later.";
    let body = serde_json::json!({
        "error": "temporarily_unavailable",
        "error_description": text,
        "message": text,
    });
    oidc::json(StatusCode::TOO_MANY_REQUESTS.as_u16(), &body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_address_is_limited_and_its_neighbour_is_not() {
        let addresses = Addresses {
            sign_in: Rate { max: 2, per_s: 60 },
            ..Addresses::default()
        };
        let sources = Sources::default();
        let now = Timestamp(1_000);
        let take =
            |counted, text: &str| sources.take(counted, text.parse().unwrap(), &addresses, now);
        for network in ["203.0.113.1", "2001:db8:1:2::1"] {
            assert_eq!(take(Counted::SignIn, network), Ok(()));
            assert_eq!(take(Counted::SignIn, network), Ok(()));
            assert_eq!(take(Counted::SignIn, network), Err(Timestamp(1_030)));
            assert_eq!(take(Counted::Phones, network), Ok(()));
        }
        assert_eq!(
            take(Counted::SignIn, "2001:db8:1:2::ffff"),
            Err(Timestamp(1_030))
        );
        assert_eq!(take(Counted::SignIn, "2001:db8:1:3::1"), Ok(()));
        assert_eq!(take(Counted::SignIn, "203.0.113.2"), Ok(()));
    }

    #[test]
    fn what_costs_rows_and_guesses_is_counted() {
        for (method, route, expected) in [
            (Method::POST, "/s/{address}", Some(Counted::SignIn)),
            (Method::GET, "/s/{address}", None),
            (Method::POST, "/device", Some(Counted::DeviceCodes)),
            (Method::GET, "/device", None),
            (Method::POST, "/device/{id}", None),
            (
                Method::POST,
                "/authenticator/v1/requests/{id}/answer",
                Some(Counted::Phones),
            ),
            (Method::OPTIONS, "/authenticator/v1/requests", None),
            (Method::GET, path::AUTHORIZE, Some(Counted::Requests)),
            (Method::POST, "/token", None),
            (Method::POST, "/register", Some(Counted::Registrations)),
            (Method::GET, "/register/{client_id}", None),
            (Method::POST, "/logout/confirm", None),
        ] {
            assert_eq!(Counted::of(&method, route), expected, "{method} {route}");
        }
    }
}
