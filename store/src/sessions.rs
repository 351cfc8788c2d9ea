//! Logins, sessions and their entries, and the accounts a browser's picker remembers.

use crate::db::{Row, Statement};
use crate::error::StoreError;
use crate::write::{NewLogin, Write, conflict, data, misrouted};
use crate::{Store, from_json};
use std::cmp::Reverse;
use techpass_domain::id::{AccountId, LoginId, SessionId, Sid};
use techpass_domain::session::Entry;
use techpass_domain::time::Timestamp;

/// Accounts that a browser's picker offers.
const REMEMBERED_MAX: usize = 10;

/// A login's row.
#[derive(Clone, Debug)]
pub struct LoginRow {
    /// Its row.
    pub id: LoginId,
    /// SHA-256 of the browser's cookie.
    pub browser_sha256: String,
    /// Grows by one with every step.
    pub version: i64,
    /// What the server keeps of it, as JSON.
    pub data: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A session's row.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its row.
    pub id: SessionId,
    /// SHA-256 of its present secret.
    pub secret_sha256: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(vec![match write {
        Write::AddLogin(new) => add_login(new),
        Write::SaveLogin { id, version, data } => Statement::one(
            conflict::LOGIN,
            "UPDATE logins SET data = $3, version = version + 1 WHERE id = $1 AND version = $2",
            vec![id.as_str().into(), version.into(), data.into()],
        ),
        Write::AddSession { .. }
        | Write::RotateSession { .. }
        | Write::AddEntry { .. }
        | Write::UpdateEntry { .. }
        | Write::EndEntry { .. } => session(write)?,
        Write::Remember {
            browser_sha256,
            account,
            at,
        } => Statement::any(
            "INSERT INTO remembered (browser_sha256, account_id, used_at) VALUES ($1, $2, $3) \
             ON CONFLICT (browser_sha256, account_id) DO UPDATE SET used_at = excluded.used_at",
            vec![browser_sha256.into(), account.as_str().into(), at.0.into()],
        ),
        Write::Forget {
            browser_sha256,
            account,
        } => Statement::any(
            "DELETE FROM remembered WHERE browser_sha256 = $1 AND account_id = $2",
            vec![browser_sha256.into(), account.as_str().into()],
        ),
        _ => return Err(misrouted()),
    }])
}

fn session(write: Write) -> Result<Statement, StoreError> {
    Ok(match write {
        Write::AddSession {
            id,
            secret_sha256,
            expires_at,
        } => Statement::one(
            conflict::SESSION,
            "INSERT INTO sessions (id, secret_sha256, previous_until, expires_at) VALUES ($1, $2, 0, $3)",
            vec![
                id.as_str().into(),
                secret_sha256.into(),
                expires_at.0.into(),
            ],
        ),
        Write::RotateSession {
            id,
            from_sha256,
            to_sha256,
            previous_until,
            expires_at,
        } => Statement::one(
            conflict::SESSION,
            "UPDATE sessions SET secret_sha256 = $3, previous_sha256 = $2, previous_until = $4, expires_at = $5 \
             WHERE id = $1 AND secret_sha256 = $2",
            vec![
                id.as_str().into(),
                from_sha256.into(),
                to_sha256.into(),
                previous_until.0.into(),
                expires_at.0.into(),
            ],
        ),
        Write::AddEntry { entry, expires_at } => Statement::one(
            conflict::ENTRY,
            "INSERT INTO entries (sid, session_id, account_id, data, expires_at) VALUES ($1, $2, $3, $4, $5)",
            vec![
                entry.sid.as_str().into(),
                entry.session.as_str().into(),
                entry.account.as_str().into(),
                data(&entry)?,
                expires_at.0.into(),
            ],
        ),
        Write::UpdateEntry { entry, expires_at } => Statement::one(
            conflict::ENTRY,
            "UPDATE entries SET data = $2, expires_at = $3 WHERE sid = $1 AND ended_at IS NULL",
            vec![
                entry.sid.as_str().into(),
                data(&entry)?,
                expires_at.0.into(),
            ],
        ),
        Write::EndEntry { sid, at } => Statement::any(
            "UPDATE entries SET ended_at = $2 WHERE sid = $1 AND ended_at IS NULL",
            vec![sid.as_str().into(), at.0.into()],
        ),
        _ => return Err(misrouted()),
    })
}

fn add_login(new: NewLogin) -> Statement {
    Statement::one(
        conflict::LOGIN,
        "INSERT INTO logins (id, address_sha256, browser_sha256, version, data, expires_at) \
         VALUES ($1, $2, $3, 0, $4, $5)",
        vec![
            new.id.as_str().into(),
            new.address_sha256.into(),
            new.browser_sha256.into(),
            new.data.into(),
            new.expires_at.0.into(),
        ],
    )
}

fn login(row: &Row) -> Result<LoginRow, StoreError> {
    Ok(LoginRow {
        id: LoginId::new(row.text(0)?),
        browser_sha256: row.text(1)?.to_owned(),
        version: row.int(2)?,
        data: row.text(3)?.to_owned(),
        expires_at: Timestamp(row.int(4)?),
    })
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    from_json(row.text(0)?)
}

