//! Phones and the requests they answer.

use crate::db::{Row, Statement, Value};
use crate::error::StoreError;
use crate::write::{Write, conflict, data, misrouted};
use crate::{Store, from_json};
use techpass_domain::authenticator::{Authenticator, Challenge, Closed};
use techpass_domain::id::{AccountId, AuthenticatorId, ChallengeId};
use techpass_domain::login::number_match;
use techpass_domain::time::{Seconds, Timestamp};

/// A phone with what verifying its codes needs.
#[derive(Clone, Debug)]
pub struct Phone {
    /// The phone.
    pub authenticator: Authenticator,
    /// Its seed under the master key.
    pub sealed_seed: Vec<u8>,
    /// The last used step of its codes.
    pub last_step: Option<i64>,
}

/// A request with its end, if it has ended.
#[derive(Clone, Debug)]
pub struct ChallengeRow {
    /// The request.
    pub challenge: Challenge,
    /// How it ended.
    pub closed: Option<Closed>,
}

impl ChallengeRow {
    /// Whether it waits for an answer.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.closed.is_none() && number_match::waits(self.challenge.expires_at, now)
    }
}

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    const CLOSE: &str =
        "UPDATE challenges SET closed = $2, closed_at = $3 WHERE id = $1 AND closed IS NULL";
    Ok(vec![match write {
        Write::AddAuthenticator {
            authenticator,
            sealed_seed,
        } => Statement::one(
            conflict::ROW,
            "INSERT INTO authenticators (id, account_id, data, sealed_seed) VALUES ($1, $2, $3, $4)",
            vec![
                authenticator.id.as_str().into(),
                authenticator.account.as_str().into(),
                data(&authenticator)?,
                sealed_seed.into(),
            ],
        ),
        Write::RemoveAuthenticator { id, at } => Statement::one(
            conflict::ROW,
            "UPDATE authenticators SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL",
            vec![id.as_str().into(), at.0.into()],
        ),
        Write::UseStep { id, step } => Statement::one(
            conflict::STEP,
            "UPDATE authenticators SET last_step = $2 \
             WHERE id = $1 AND removed_at IS NULL AND (last_step IS NULL OR last_step < $2)",
            vec![id.as_str().into(), step.into()],
        ),
        Write::AddChallenge(challenge) => Statement::one(
            conflict::ROW,
            "INSERT INTO challenges (id, login_id, subject, data, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                challenge.id.as_str().into(),
                challenge.login.as_str().into(),
                challenge.subject.as_str().into(),
                data(&challenge)?,
                challenge.created_at.0.into(),
                challenge.expires_at.0.into(),
            ],
        ),
        Write::CloseChallenge { id, closed, at } => {
            Statement::one(conflict::CHALLENGE, CLOSE, closing(&id, &closed, at)?)
        }
        Write::CloseChallengeIfOpen { id, closed, at } => {
            Statement::any(CLOSE, closing(&id, &closed, at)?)
        }
        _ => return Err(misrouted()),
    }])
}

fn closing(id: &ChallengeId, closed: &Closed, at: Timestamp) -> Result<Vec<Value>, StoreError> {
    Ok(vec![id.as_str().into(), data(closed)?, at.0.into()])
}

fn phone(row: &Row) -> Result<Phone, StoreError> {
    Ok(Phone {
        authenticator: from_json(row.text(0)?)?,
        sealed_seed: row.bytes(1)?.to_vec(),
        last_step: row.opt_int(2)?,
    })
}

fn challenge(row: &Row) -> Result<ChallengeRow, StoreError> {
    Ok(ChallengeRow {
        challenge: from_json(row.text(0)?)?,
        closed: row.opt_text(1)?.map(from_json).transpose()?,
    })
}

impl Store {
    /// The phones of an account, oldest first.
    pub async fn phones(&self, account: &AccountId) -> Result<Vec<Phone>, StoreError> {
        let sql = "SELECT data, sealed_seed, last_step FROM authenticators \
                   WHERE account_id = $1 AND removed_at IS NULL ORDER BY id";
        self.many(sql, vec![account.as_str().into()], phone).await
    }

    /// A phone that was not removed.
    pub async fn phone(&self, id: &AuthenticatorId) -> Result<Option<Phone>, StoreError> {
        let sql = "SELECT data, sealed_seed, last_step FROM authenticators \
                   WHERE id = $1 AND removed_at IS NULL";
        self.one(sql, vec![id.as_str().into()], phone).await
    }

    /// A request.
    pub async fn challenge(&self, id: &ChallengeId) -> Result<Option<ChallengeRow>, StoreError> {
        let sql = "SELECT data, closed FROM challenges WHERE id = $1";
        self.one(sql, vec![id.as_str().into()], challenge).await
    }

    /// A number for each of these accounts that changes whenever a request to its phones is made or closed.
    pub async fn challenge_steps(
        &self,
        ids: &[AccountId],
    ) -> Result<Vec<(AccountId, i64)>, StoreError> {
        let sql = concat!(
            "SELECT subject, COUNT(id) + COUNT(closed) FROM challenges WHERE subject IN ",
            crate::in_32!(),
            " GROUP BY subject"
        );
        let mut found = Vec::new();
        for some in ids.chunks(crate::SOME) {
            let params = crate::some(some.iter().map(AccountId::as_str));
            let rows = self.many(sql, params, |row| {
                Ok((AccountId::new(row.text(0)?), row.int(1)?))
            });
            found.extend(rows.await?);
        }
        Ok(found)
    }

    /// The requests of an account (or of what stands for an unknown one) of so many seconds before now, newest first.
    pub async fn challenges_lately(
        &self,
        subject: &str,
        seconds: Seconds,
        now: Timestamp,
    ) -> Result<Vec<ChallengeRow>, StoreError> {
        let sql = "SELECT data, closed FROM challenges \
                   WHERE subject = $1 AND created_at >= $2 AND created_at <= $3 \
                   ORDER BY created_at DESC, id DESC LIMIT 200";
        let (since, latest) = (now.0.saturating_sub(seconds), number_match::latest(now));
        let params = vec![subject.into(), since.into(), latest.0.into()];
        self.many(sql, params, challenge).await
    }
}
