//! Showing a number and ringing the phones.

use super::{Bound, Driven, TRIES_COUNTED, again, drive, drive_all, steps, wake};
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
use techpass_store::authenticators::ChallengeRow;
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

async fn send_with(app: &App, mut bound: Bound, proven: &[Event]) -> Result<Driven, Fault> {
    // Another login of the account may ask at the same moment, and a wrong password may be counted: both have an end.
    for _ in 0..TRIES_COUNTED {
        let now = app.now();
        let subject = bound.subject();
        let turn = app.store.failures(&subject, ASKS).await?;
        let rows = rows(app, &bound, now).await?;
        let recent = recent(app, &bound, &rows);
        if let Some(until) = limited(app, &bound, &recent, now).await? {
            let events = [proven, &[Event::NumberLimited { until }]].concat();
            return drive_all(app, bound, &events, Vec::new()).await;
        }
        let challenge = draw(app, &bound, &recent, now)?;
        let event = Event::NumberSent {
            challenge: challenge.id.clone(),
            expires_at: challenge.expires_at,
        };
        let left = left_behind(app, &bound, &rows).await?;
        let mut with = vec![taken(&subject, turn, now), Write::AddChallenge(challenge)];
        with.extend(left.writes);
        let events = [proven, &[event]].concat();
        match drive_all(app, bound.clone(), &events, with).await? {
            Driven::Lost(conflict::FAILURES) => {}
            Driven::Lost(conflict::LOGIN) => bound = again(app, &bound).await?,
            Driven::Taken(after) => {
                left.logins.iter().for_each(|login| wake(app, login));
                return Ok(Driven::Taken(after));
            }
            done => return Ok(done),
        }
    }
    Err(techpass_store::StoreError::Busy("many logins of one account ask at once").into())
}

/// From when on a number may be sent, if none may now.
async fn limited(
    app: &App,
    bound: &Bound,
    recent: &[Asked],
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let Err(wait) = number_match::may_ask(recent, app.config.limits.number, now) else {
        return Ok(None);
    };
    let browser = &bound.browser_sha256;
    let known = match bound.account() {
        Some(account) => app.store.has_signed_in(browser, account).await?,
        None => false,
    };
    Ok(wait.of(known))
}

fn taken(subject: &str, from: Option<Failures>, now: Timestamp) -> Write {
    Write::SetFailures {
        account: subject.to_owned(),
        factor: ASKS,
        to: from.unwrap_or_default().failed(now),
        from,
    }
}

/// What the browser has left behind in other logins, and the new number replaces.
#[derive(Default)]
struct Left {
    /// The ends of those requests, and their logins after them.
    writes: Vec<Write>,
    /// The logins, to be woken.
    logins: Vec<Bound>,
}

/// Requests of this account that wait for other logins of this browser. Somebody who starts again would otherwise be
/// kept out by pages they have left, and have to choose on the phone.
async fn left_behind(app: &App, bound: &Bound, rows: &[ChallengeRow]) -> Result<Left, Fault> {
    let now = app.now();
    let mut left = Left::default();
    let waiting = rows.iter().filter(|row| {
        let of = &row.challenge;
        row.waits(now) && of.login != bound.id && in_browser(bound, of)
    });
    for row in waiting {
        let Some(other) = super::by_id(app, &row.challenge.login).await? else {
            continue;
        };
        let event = Event::NumberSuperseded {
            challenge: row.challenge.id.clone(),
        };
        // One that does not wait for it any more needs nothing.
        if let Ok(stepped) = steps::stepped(app, &other, &[event]).await? {
            left.writes.extend(stepped.writes);
            left.writes.push(Write::SaveLogin {
                id: other.id.clone(),
                version: other.version,
                data: serde_json::to_string(&stepped.after.data).map_err(Error::from)?,
            });
            left.logins.push(stepped.after);
        }
    }
    Ok(left)
}

fn in_browser(bound: &Bound, of: &Challenge) -> bool {
    of.browser_sha256.as_ref() == Some(&bound.browser_sha256)
}

async fn rows(app: &App, bound: &Bound, now: Timestamp) -> Result<Vec<ChallengeRow>, Error> {
    let limits = app.config.limits.number;
    let window_s = limits.long_s.max(limits.short_s);
    let subject = bound.subject();
    Ok(app.store.challenges_lately(&subject, window_s, now).await?)
}

fn recent(app: &App, bound: &Bound, rows: &[ChallengeRow]) -> Vec<Asked> {
    let asked = rows.iter().map(|row| Asked {
        at: row.challenge.created_at,
        live_until: match row.closed {
            // Whatever the clock said then: it may have been set back since.
            Some(_) => Timestamp(i64::MIN),
            None => row.challenge.expires_at,
        },
        number: app.seal.number(&row.challenge.nonce),
        same_login: row.challenge.login == bound.id,
        same_browser: in_browser(bound, &row.challenge),
    });
    asked.collect()
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
        browser_sha256: Some(bound.browser_sha256.clone()),
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
