//! Signing keys, the audit record, what is to be delivered, and sweeping what has expired.

use crate::Store;
use crate::db::Statement;
use crate::error::StoreError;
use crate::write::{Write, conflict, misrouted};
use techpass_domain::time::Timestamp;

/// A signing key's row.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Its name in the JWKS.
    pub kid: String,
    /// What it signs with, `ES256`.
    pub alg: String,
    /// `next`, `active`, `retired` or `revoked`.
    pub state: String,
    /// Its public half, JSON.
    pub public_jwk: String,
    /// Its private half under the master key.
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
}

/// Something to deliver, or delivered.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Its row.
    pub id: String,
    /// `backchannel-logout`, `mail`.
    pub kind: String,
    /// What, as JSON.
    pub data: String,
    /// When it was laid down.
    pub created_at: Timestamp,
    /// Tries so far.
    pub attempts: i64,
    /// When it was delivered or given up.
    pub done_at: Option<Timestamp>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// How much of a kind is to be delivered.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// When the oldest was laid down.
    pub oldest: Timestamp,
}

/// A line of the audit record as it is listed.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// Whom it concerns.
    pub account: Option<String>,
    /// Which application.
    pub client: Option<String>,
    /// What a person quotes for it.
    pub reference: Option<String>,
    /// Further facts, JSON.
    pub detail: String,
}

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(vec![match write {
        Write::AddKey(key) => Statement::one(
            conflict::ROW,
            "INSERT INTO signing_keys (kid, alg, state, public_jwk, sealed_private, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                key.kid.into(),
                key.alg.into(),
                key.state.into(),
                key.public_jwk.into(),
                key.sealed_private.into(),
                key.created_at.0.into(),
            ],
        ),
        Write::SetKeyState { kid, from, to, at } => {
            let out = matches!(to, "retired" | "revoked").then_some(at.0);
            Statement::one(
                conflict::ROW,
                "UPDATE signing_keys SET state = $3, retired_at = COALESCE(retired_at, $4) \
                 WHERE kid = $1 AND state = $2",
                vec![kid.into(), from.into(), to.into(), out.into()],
            )
        }
        Write::Audit { seq, record } => Statement::one(
            conflict::ROW,
            "INSERT INTO audit (seq, at, kind, account_id, client_id, reference, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                seq.into(),
                record.at.0.into(),
                record.kind.into(),
                record.account.map(|id| id.as_str().to_owned()).into(),
                record.client.map(|id| id.as_str().to_owned()).into(),
                record.reference.map(|r| r.as_str().to_owned()).into(),
                record.detail.to_string().into(),
            ],
        ),
        _ => deliveries(write)?,
    }])
}

fn deliveries(write: Write) -> Result<Statement, StoreError> {
    Ok(match write {
        Write::Enqueue { id, kind, data, at } => Statement::one(
            conflict::ROW,
            "INSERT INTO outbox (id, kind, data, created_at, due_at, attempts) VALUES ($1, $2, $3, $4, $4, 0)",
            vec![id.into(), kind.into(), data.into(), at.0.into()],
        ),
        Write::Claim { id, at, until } => Statement::one(
            conflict::ROW,
            "UPDATE outbox SET due_at = $3 WHERE id = $1 AND done_at IS NULL AND due_at <= $2",
            vec![id.into(), at.0.into(), until.0.into()],
        ),
        Write::Delivered { id, at } => Statement::any(
            "UPDATE outbox SET done_at = $2, attempts = attempts + 1, last_error = NULL \
             WHERE id = $1 AND done_at IS NULL",
            vec![id.into(), at.0.into()],
        ),
        Write::DeliverAgain { id, at } => Statement::one(
            conflict::ROW,
            "UPDATE outbox SET done_at = NULL, due_at = $2, attempts = 0 \
             WHERE id = $1 AND last_error IS NOT NULL",
            vec![id.into(), at.0.into()],
        ),
        Write::NotDelivered {
            id,
            attempts,
            due_at,
            at,
            error,
        } => Statement::any(
            "UPDATE outbox SET attempts = $2, due_at = $3, done_at = $4, last_error = $5 \
             WHERE id = $1 AND done_at IS NULL",
            vec![
                id.into(),
                attempts.into(),
                due_at.unwrap_or(at).0.into(),
                due_at.is_none().then_some(at.0).into(),
                error.into(),
            ],
        ),
        _ => return Err(misrouted()),
    })
}

/// A question whether a table has expired rows, and the statement that takes a bite of them.
macro_rules! expired {
    ($table:literal, $key:literal, $when:literal) => {
        (
            concat!(
                "SELECT ", $key, " FROM ", $table, " WHERE ", $when, " LIMIT 1"
            ),
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE ",
                $key,
                " IN (SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $when,
                " LIMIT $2) AND ",
                $when
            ),
        )
    };
}

