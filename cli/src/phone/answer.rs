//! Answering a request: signed over everything that was shown and what was decided.

use super::{Held, Phone, Request, Unreachable, Waiting, sign};
use crate::terminal::printable;
use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::json;

/// What a person says to a request. It has no `Debug`, since it may hold the number.
#[derive(Clone, Copy)]
pub enum Decision<'a> {
    /// Yes, with the two digits that the browser shows.
    Approve(&'a str),
    /// No.
    Decline,
    /// No, and somebody else made this request.
    Report,
}

/// The payload of an answer: what the list said, byte for byte, and the decision.
#[derive(Serialize)]
struct Payload<'a> {
    v: u8,
    aud: &'a str,
    sub: &'a str,
    request: &'a str,
    nonce: &'a str,
    account: &'a str,
    app: &'a str,
    location: &'a str,
    device: &'a str,
    created_at: i64,
    expires_at: i64,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a str>,
    iat: i64,
}

impl Decision<'_> {
    fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Decision::Approve(number) => ("approve", Some(number)),
            Decision::Decline => ("decline", None),
            Decision::Report => ("report", None),
        }
    }
}

/// Whether a text is what a person can have read in the browser: two digits.
pub fn is_number(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Phone {
    /// Answers the request that waits for an account, at whichever server it waits; of several the newest, which is the
    /// one that a person has just made, or the one that `request` names. Gives the others, newest first.
    ///
    /// # Errors
    /// When the number is not two digits, no request waits, the server refuses ([`super::Refusal`], such as
    /// `wrong_number`) or does not answer ([`Unreachable`]).
    pub async fn answer(
        &self,
        account: &str,
        request: Option<&str>,
        decision: Decision<'_>,
    ) -> Result<Vec<Request>> {
        if let Decision::Approve(number) = decision
            && !is_number(number)
        {
            bail!("the number is the two digits that the browser shows");
        }
        let gathered = self.gather(&self.of(account)?).await;
        let mut waiting = gathered.waiting;
        let meant = waiting
            .iter()
            .position(|(_, one)| request.is_none_or(|id| id == one.request.id));
        let Some((held, answered)) = meant.map(|at| waiting.remove(at)) else {
            if let Some(failure) = gathered.failures.into_iter().next() {
                return Err(failure);
            }
            bail!("no request is waiting for {account}");
        };
        self.send(held, &answered, decision).await?;
        Ok(waiting.into_iter().map(|(_, one)| one.request).collect())
    }

    async fn send(&self, held: &Held, waiting: &Waiting, decision: Decision<'_>) -> Result<()> {
        let mut answer = self.signed(held, waiting, decision)?;
        let (mut corrected, mut repeated) = (false, false);
        loop {
            let issuer = &held.profile.issuer;
            let path = format!("/authenticator/v1/requests/{}/answer", waiting.request.id);
            match self
                .wire
                .post(issuer, &path, &json!({ "answer": answer }))
                .await
            {
                // The answer may have arrived and the reply be lost: the same bytes get the same reply.
                Err(error) if error.is::<Unreachable>() && !repeated => repeated = true,
                Err(error) => return Err(error),
                Ok(reply) => match reply.accepted() {
                    Ok(_) => return Ok(()),
                    Err(refusal) => {
                        let Some(now) = refusal.clock().filter(|_| !corrected) else {
                            return Err(refusal.into());
                        };
                        self.learn(held, now);
                        corrected = true;
                        answer = self.signed(held, waiting, decision)?;
                    }
                },
            }
        }
    }

    fn signed(&self, held: &Held, waiting: &Waiting, decision: Decision<'_>) -> Result<String> {
        let request = &waiting.request;
        let (word, number) = decision.parts();
        let payload = Payload {
            v: 1,
            aud: &held.profile.issuer,
            sub: &held.authenticator_id,
            request: &request.id,
            nonce: &waiting.nonce,
            account: &request.account,
            app: &request.app,
            location: &request.location,
            device: &request.device,
            created_at: request.created_at,
            expires_at: request.expires_at,
            decision: word,
            number,
            iat: self.time(held),
        };
        held.key.sign(sign::ANSWER, &payload)
    }
}

/// What a person is told of the requests that wait on.
pub fn waiting_still(account: &str, others: &[Request]) -> String {
    let rows: Vec<String> = others
        .iter()
        .map(|one| {
            printable(&format!(
                "--request {}: {}, {}, {}",
                one.id, one.app, one.location, one.device
            ))
        })
        .collect();
    format!(
        "the newest request was answered; others wait for {}, and somebody else may have made one:\n  {}",
        printable(account),
        rows.join("\n  ")
    )
}
