//! A phone's answer: signed over everything shown and decided, taken once.

use super::{Refused, clock_is_off, verified};
use crate::app::App;
use crate::login::{self, Driven};
use crate::seal::sha256_b64;
use serde::Deserialize;
use serde_json::{Value, json};
use techpass_domain::authenticator::{Answer, Closed, Decision};
use techpass_domain::id::ChallengeId;
use techpass_domain::login::number_match;
use techpass_domain::login::{Event, NumberEnd};
use techpass_store::authenticators::ChallengeRow;
use techpass_store::{Write, conflict};

#[derive(Deserialize)]
struct Request {
    answer: String,
}

const UNKNOWN: Refused =
    Refused::Because(404, "unknown_request", "There is no such request any more.");
const EXPIRED: Refused = Refused::Because(
    410,
    "expired",
    "This request has ended. Nothing was approved.",
);
const ANSWERED: Refused =
    Refused::Because(409, "already_answered", "This request was answered before.");
const MISMATCH: Refused = Refused::Because(
    403,
    "context_mismatch",
    "The answer does not repeat what the request showed.",
);

/// `POST /authenticator/v1/requests/ID/answer`.
pub async fn post(app: &App, id: &str, body: &[u8]) -> Result<Value, Refused> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|_| Refused::Because(400, "invalid_request", "The request is not complete."))?;
    let (phone, claims) = verified(app, &request.answer, "techpass-answer+jwt").await?;
    let answer: Answer = serde_json::from_value(claims).map_err(|_| MISMATCH)?;
    let row = app.store.challenge(&ChallengeId::new(id)).await?;
    let row = row.ok_or(UNKNOWN)?;
    let account = &phone.authenticator.account;
    if row.challenge.account.as_ref() != Some(account) {
        return Err(Refused::Because(
            403,
            "wrong_account",
            "This request belongs to another account.",
        ));
    }
    let record = app.store.account(account).await?;
    let login_id = record.map(|record| record.login_id).unwrap_or_default();
    if !answer.repeats(&row.challenge, &app.issuer, &login_id)
        || answer.sub != phone.authenticator.id
    {
        return Err(MISMATCH);
    }
    let answer_sha256 = sha256_b64(&request.answer);
    if let Some(closed) = &row.closed {
        return before(closed, &answer_sha256);
    }
    if !row.waits(app.now()) {
        return Err(EXPIRED);
    }
    // Only here: the bytes of an answer that was taken may be sent again whenever its reply was lost.
    if clock_is_off(app, answer.iat) {
        return Err(Refused::Clock);
    }
    decide(app, row, &answer, answer_sha256).await
}

/// The same bytes again get the same reply: the first one may have been lost on its way.
fn before(closed: &Closed, answer_sha256: &str) -> Result<Value, Refused> {
    if closed.answer_sha256.as_deref() == Some(answer_sha256) {
        return reply(closed.end);
    }
    match closed.end {
        NumberEnd::Superseded | NumberEnd::Expired => Err(EXPIRED),
        _ => Err(ANSWERED),
    }
}

fn reply(end: NumberEnd) -> Result<Value, Refused> {
    match end {
        NumberEnd::Approved => Ok(json!({ "result": "approved" })),
        NumberEnd::Declined => Ok(json!({ "result": "declined" })),
        NumberEnd::Reported => Ok(json!({ "result": "reported" })),
        NumberEnd::Wrong => Err(Refused::Because(
            409,
            "wrong_number",
            "That is not the number on the computer. Get a new number there.",
        )),
        NumberEnd::Superseded | NumberEnd::Expired => Err(EXPIRED),
    }
}

/// One commit: the request is closed, the login takes the event. Of two answers the first one to commit wins.
async fn decide(
    app: &App,
    row: ChallengeRow,
    answer: &Answer,
    answer_sha256: String,
) -> Result<Value, Refused> {
    let challenge = row.challenge;
    let right = answer.number.as_deref().and_then(number_match::typed)
        == Some(app.seal.number(&challenge.nonce));
    let id = challenge.id.clone();
    let (end, event) = match answer.decision {
        Decision::Approve => (
            if right {
                NumberEnd::Approved
            } else {
                NumberEnd::Wrong
            },
            Event::NumberAnswered {
                challenge: id,
                right,
            },
        ),
        Decision::Decline => (
            NumberEnd::Declined,
            Event::NumberDeclined {
                challenge: id,
                reported: false,
            },
        ),
        Decision::Report => (
            NumberEnd::Reported,
            Event::NumberDeclined {
                challenge: id,
                reported: true,
            },
        ),
    };
    let close = Write::CloseChallenge {
        id: challenge.id.clone(),
        closed: Closed {
            end,
            answer_sha256: Some(answer_sha256.clone()),
        },
        at: app.now(),
    };
    for _ in 0..3 {
        let bound = login::by_id(app, &challenge.login).await.map_err(fault)?;
        let bound = bound.ok_or(EXPIRED)?;
        match login::drive(app, bound, event.clone(), vec![close.clone()])
            .await
            .map_err(fault)?
        {
            Driven::Taken(_) => return reply(end),
            Driven::Lost(conflict::FAILURES) => {}
            Driven::Lost(_) | Driven::Stale(_) | Driven::Barred(_) => {
                let row = app.store.challenge(&challenge.id).await?;
                return match row.and_then(|row| row.closed) {
                    Some(closed) => before(&closed, &answer_sha256),
                    None => Err(EXPIRED),
                };
            }
        }
    }
    Err(ANSWERED)
}

fn fault(fault: crate::web::page::Fault) -> Refused {
    match fault {
        crate::web::page::Fault::Failure(error) => Refused::Failure(error),
        crate::web::page::Fault::Problem(..) => UNKNOWN,
    }
}