/// Rows that have expired, by table; each sweep takes bounded bites so that it never holds the writer for long.
const SWEEPS: [(&str, &str); 10] = [
    expired!("logins", "id", "expires_at < $1"),
    expired!("challenges", "id", "expires_at < $1 - 86400"),
    expired!("sessions", "id", "expires_at < $1"),
    expired!("entries", "sid", "expires_at < $1"),
    expired!("grants", "id", "expires_at < $1"),
    expired!("device_grants", "id", "expires_at < $1 - 86400"),
    expired!("refresh_tokens", "token_sha256", "expires_at < $1"),
    // A used one-time value stays until the longest token it begot is dead; its row's own end says when.
    expired!("single_use", "key_sha256", "expires_at < $1 - 86400"),
    expired!(
        "outbox",
        "id",
        "done_at IS NOT NULL AND done_at < $1 - 604800"
    ),
    // Login IDs that nobody has: long after the last pause has ended, so that nothing tells them apart.
    expired!(
        "failures",
        "account_id",
        "account_id LIKE 'unknown:%' AND last_at < $1 - 7776000"
    ),
];

/// Rows a sweep takes from a table at once.
const BITE: i64 = 500;
/// Bites of a table in one sweep: more rows than expire in the minute between two of them.
const BITES_MAX: usize = 400;

impl Store {
    /// All signing keys, oldest first.
    pub async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let sql = "SELECT kid, alg, state, public_jwk, sealed_private, created_at, retired_at \
                   FROM signing_keys ORDER BY created_at, kid";
        self.many(sql, vec![], |row| {
            Ok(KeyRow {
                kid: row.text(0)?.to_owned(),
                alg: row.text(1)?.to_owned(),
                state: row.text(2)?.to_owned(),
                public_jwk: row.text(3)?.to_owned(),
                sealed_private: row.bytes(4)?.to_vec(),
                created_at: Timestamp(row.int(5)?),
                retired_at: row.opt_int(6)?.map(Timestamp),
            })
        })
        .await
    }

    /// What is due for delivery, oldest first.
    pub async fn due(&self, kind: &str, now: Timestamp) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = "SELECT id, kind, data, created_at, attempts, done_at, last_error FROM outbox \
                   WHERE done_at IS NULL AND due_at <= $1 AND kind = $2 ORDER BY created_at, id LIMIT 100";
        self.many(sql, vec![now.0.into(), kind.into()], outbox)
            .await
    }

    /// How much is to be delivered, by kind.
    pub async fn outbox_waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let sql = "SELECT kind, COUNT(*), MIN(created_at) FROM outbox WHERE done_at IS NULL GROUP BY kind";
        self.many(sql, vec![], |row| {
            Ok(Waiting {
                kind: row.text(0)?.to_owned(),
                count: row.int(1)?,
                oldest: Timestamp(row.int(2)?),
            })
        })
        .await
    }

    /// One thing to deliver.
    pub async fn outbox(&self, id: &str) -> Result<Option<OutboxRow>, StoreError> {
        let sql = "SELECT id, kind, data, created_at, attempts, done_at, last_error FROM outbox WHERE id = $1";
        self.one(sql, vec![id.into()], outbox).await
    }

    /// Everything of a kind, newest first, at most 200.
    pub async fn outbox_of(&self, kind: &str) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = "SELECT id, kind, data, created_at, attempts, done_at, last_error FROM outbox \
                   WHERE kind = $1 ORDER BY created_at DESC, id DESC LIMIT 200";
        self.many(sql, vec![kind.into()], outbox).await
    }

    /// What is to be delivered or was given up, newest first, at most `limit`; only what failed last, if so wished.
    pub async fn undelivered(
        &self,
        failed: bool,
        limit: i64,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = "SELECT id, kind, data, created_at, attempts, done_at, last_error FROM outbox \
                   WHERE (done_at IS NULL OR last_error IS NOT NULL) AND (CAST($1 AS BIGINT) = 0 OR last_error IS NOT NULL) \
                   ORDER BY created_at DESC, id DESC LIMIT $2";
        self.many(sql, vec![failed.into(), limit.into()], outbox)
            .await
    }

    /// The audit record, newest first, at most `limit` lines; of one reference when given.
    pub async fn audit(
        &self,
        reference: Option<&str>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let sql = "SELECT at, kind, account_id, client_id, reference, detail FROM audit \
                   WHERE CAST($1 AS TEXT) IS NULL OR reference = $1 ORDER BY seq DESC LIMIT $2";
        self.many(sql, vec![reference.into(), limit.into()], |row| {
            Ok(AuditRow {
                at: Timestamp(row.int(0)?),
                kind: row.text(1)?.to_owned(),
                account: row.opt_text(2)?.map(str::to_owned),
                client: row.opt_text(3)?.map(str::to_owned),
                reference: row.opt_text(4)?.map(str::to_owned),
                detail: row.text(5)?.to_owned(),
            })
        })
        .await
    }

    /// Deletes what has expired from every table, bite by bite; others commit in between.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        for (any, bite) in SWEEPS {
            for _ in 0..BITES_MAX {
                let found = self.one(any, vec![now.0.into()], |_| Ok(())).await?;
                if found.is_none() {
                    break;
                }
                let params = vec![now.0.into(), BITE.into()];
                self.commit_statements(vec![Statement::any(bite, params)])
                    .await?;
            }
        }
        self.driver.tidy().await
    }
}

fn outbox(row: &crate::db::Row) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        id: row.text(0)?.to_owned(),
        kind: row.text(1)?.to_owned(),
        data: row.text(2)?.to_owned(),
        created_at: Timestamp(row.int(3)?),
        attempts: row.int(4)?,
        done_at: row.opt_int(5)?.map(Timestamp),
        last_error: row.opt_text(6)?.map(str::to_owned),
    })
}
