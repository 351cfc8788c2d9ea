//! Documents that clients keep elsewhere: their keys, lists of their redirect URIs, request objects.
//!
//! Whoever registers a client chooses these addresses, so they are called with care: the addresses that `outbound`
//! permits, HTTPS, no redirects, five seconds, 64 KiB, a few calls at once, and an answer is kept by its own terms within
//! bounds of ours, so that nobody makes this server call for every request. What went wrong is for the log; whoever
//! caused the call learns only that the document could not be had.

use crate::app::App;
use crate::config::Outbound;
use crate::jose::{self, JoseError};
use crate::outbound;
use crate::seal::sha256_b64;
use http::{HeaderMap, header};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use techpass_domain::client::Client;
use techpass_domain::oidc::freshness::{Bounds, Terms, lifetime_s};
use techpass_domain::oidc::jwt;
use techpass_domain::time::{Seconds, Timestamp};
use time::PrimitiveDateTime;
use time::macros::format_description;
use tokio::sync::Semaphore;
use url::Url;

/// Documents kept at once; each has at most [`outbound::ANSWER_MAX`] bytes.
const DOCUMENTS_MAX: usize = 512;
/// Calls under way at once.
const CALLS_MAX: usize = 16;
/// How soon a document is asked for again because it does not hold what was looked for, in seconds.
const AGAIN_AFTER_S: Seconds = 60;
/// A day.
const DAY_S: Seconds = 24 * 60 * 60;

/// What a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// `jwks_uri`: the keys of a client.
    Keys,
    /// `sector_identifier_uri` (OpenID Connect Core §8.1).
    Sector,
    /// `request_uri` (Core §6.2).
    RequestObject,
}

impl Purpose {
    fn bounds(self) -> Bounds {
        match self {
            Purpose::Keys => Bounds {
                least_s: AGAIN_AFTER_S,
                usual_s: 10 * 60,
                most_s: DAY_S,
            },
            Purpose::Sector | Purpose::RequestObject => Bounds {
                least_s: 0,
                usual_s: 0,
                most_s: DAY_S,
            },
        }
    }

    /// How long a failure is remembered instead of calling again, in seconds.
    fn failed_for_s(self) -> Seconds {
        match self {
            Purpose::Keys => AGAIN_AFTER_S,
            Purpose::Sector | Purpose::RequestObject => 5,
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Purpose::Keys => "application/jwk-set+json, application/json;q=0.9, */*;q=0.1",
            Purpose::Sector => "application/json, */*;q=0.1",
            Purpose::RequestObject => {
                "application/oauth-authz-req+jwt, application/jwt;q=0.9, */*;q=0.1"
            }
        }
    }
}

/// A document cannot be had. The text is the same whatever the cause, since whoever chose the address must not learn
/// from it what there is in our network; the log has the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the document cannot be fetched: it must be at a public https address that answers 200 within 5 seconds, without \
     redirects, with at most 64 KiB"
)]
pub struct RemoteError;

