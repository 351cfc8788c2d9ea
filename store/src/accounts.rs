//! Accounts: records, upstream links, passwords, failures.

use crate::db::{Row, Statement};
use crate::error::StoreError;
use crate::write::{Write, conflict, data, misrouted};
use crate::{Store, from_json};
use techpass_domain::account::Account;
use techpass_domain::id::AccountId;
use techpass_domain::login::lockout::Failures;
use techpass_domain::time::Timestamp;

const COLUMNS_BY_ID: &str = "SELECT data, status FROM accounts WHERE id = $1";

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    if let Write::RequireFailures {
        account,
        factor,
        expected,
    } = write
    {
        return Ok(require_failures(account, factor, expected));
    }
    Ok(vec![match write {
        Write::AddAccount(account) => Statement::one(
            conflict::ACCOUNT,
            "INSERT INTO accounts (id, login_id, status, data) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            vec![
                account.id.as_str().into(),
                account.login_id.as_str().into(),
                data(&account.status)?,
                data(&account)?,
            ],
        ),
        Write::UpdateAccount(account) => Statement::one(
            conflict::ROW,
            "UPDATE accounts SET login_id = $2, status = $3, data = $4 WHERE id = $1",
            vec![
                account.id.as_str().into(),
                account.login_id.as_str().into(),
                data(&account.status)?,
                data(&account)?,
            ],
        ),
        Write::SetStatus { account, from, to } => Statement::one(
            conflict::ACCOUNT,
            "UPDATE accounts SET status = $3 WHERE id = $1 AND status = $2",
            vec![account.as_str().into(), data(&from)?, data(&to)?],
        ),
        Write::Link {
            issuer,
            subject,
            account,
            at,
        } => Statement::one(
            conflict::LINK,
            "INSERT INTO links (issuer, subject, account_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            vec![
                issuer.into(),
                subject.into(),
                account.as_str().into(),
                at.0.into(),
            ],
        ),
        Write::SetPassword { account, phc, at } => Statement::any(
            "INSERT INTO passwords (account_id, phc, changed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (account_id) DO UPDATE SET phc = excluded.phc, changed_at = excluded.changed_at",
            vec![account.as_str().into(), phc.into(), at.0.into()],
        ),
        Write::SetFailures {
            account,
            factor,
            from,
            to,
        } => set_failures(account, factor, from, to),
        Write::ForgetFailures { account, factor } => forget_failures(&account, factor),
        _ => return Err(misrouted()),
    }])
}

/// An account's own count, and those of browsers in which it has signed in, whose names begin with the account's.
fn forget_failures(account: &AccountId, factor: Option<&'static str>) -> Statement {
    let name = account.as_str();
    let escaped = name
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    let mut params = vec![name.into(), format!("{escaped}|%").into()];
    let sql = match factor {
        None => r"DELETE FROM failures WHERE account_id = $1 OR account_id LIKE $2 ESCAPE '\'",
        Some(factor) => {
            params.push(factor.into());
            r"DELETE FROM failures WHERE factor = $3 AND (account_id = $1 OR account_id LIKE $2 ESCAPE '\')"
        }
    };
    Statement::any(sql, params)
}

/// Counts only from where the counter was read, so that of two at once one looks again.
fn set_failures(
    account: String,
    factor: &'static str,
    from: Option<Failures>,
    to: Failures,
) -> Statement {
    let mut params = vec![
        account.into(),
        factor.into(),
        to.count.into(),
        to.last_at.0.into(),
    ];
    let sql = match from {
        None => {
            "INSERT INTO failures (account_id, factor, count, last_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING"
        }
        Some(from) => {
            params.extend([from.count.into(), from.last_at.0.into()]);
            "UPDATE failures SET count = $3, last_at = $4 \
             WHERE account_id = $1 AND factor = $2 AND count = $5 AND last_at = $6"
        }
    };
    Statement::one(conflict::FAILURES, sql, params)
}

