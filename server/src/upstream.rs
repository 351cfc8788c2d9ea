//! Asking the home organisation: this server as a strict relying party of another provider.
//!
//! Every trip has its own `state`; `nonce` and PKCE verifier follow from it and the master key, so nothing secret is
//! stored. An account is found by `(iss, sub)` and by nothing else.

pub mod ended;
mod trip;

use crate::app::{App, Error};
use crate::chance;
use crate::config::{Config, UpstreamConfig, secret_file};
use crate::login::{self, Bound, Driven, advance, drive, who};
use crate::seal::{hashed, sha256_b64};
use crate::web::page::{self, Fault, Outcome};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use techpass_domain::id::UpstreamId;
use techpass_domain::login::{Chosen, Event, Prompt, UpstreamProof};
use techpass_domain::oidc::params::Params;
use techpass_domain::problem::Problem;
use tokio::sync::{Mutex, RwLock, Semaphore};
use trip::Identity;

/// Trips of one login that may be out at once: two tabs, a reload.
const TRIPS_MAX: usize = 5;
/// Browsers that may wait for an upstream's metadata at once, while one asks for all of them: when it stalls, the others are
/// told at once.
const ASKING_MAX: usize = 128;
/// `acr` values of an upstream that mean the same here.
const KNOWN_ACR: [&str; 2] = [
    techpass_domain::login::requirement::ACR_NUMBER_MATCH,
    techpass_domain::login::requirement::ACR_SINGLE_FACTOR,
];

/// The home organisations, with what was learned of each.
pub struct Upstreams(HashMap<String, Arc<Upstream>>);

/// One of them.
pub struct Upstream {
    /// Its configuration.
    pub config: UpstreamConfig,
    /// Its issuer, as its tokens spell it.
    pub issuer: String,
    secret: String,
    asking: Semaphore,
    turn: Mutex<()>,
    tries: AtomicU64,
    learned: RwLock<Option<Arc<trip::Learned>>>,
}

impl Upstreams {
    /// Reads the secrets. Nothing is asked of anybody yet: this server starts when an upstream is down.
    pub fn new(config: &Config) -> Result<Upstreams, Error> {
        let mut all = HashMap::new();
        for one in &config.upstream {
            let secret = secret_file("upstream.client_secret_file", &one.client_secret_file)?;
            let issuer = one.issuer.as_str().trim_end_matches('/').to_owned();
            let upstream = Upstream {
                issuer,
                secret: secret.trim().to_owned(),
                config: one.clone(),
                asking: Semaphore::new(ASKING_MAX),
                turn: Mutex::new(()),
                tries: AtomicU64::new(0),
                learned: RwLock::new(None),
            };
            all.insert(one.id.clone(), Arc::new(upstream));
        }
        Ok(Upstreams(all))
    }

    /// One by its name.
    pub fn get(&self, id: &str) -> Option<Arc<Upstream>> {
        self.0.get(id).map(Arc::clone)
    }
}

/// Sends the browser to the upstream.
pub async fn leave(app: &App, mut bound: Bound, id: &UpstreamId) -> Outcome {
    let Some(upstream) = app.upstreams.get(id.as_str()) else {
        return Err(Error::internal("an account's home is not configured").into());
    };
    let learned = match trip::learn(app, &upstream, false).await {
        Ok(learned) => learned,
        Err(reason) => return Ok(trouble(app, &bound, &reason)),
    };
    // The address in front tells the callback which login comes back; it is worth nothing without the browser's cookie.
    let state = format!("{}.{}", bound.address, chance::secret()?);
    let now = app.now();
    let trips = &mut bound.data.trips;
    trips.push((hashed(&state), now));
    while trips.len() > TRIPS_MAX {
        trips.remove(0);
    }
    if !login::save(app, &mut bound).await? {
        return Ok(page::see_other(&bound.path()));
    }
    let mut url = learned.authorization_endpoint.clone();
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &upstream.config.client_id)
            .append_pair("redirect_uri", &redirect_uri(app, &upstream))
            .append_pair("scope", "openid profile email")
            .append_pair("state", &state)
            .append_pair("nonce", &app.seal.derived_text("upstream-nonce", &state))
            .append_pair("code_challenge", &sha256_b64(&verifier(app, &state)))
            .append_pair("code_challenge_method", "S256");
        if let Some(login_id) = &bound.data.login_id {
            query.append_pair("login_hint", login_id);
        }
        let asked = &bound.data.login.asked;
        if upstream.config.fresh || asked.force_login {
            query.append_pair("prompt", "login");
        } else if let Some(max_age) = asked.max_age {
            query.append_pair("max_age", &max_age.to_string());
        }
    }
    Ok(page::see_other(url.as_str()))
}

fn verifier(app: &App, state: &str) -> String {
    app.seal.derived_text("upstream-verifier", state)
}

fn redirect_uri(app: &App, upstream: &Upstream) -> String {
    format!("{}/upstream/{}/callback", app.issuer, upstream.config.id)
}