impl Store {
    /// The login whose address hashes to this.
    pub async fn login_by_address(
        &self,
        address_sha256: &str,
    ) -> Result<Option<LoginRow>, StoreError> {
        let sql = "SELECT id, browser_sha256, version, data, expires_at FROM logins WHERE address_sha256 = $1";
        self.one(sql, vec![address_sha256.into()], login).await
    }

    /// How many steps these logins have taken, of those that there are.
    pub async fn login_versions(&self, ids: &[LoginId]) -> Result<Vec<(LoginId, i64)>, StoreError> {
        let sql = concat!(
            "SELECT id, version FROM logins WHERE id IN ",
            crate::in_32!()
        );
        let mut found = Vec::new();
        for some in ids.chunks(crate::SOME) {
            let params = crate::some(some.iter().map(LoginId::as_str));
            let rows = self.many(sql, params, |row| {
                Ok((LoginId::new(row.text(0)?), row.int(1)?))
            });
            found.extend(rows.await?);
        }
        Ok(found)
    }

    /// The login with this id.
    pub async fn login(&self, id: &LoginId) -> Result<Option<LoginRow>, StoreError> {
        let sql = "SELECT id, browser_sha256, version, data, expires_at FROM logins WHERE id = $1";
        self.one(sql, vec![id.as_str().into()], login).await
    }

    /// The session with this secret, or with it as the previous one that is still good for a moment. It may be over by its
    /// time: that is for whoever asks to see, since a log-out ends it all the same.
    pub async fn session(
        &self,
        secret_sha256: &str,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, StoreError> {
        let sql = "SELECT id, secret_sha256, expires_at FROM sessions WHERE secret_sha256 = $1 \
                   OR (previous_sha256 = $1 AND previous_until > $2) LIMIT 1";
        self.one(sql, vec![secret_sha256.into(), now.0.into()], |row| {
            Ok(SessionRow {
                id: SessionId::new(row.text(0)?),
                secret_sha256: row.text(1)?.to_owned(),
                expires_at: Timestamp(row.int(2)?),
            })
        })
        .await
    }

    /// The entries of a session that have not ended, oldest first.
    pub async fn entries(&self, session: &SessionId) -> Result<Vec<Entry>, StoreError> {
        let sql =
            "SELECT data FROM entries WHERE session_id = $1 AND ended_at IS NULL ORDER BY sid";
        self.many(sql, vec![session.as_str().into()], entry).await
    }

    /// The entries of an account in all browsers that have not ended.
    pub async fn entries_of(&self, account: &AccountId) -> Result<Vec<Entry>, StoreError> {
        let sql =
            "SELECT data FROM entries WHERE account_id = $1 AND ended_at IS NULL ORDER BY sid";
        self.many(sql, vec![account.as_str().into()], entry).await
    }

    /// One entry that has not ended.
    pub async fn entry(&self, sid: &Sid) -> Result<Option<Entry>, StoreError> {
        let sql = "SELECT data FROM entries WHERE sid = $1 AND ended_at IS NULL";
        self.one(sql, vec![sid.as_str().into()], entry).await
    }

    /// Whether an account has signed in in this browser before, and is remembered there.
    pub async fn has_signed_in(
        &self,
        browser_sha256: &str,
        account: &AccountId,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT used_at FROM remembered WHERE browser_sha256 = $1 AND account_id = $2";
        let params = vec![browser_sha256.into(), account.as_str().into()];
        Ok(self.one(sql, params, |row| row.int(0)).await?.is_some())
    }

    /// The accounts a browser's picker remembers, last used first, at most ten.
    pub async fn remembered(&self, browser_sha256: &str) -> Result<Vec<AccountId>, StoreError> {
        // Few rows, put in order here: SQLite would make a table for it each time, even where there are none.
        let sql = "SELECT account_id, used_at FROM remembered WHERE browser_sha256 = $1";
        let rows = self.many(sql, vec![browser_sha256.into()], |row| {
            Ok((Reverse(row.int(1)?), AccountId::new(row.text(0)?)))
        });
        let mut rows = rows.await?;
        rows.sort();
        rows.truncate(REMEMBERED_MAX);
        Ok(rows.into_iter().map(|(_, account)| account).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_picker_offers_ten_accounts_and_the_last_used_first() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let store = Store::open(&url, Default::default()).await.unwrap();
        let used = |browser: &str, account: String, at: i64| Write::Remember {
            browser_sha256: browser.to_owned(),
            account: AccountId::new(account),
            at: Timestamp(at),
        };
        // Of two that were used in the same second the lesser name comes first; the oldest is the eleventh.
        let mut writes: Vec<Write> = (0..11)
            .map(|n| used("here", format!("acc_{n:02}"), n / 2))
            .collect();
        writes.push(used("elsewhere", "acc_99".to_owned(), 99));
        store.commit(writes).await.unwrap();
        let offered = store.remembered("here").await.unwrap();
        let offered: Vec<&str> = offered.iter().map(AccountId::as_str).collect();
        let expected = [10, 8, 9, 6, 7, 4, 5, 2, 3, 0].map(|n| format!("acc_{n:02}"));
        assert_eq!(offered, expected);
    }
}
