//! What events come to: the login after them, and everything that has to be written with it.

use super::{Bound, Data, consent, failures, hold};
use crate::app::{App, Error};
use crate::wake::Change;
use std::borrow::Cow;
use techpass_domain::audit::Record;
use techpass_domain::authenticator::Closed;
use techpass_domain::id::ClientId;
use techpass_domain::login::lockout::Barred;
use techpass_domain::login::{Effect, Event, Login, NumberEnd};
use techpass_store::Write;

/// What some events come to.
pub(super) struct Stepped {
    /// The login after them; its row is to be saved.
    pub after: Bound,
    /// Their effects and their audit records.
    pub writes: Vec<Write>,
    /// Whether somebody was put on hold, so that applications have to be told.
    pub held: bool,
}

/// Why events are not taken.
pub(super) enum NotTaken {
    /// One of them does not answer what the login asks by then.
    Unexpected,
    /// One of them judges a factor that is locked.
    Barred(Barred),
}

/// Applies events one after the other: all, or none.
pub(super) async fn stepped(
    app: &App,
    bound: &Bound,
    events: &[Event],
) -> Result<Result<Stepped, NotTaken>, Error> {
    let now = app.now();
    let mut before = Cow::Borrowed(bound);
    let (mut writes, mut held) = (Vec::new(), false);
    for event in events {
        let login = before.data.login.clone();
        let Ok((login, effects)) = login.step(event.clone(), &app.rules(), now) else {
            return Ok(Err(NotTaken::Unexpected));
        };
        let mut after = Bound::clone(&before);
        after.data.login = login;
        note_choice(app, &mut after, event).await?;
        match consequences(app, &before, &after, &effects).await? {
            Ok(meant) => writes.extend(meant),
            Err(barred) => return Ok(Err(NotTaken::Barred(barred))),
        }
        writes.push(app.audit(record(app, &after, event))?);
        held |= effects.iter().any(|e| matches!(e, Effect::Hold(_)));
        before = Cow::Owned(after);
    }
    Ok(Ok(Stepped {
        after: before.into_owned(),
        writes,
        held,
    }))
}

/// Keeps the login ID beside the account, where whoever reports the event has not; it is what pages and phones show.
async fn note_choice(app: &App, after: &mut Bound, event: &Event) -> Result<(), Error> {
    match event {
        Event::AnotherAccount => after.data.login_id = None,
        Event::AccountChosen(..) | Event::UpstreamReturned { .. } => {
            if matches!(event, Event::UpstreamReturned { .. })
                && let Some(id) = after.account().cloned()
                && let Some(account) = app.store.account(&id).await?
            {
                after.data.login_id = Some(account.login_id);
            }
            let Data { login, request, .. } = &after.data;
            after.data.login = consent::remembered(app, login.clone(), request).await?;
        }
        _ => {}
    }
    Ok(())
}

/// The writes that effects mean. Ends of numbers that a phone decided come from the phone's handler, which must be the
/// first to close the request; sessions and codes come from [`collect`], which makes their secrets.
async fn consequences(
    app: &App,
    before: &Bound,
    after: &Bound,
    effects: &[Effect],
) -> Result<Result<Vec<Write>, Barred>, Error> {
    let mut writes = Vec::new();
    let now = app.now();
    for effect in effects {
        match effect {
            Effect::CountFailure(factor) | Effect::ClearFailures(factor) => {
                let right = matches!(effect, Effect::ClearFailures(_));
                match failures::judged(app, before, *factor, right).await? {
                    Ok(count) => writes.extend(count),
                    Err(barred) => return Ok(Err(barred)),
                }
            }
            Effect::EndNumber(id, end @ (NumberEnd::Superseded | NumberEnd::Expired)) => {
                writes.push(Write::CloseChallengeIfOpen {
                    id: id.clone(),
                    closed: Closed {
                        end: *end,
                        answer_sha256: None,
                    },
                    at: now,
                });
                // The phones of the account that was chosen before must take it off their screens.
                if let Some(account) = before.account() {
                    app.wake.tell(Change::Phones(account.as_str().to_owned()));
                }
            }
            Effect::Hold(account) => {
                writes.extend(hold::writes(app, account, &after.data.reference).await?)
            }
            Effect::RememberConsent(account) => {
                writes.push(consent::write(app, after, account).await?)
            }
            Effect::EndNumber(..)
            | Effect::NotifyPhones(_)
            | Effect::StartSession
            | Effect::IssueCode => {}
        }
    }
    Ok(Ok(writes))
}

fn record(app: &App, after: &Bound, event: &Event) -> Record {
    let login = &after.data.login;
    let (kind, mut detail) = match event {
        Event::AccountChosen(..) => ("login.account_chosen", serde_json::json!({})),
        Event::AnotherAccount => ("login.another_account", serde_json::json!({})),
        Event::PasswordChecked { right } => {
            ("login.password", serde_json::json!({ "right": right }))
        }
        Event::CodeChecked { right } => ("login.code", serde_json::json!({ "right": right })),
        Event::NumberSent { challenge, .. } => (
            "login.number_sent",
            serde_json::json!({ "challenge": challenge }),
        ),
        Event::NumberLimited { until } => (
            "login.number_limited",
            serde_json::json!({ "until": until }),
        ),
        Event::NumberAnswered { challenge, right } => (
            "login.number_answered",
            serde_json::json!({ "challenge": challenge, "right": right }),
        ),
        Event::NumberDeclined {
            challenge,
            reported,
        } => (
            "login.number_declined",
            serde_json::json!({ "challenge": challenge, "reported": reported }),
        ),
        Event::NumberSuperseded { challenge } => (
            "login.number_superseded",
            serde_json::json!({ "challenge": challenge }),
        ),
        Event::UpstreamReturned {
            as_chosen, proof, ..
        } => (
            "login.upstream_returned",
            serde_json::json!({ "as_chosen": as_chosen, "amr": proof.amr, "acr": proof.acr }),
        ),
        Event::UpstreamRefused => ("login.upstream_refused", serde_json::json!({})),
        Event::DeviceSeen(device) => ("login.device_seen", serde_json::json!({ "device": device })),
        Event::ConsentGiven => (
            "login.consent",
            serde_json::json!({ "scope": after.data.request.scope }),
        ),
        Event::Cancelled => ("login.cancelled", serde_json::json!({})),
        Event::Collected => ("login.granted", granted(app, login)),
    };
    // Where the browser was when the login began; the number's answer comes from elsewhere.
    if let Some(members) = detail.as_object_mut() {
        members.insert("address".to_owned(), after.data.location.clone().into());
    }
    Record {
        at: app.now(),
        kind: kind.to_owned(),
        account: after.account().cloned(),
        client: Some(ClientId::new(after.data.request.client_id.as_str())),
        reference: Some(after.data.reference.clone()),
        detail,
    }
}

fn granted(app: &App, login: &Login) -> serde_json::Value {
    let chosen = login.evidence.chosen.as_ref();
    let rule = chosen.map(|chosen| login.decision(&app.rules(), chosen).rule);
    serde_json::json!({ "rule": rule, "device": login.evidence.device })
}