/// Fails where somebody counted since the counter was read, and leaves everything as it was. Where there was no counter,
/// its place is held until the commit is over: whoever counts meanwhile waits, whoever has counted is noticed.
fn require_failures(
    account: String,
    factor: &'static str,
    expected: Option<Failures>,
) -> Vec<Statement> {
    let place = expected.is_none().then(|| {
        Statement::any(
            "DELETE FROM failures WHERE account_id = $1 AND factor = $2",
            vec![account.as_str().into(), factor.into()],
        )
    });
    let same = expected.unwrap_or_default();
    let mut all = vec![set_failures(account, factor, expected, same)];
    all.extend(place);
    all
}

fn account(row: &Row) -> Result<Account, StoreError> {
    read(row, 0)
}

fn with_phone(row: &Row) -> Result<(Account, bool), StoreError> {
    Ok((account(row)?, row.int(2)? > 0))
}

/// The account whose record stands in this column, and its status in the next.
pub(crate) fn read(row: &Row, column: usize) -> Result<Account, StoreError> {
    let mut account: Account = from_json(row.text(column)?)?;
    account.status = from_json(row.text(column + 1)?)?;
    Ok(account)
}

impl Store {
    /// The account with this id.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        self.one(COLUMNS_BY_ID, vec![id.as_str().into()], account)
            .await
    }

    /// The account with this id, and whether it has a phone.
    pub async fn account_with_phone(
        &self,
        id: &AccountId,
    ) -> Result<Option<(Account, bool)>, StoreError> {
        let sql = "SELECT a.data, a.status, (SELECT COUNT(*) FROM authenticators p \
                   WHERE p.account_id = a.id AND p.removed_at IS NULL) FROM accounts a WHERE a.id = $1";
        self.one(sql, vec![id.as_str().into()], with_phone).await
    }

    /// The account with this normalized login ID, and whether it has a phone.
    pub async fn named_with_phone(
        &self,
        login_id: &str,
    ) -> Result<Option<(Account, bool)>, StoreError> {
        let sql = "SELECT a.data, a.status, (SELECT COUNT(*) FROM authenticators p \
                   WHERE p.account_id = a.id AND p.removed_at IS NULL) FROM accounts a WHERE a.login_id = $1";
        self.one(sql, vec![login_id.into()], with_phone).await
    }

    /// The account with this normalized login ID.
    pub async fn account_by_login_id(&self, login_id: &str) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT data, status FROM accounts WHERE login_id = $1";
        self.one(sql, vec![login_id.into()], account).await
    }

    /// The account linked to an upstream's subject.
    pub async fn linked_account(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT a.data, a.status FROM links l JOIN accounts a ON a.id = l.account_id \
                   WHERE l.issuer = $1 AND l.subject = $2";
        self.one(sql, vec![issuer.into(), subject.into()], account)
            .await
    }

    /// Accounts in the order of their login IDs, after `after`, at most `limit`.
    pub async fn accounts(&self, after: &str, limit: i64) -> Result<Vec<Account>, StoreError> {
        let sql =
            "SELECT data, status FROM accounts WHERE login_id > $1 ORDER BY login_id LIMIT $2";
        self.many(sql, vec![after.into(), limit.into()], account)
            .await
    }

    /// The password's hash in PHC form, if there is a password.
    pub async fn password(&self, account: &AccountId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT phc FROM passwords WHERE account_id = $1";
        self.one(sql, vec![account.as_str().into()], |row| {
            row.text(0).map(str::to_owned)
        })
        .await
    }

    /// The failures of a factor; `None` when there never was one. `account` is an account's id, or what stands for an
    /// unknown one.
    pub async fn failures(
        &self,
        account: &str,
        factor: &str,
    ) -> Result<Option<Failures>, StoreError> {
        let sql = "SELECT count, last_at FROM failures WHERE account_id = $1 AND factor = $2";
        self.one(sql, vec![account.into(), factor.into()], |row| {
            Ok(Failures {
                count: u32::try_from(row.int(0)?).unwrap_or(u32::MAX),
                last_at: Timestamp(row.int(1)?),
            })
        })
        .await
    }
}