/// The browser comes back.
pub async fn callback(app: &App, headers: &HeaderMap, id: &str, query: &str) -> Outcome {
    let unsupported = || Fault::Problem(Problem::Unsupported, StatusCode::BAD_REQUEST);
    let upstream = app.upstreams.get(id).ok_or_else(unsupported)?;
    let params = Params::parse(query).map_err(|_| unsupported())?;
    let state = params.get("state").ok_or_else(Fault::expired)?.to_owned();
    let address = state.split('.').next().unwrap_or_default();
    let mut bound = login::find(app, headers, address).await?;
    if !bound.asks(app, &Prompt::Upstream(UpstreamId::new(id))) {
        // Another tab, or this answer sent twice: the login stands elsewhere.
        return Ok(page::see_other(&bound.path()));
    }
    let Some(left_at) = take_trip(&mut bound, &state) else {
        return Ok(page::see_other(&bound.path()));
    };
    // A callback is looked at once: of two at once, one saves.
    if !login::save(app, &mut bound).await? {
        return Ok(page::see_other(&bound.path()));
    }
    // RFC 9207 §2.4: compared with the issuer that was asked.
    let learned = trip::learn(app, &upstream, false).await;
    let named = learned.is_ok_and(|learned| learned.iss_parameter);
    if !techpass_domain::oidc::upstream::answers(params.get("iss"), &upstream.issuer, named) {
        return Ok(trouble(
            app,
            &bound,
            "the answer is not from the issuer that was asked",
        ));
    }
    if let Some(error) = params.get("error") {
        let first = params
            .get("error_description")
            .and_then(|text| text.split(' ').next());
        bound.data.upstream_said = first.and_then(Problem::parse);
        return refused(app, headers, bound, error).await;
    }
    let Some(code) = params.get("code") else {
        return Ok(trouble(
            app,
            &bound,
            "the answer holds neither code nor error",
        ));
    };
    let asked = trip::Asked {
        nonce: app.seal.derived_text("upstream-nonce", &state),
        verifier: verifier(app, &state),
        redirect_uri: redirect_uri(app, &upstream),
        left_at,
        max_age: bound.data.login.asked.max_age,
        fresh: upstream.config.fresh || bound.data.login.asked.force_login,
    };
    match trip::redeem(app, &upstream, code, &asked).await {
        Ok(identity) => returned(app, headers, bound, &upstream, identity).await,
        Err(reason) => Ok(trouble(app, &bound, &reason)),
    }
}

fn take_trip(bound: &mut Bound, state: &str) -> Option<techpass_domain::time::Timestamp> {
    let wanted = hashed(state);
    let trips = &mut bound.data.trips;
    let place = trips.iter().position(|(hash, _)| *hash == wanted)?;
    Some(trips.remove(place).1)
}

async fn refused(app: &App, headers: &HeaderMap, bound: Bound, error: &str) -> Outcome {
    if error != "access_denied" {
        return Ok(trouble(app, &bound, "the upstream answered with an error"));
    }
    match drive(app, bound, Event::UpstreamRefused, Vec::new()).await? {
        Driven::Taken(after) | Driven::Stale(after) => advance::advance(app, headers, *after).await,
        Driven::Lost(_) | Driven::Barred(_) => Err(Fault::expired()),
    }
}

async fn returned(
    app: &App,
    headers: &HeaderMap,
    bound: Bound,
    upstream: &Upstream,
    identity: Identity,
) -> Outcome {
    let found = trip::account(app, upstream, &identity).await?;
    let account = match found {
        Ok(account) => account,
        Err(reason) => {
            tracing::warn!(
                upstream = upstream.config.id,
                reason,
                "no account for an upstream's subject"
            );
            let problem = Problem::WrongAccount;
            return Err(Fault::Problem(problem, StatusCode::FORBIDDEN));
        }
    };
    let who = who(app, &account.id).await?;
    let who = who.ok_or_else(|| Error::internal("a linked account is gone"))?;
    let as_chosen = match &bound.data.login.evidence.chosen {
        Some(Chosen::Known(chosen)) => chosen.id == account.id,
        Some(Chosen::Unknown { .. }) => bound.data.login_id.as_deref() == Some(&account.login_id),
        None => false,
    };
    let acr = identity.acr.filter(|acr| KNOWN_ACR.contains(&acr.as_str()));
    let event = Event::UpstreamReturned {
        as_chosen,
        proof: UpstreamProof {
            account: who.id.clone(),
            at: identity.auth_time,
            amr: identity.amr,
            acr,
        },
        who,
    };
    match drive(app, bound, event, Vec::new()).await? {
        Driven::Taken(after) => advance::advance(app, headers, *after).await,
        Driven::Stale(after) => Ok(page::see_other(&after.path())),
        Driven::Lost(_) | Driven::Barred(_) => Err(Fault::expired()),
    }
}

/// SYS-801: the page says that it is not the person's fault and lets them try again; the log says why.
fn trouble(app: &App, bound: &Bound, reason: &str) -> axum::response::Response {
    let reference = bound.data.reference.as_str();
    tracing::warn!(reference, reason, "the upstream's sign-in failed");
    let facts = crate::views::Facts {
        app: Some(bound.data.app.clone()),
        brand: app.config.brand.name.clone(),
        help: app.config.brand.help.clone(),
        ..Default::default()
    };
    let mut refused = crate::views::Refused::of(Problem::Upstream.code(), &facts);
    refused.start_again = Some(bound.path());
    page::render(app, &refused, StatusCode::BAD_GATEWAY, reference)
}

/// Members of a JSON answer that must be text.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