/// Why a token that a client signed is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// The client's keys cannot be fetched.
    #[error("the client's keys cannot be fetched")]
    Keys(#[from] RemoteError),
    /// The token.
    #[error(transparent)]
    Token(#[from] JoseError),
}

/// What is known of one address.
#[derive(Default)]
struct Known {
    body: Option<(Arc<[u8]>, Timestamp)>,
    asked_at: Option<Timestamp>,
    again_at: Option<Timestamp>,
    failed: bool,
}

impl Known {
    /// What can be said without calling, if anything. `again` wants it newer than it is, which is granted once a minute.
    fn without_calling(
        &self,
        purpose: Purpose,
        again: bool,
        now: Timestamp,
    ) -> Option<Result<Arc<[u8]>, RemoteError>> {
        let within = |at: Option<Timestamp>, s: Seconds| {
            at.is_some_and(|at| (0..s).contains(&now.since(at)))
        };
        let fresh = self.body.as_ref().filter(|(_, until)| now < *until);
        match fresh {
            Some((body, _)) if !again || within(self.again_at, AGAIN_AFTER_S) => {
                Some(Ok(Arc::clone(body)))
            }
            None if self.failed && within(self.asked_at, purpose.failed_for_s()) => {
                Some(Err(RemoteError))
            }
            _ => None,
        }
    }
}

type Place = Arc<tokio::sync::Mutex<Known>>;

/// The documents of an instance, in memory only.
pub struct Remote {
    http: outbound::Client,
    config: Outbound,
    calls: Semaphore,
    places: Mutex<HashMap<(Purpose, String), (Place, Timestamp)>>,
}

impl Remote {
    /// With the client that makes guarded calls, and the configuration it was made from.
    pub fn new(config: &Outbound, http: outbound::Client) -> Remote {
        Remote {
            http,
            config: config.clone(),
            calls: Semaphore::new(CALLS_MAX),
            places: Mutex::default(),
        }
    }

    /// The document at an address: from memory while it is good, otherwise fetched, by one request for all that wait
    /// for it. `again` fetches it although it is good, at most once a minute.
    pub async fn get(
        &self,
        url: &str,
        purpose: Purpose,
        again: bool,
        now: Timestamp,
    ) -> Result<Arc<[u8]>, RemoteError> {
        let place = self.place(url, purpose, now);
        let mut known = place.lock().await;
        if let Some(answer) = known.without_calling(purpose, again, now) {
            return answer;
        }
        if known.body.as_ref().is_some_and(|(_, until)| now < *until) {
            known.again_at = Some(now);
        }
        known.asked_at = Some(now);
        match self.fetch(url, purpose, now).await {
            Ok((body, good_for_s)) => {
                known.failed = false;
                known.body = Some((Arc::clone(&body), now.plus(good_for_s)));
                Ok(body)
            }
            Err(reason) => {
                tracing::warn!(?purpose, reason, "a client's document cannot be fetched");
                known.failed = true;
                // What is still good by its own terms stays good although it could not be renewed.
                let kept = known.body.as_ref().filter(|(_, until)| now < *until);
                kept.map(|(body, _)| Arc::clone(body)).ok_or(RemoteError)
            }
        }
    }

    /// The place of an address; the one that was asked for longest ago makes room.
    fn place(&self, url: &str, purpose: Purpose, now: Timestamp) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (purpose, url.to_owned());
        if places.len() >= DOCUMENTS_MAX && !places.contains_key(&key) {
            let oldest = places.iter().min_by_key(|(_, (_, used_at))| *used_at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                places.remove(&oldest);
            }
        }
        let (place, used_at) = places.entry(key).or_default();
        *used_at = now;
        Arc::clone(place)
    }

    async fn fetch(
        &self,
        url: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<(Arc<[u8]>, Seconds), String> {
        let parsed = Url::parse(url).map_err(|error| error.to_string())?;
        let scheme = match parsed.scheme() {
            "https" => true,
            "http" => self.config.allow_private,
            _ => false,
        };
        if !scheme || !parsed.username().is_empty() || !outbound::allowed(&self.config, &parsed) {
            return Err("the address may not be called".to_owned());
        }
        let fragment = parsed.fragment().map(str::to_owned);
        let busy = |_| "too many calls are under way".to_owned();
        let permit = tokio::time::timeout(Duration::from_secs(2), self.calls.acquire());
        let _permit = permit.await.map_err(busy)?;
        let request = self.http.get(parsed).await;
        let request = request.header(header::ACCEPT, purpose.accept());
        let answer = request.send().await;
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        if answer.status() != http::StatusCode::OK {
            return Err(format!("the answer is {}", answer.status().as_u16()));
        }
        let mut good_for_s = kept_for_s(answer.headers(), purpose, now);
        let body: Arc<[u8]> = outbound::body(answer).await?.into();
        // Core §6.2: the fragment is the hash of a content that does not change.
        if purpose == Purpose::RequestObject && fragment.is_some() && fragment == hash(&body) {
            good_for_s = purpose.bounds().most_s;
        }
        Ok((body, good_for_s))
    }
}

fn hash(body: &[u8]) -> Option<String> {
    std::str::from_utf8(body).ok().map(sha256_b64)
}

fn kept_for_s(headers: &HeaderMap, purpose: Purpose, now: Timestamp) -> Seconds {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let lines = headers.get_all(header::CACHE_CONTROL).iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    let cache_control = lines.join(",");
    let date = text(header::DATE).and_then(http_date).unwrap_or(now);
    let expires = |text| http_date(text).map_or(0, |end| end.since(date));
    let terms = Terms {
        cache_control: (!lines.is_empty()).then_some(cache_control.as_str()),
        age_s: text(header::AGE).and_then(|age| age.trim().parse().ok()),
        expires_in_s: text(header::EXPIRES).map(expires),
    };
    lifetime_s(terms, purpose.bounds())
}

/// The usual form of an HTTP date (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let form = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = PrimitiveDateTime::parse(text.trim(), form).ok()?;
    Some(Timestamp(date.assume_utc().unix_timestamp()))
}

/// The document at an address that a client registered, at most 64 KiB.
///
/// # Errors
/// [`RemoteError`], the same whatever the cause.
pub async fn document(app: &App, url: &str, purpose: Purpose) -> Result<Arc<[u8]>, RemoteError> {
    app.remote.get(url, purpose, false, app.now()).await
}

/// A client's JWK set (RFC 7517 §5), by value or from its `jwks_uri`; an empty one when it has none. `fresh` asks anew
/// for one that is kept elsewhere, at most once a minute.
pub async fn keys_of(app: &App, client: &Client, fresh: bool) -> Result<Value, RemoteError> {
    match (&client.jwks, &client.jwks_uri) {
        (Some(jwks), _) => Ok(jwks.clone()),
        (None, Some(url)) => {
            let body = app.remote.get(url, Purpose::Keys, fresh, app.now()).await?;
            jwt::object(&body)
                .map(Value::Object)
                .map_err(|_| RemoteError)
        }
        (None, None) => Ok(serde_json::json!({ "keys": [] })),
    }
}

/// The claims of a token that a client signed with one of its keys. The algorithms come from the client's registration.
/// A key that does not fit may be an old one: keys kept elsewhere are fetched again once, at most once a minute.
///
/// # Errors
/// [`SignedError`]; its texts never repeat the token.
pub async fn signed_by<S: AsRef<str>>(
    app: &App,
    client: &Client,
    token: &str,
    algorithms: &[S],
) -> Result<Value, SignedError> {
    let known = keys_of(app, client, false).await?;
    match jose::by_jwks(token, &known, algorithms) {
        Err(JoseError::NoKey | JoseError::Signature) if client.jwks.is_none() => {
            let fresh = keys_of(app, client, true).await?;
            Ok(jose::by_jwks(token, &fresh, algorithms)?)
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests;
