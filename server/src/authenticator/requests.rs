//! The requests that wait for a phone: a list, and a stream that says when to read it again.

use super::{Refused, speaker};
use crate::app::App;
use crate::wake::Change;
use crate::web::streams;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::HeaderMap;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use techpass_domain::account::Status;
use techpass_domain::authenticator::Challenge;
use techpass_domain::id::AccountId;
use techpass_domain::login::number_match::LIFETIME_S;

/// How long a stream lives before the phone connects again.
const STREAM_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// `GET /authenticator/v1/requests`.
pub async fn get(app: &App, headers: &HeaderMap) -> Result<Value, Refused> {
    let phone = speaker(app, headers, "GET", "/authenticator/v1/requests").await?;
    let account = &phone.authenticator.account;
    let record = app.store.account(account).await?;
    let active = record
        .as_ref()
        .is_some_and(|record| record.status == Status::Active);
    let login_id = record.map(|record| record.login_id).unwrap_or_default();
    // What an account asked that is on hold or disabled by now cannot be answered any more.
    let waiting = match active {
        true => waiting(app, account).await?,
        false => Vec::new(),
    };
    let config = &app.config.authenticator;
    let several = waiting.len() > 1;
    let requests: Vec<Value> = waiting
        .iter()
        .map(|challenge| shown(app, challenge, &login_id))
        .collect();
    Ok(json!({
        "now": app.now(),
        "account": login_id,
        "issuer": app.issuer,
        "organisation": config.organisation,
        "label": config.label,
        "several": several,
        "requests": requests,
    }))
}

/// What a phone is told of a request. Never the number.
fn shown(app: &App, challenge: &Challenge, login_id: &str) -> Value {
    json!({
        "id": challenge.id,
        "nonce": challenge.nonce,
        "account": login_id,
        "issuer": app.issuer,
        "app": challenge.app,
        "location": challenge.location,
        "device": challenge.device,
        "created_at": challenge.created_at,
        "expires_at": challenge.expires_at,
    })
}

async fn waiting(app: &App, account: &AccountId) -> Result<Vec<Challenge>, Refused> {
    let now = app.now();
    let rows = app
        .store
        .challenges_lately(account.as_str(), LIFETIME_S, now)
        .await?;
    let live = rows.into_iter().filter(|row| row.waits(now));
    Ok(live.map(|row| row.challenge).collect())
}

/// `GET /authenticator/v1/events`.
pub async fn events(app: &App, headers: &HeaderMap) -> Result<Response, Refused> {
    let phone = speaker(app, headers, "GET", "/authenticator/v1/events").await?;
    let wanted = Change::Phones(phone.authenticator.account.as_str().to_owned());
    // The phone reads its requests once the answer has begun, and then nothing is missed.
    let listener = app.wake.listen(wanted);
    let end = tokio::time::Instant::now() + STREAM_LIFETIME;
    let stream = stream::unfold(listener, move |mut listener| async move {
        tokio::time::timeout_at(end, listener.changed())
            .await
            .ok()?;
        let event = Event::default().event("requests").data("1");
        Some((Ok::<_, Infallible>(event), listener))
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    let response = Sse::new(stream).keep_alive(keep_alive).into_response();
    let whose = format!("phone {}", phone.authenticator.id);
    Ok(streams::share(&app.load.shares, whose, response))
}
