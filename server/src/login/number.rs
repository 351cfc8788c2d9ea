//! Showing a number and ringing the phones.

use super::{Bound, Driven, TRIES_COUNTED, drive, drive_all};
use crate::app::{App, Error};
use crate::chance;
use crate::web::page::Fault;
use techpass_domain::authenticator::Challenge;
use techpass_domain::device::DeviceEvidence;
use techpass_domain::id::{ChallengeId, ClientId};
use techpass_domain::login::lockout::Failures;
use techpass_domain::login::number_match::{self, Asked, LIFETIME_S};
use techpass_domain::login::{Event, Next, Prompt};
use techpass_domain::time::Timestamp;
use techpass_store::{Write, conflict};

/// Rows in the failures' table that make asking atomic: whoever asks counts, and of two at once one must look again.
const ASKS: &str = "asks";
/// Draws a number, lays the request out for the phones, and reports it to the login; or reports until when none may be
/// sent.
pub async fn send(app: &App, bound: Bound) -> Result<Driven, Fault> {
    send_with(app, bound, &[]).await
}

/// Whether a number is what follows this event, without a person in between.
pub fn follows(app: &App, bound: &Bound, event: &Event) -> bool {
    let login = bound.data.login.clone();
    let stepped = login.step(event.clone(), &app.rules(), app.now());
    stepped.is_ok_and(|(login, _)| {
        login.next(&app.rules(), app.now()) == Next::Ask(Prompt::SendNumber)
    })
}

/// Reports what was proven and sends the number that follows it, in one commit.
pub async fn send_after(app: &App, bound: Bound, proven: Event) -> Result<Driven, Fault> {
    match send_with(app, bound, std::slice::from_ref(&proven)).await? {
        // Somebody was faster, or the account is another by now and no number follows any more.
        Driven::Stale(bound) => drive(app, *bound, proven, Vec::new()).await,
        done => Ok(done),
    }
}

async fn send_with(app: &App, bound: Bound, proven: &[Event]) -> Result<Driven, Fault> {
    // Another login of the account may ask at the same moment, and a wrong password may be counted: both have an end.
    for _ in 0..TRIES_COUNTED {
        let now = app.now();
        let subject = bound.subject();
        let turn = app.store.failures(&subject, ASKS).await?;
        let recent = recent(app, &bound, now).await?;
        if let Err(until) = number_match::may_ask(&recent, app.config.limits.number, now) {
            let events = [proven, &[Event::NumberLimited { until }]].concat();
            return drive_all(app, bound, &events, Vec::new()).await;
        }
        let challenge = draw(app, &bound, &recent, now)?;
        let event = Event::NumberSent {
            challenge: challenge.id.clone(),
            expires_at: challenge.expires_at,
        };
        let with = vec![Write::AddChallenge(challenge), taken(&subject, turn, now)];
        let events = [proven, &[event]].concat();
        match drive_all(app, bound.clone(), &events, with).await? {
            Driven::Lost(conflict::FAILURES) => {}
            done => return Ok(done),
        }
    }
    Err(techpass_store::StoreError::Busy("many logins of one account ask at once").into())
}

fn taken(subject: &str, from: Option<Failures>, now: Timestamp) -> Write {
    Write::SetFailures {
        account: subject.to_owned(),
        factor: ASKS,
        to: from.unwrap_or_default().failed(now),
        from,
    }
}

async fn recent(app: &App, bound: &Bound, now: Timestamp) -> Result<Vec<Asked>, Error> {
    let limits = app.config.limits.number;
    let since = Timestamp(now.0.saturating_sub(limits.long_s.max(limits.short_s)));
    let rows = app.store.challenges_since(&bound.subject(), since).await?;
    let asked = rows.into_iter().map(|row| Asked {
        at: row.challenge.created_at,
        live_until: match row.closed {
            // Whatever the clock said then: it may have been set back since.
            Some(_) => Timestamp(i64::MIN),
            None => row.challenge.expires_at,
        },
        number: app.seal.number(&row.challenge.nonce),
        same_login: row.challenge.login == bound.id,
    });
    Ok(asked.collect())
}

fn draw(app: &App, bound: &Bound, recent: &[Asked], now: Timestamp) -> Result<Challenge, Error> {
    let mut nonce = chance::secret()?;
    // Of ninety numbers at most a few are taken, so this ends after a draw or two.
    while !number_match::may_show(app.seal.number(&nonce), recent, now) {
        nonce = chance::secret()?;
    }
    let data = &bound.data;
    let class = match &data.login.evidence.device {
        DeviceEvidence::Key { class, .. } => format!(" · {}", class.title()),
        DeviceEvidence::Unproven => String::new(),
    };
    Ok(Challenge {
        id: ChallengeId::new(chance::row_id("chl", now.0)?),
        login: bound.id.clone(),
        account: bound.account().cloned(),
        subject: bound.subject(),
        nonce,
        app: data.app.clone(),
        client: ClientId::new(data.request.client_id.as_str()),
        location: data.location.clone(),
        device: format!("{}{class}", data.device),
        created_at: now,
        expires_at: now.plus(LIFETIME_S),
    })
}
