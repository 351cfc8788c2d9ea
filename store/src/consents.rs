//! What people allowed clients to have, and whom pairwise subjects stand for.

use crate::db::{Row, Statement};
use crate::error::StoreError;
use crate::write::{Write, data, misrouted};
use crate::{Store, from_json};
use techpass_domain::consent::Consent;
use techpass_domain::id::{AccountId, ClientId};

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(match write {
        Write::SaveConsent(consent) => vec![Statement::any(
            "INSERT INTO consents (account_id, client_id, data, given_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (account_id, client_id) DO UPDATE SET data = excluded.data, given_at = excluded.given_at",
            vec![
                consent.account.as_str().into(),
                consent.client.as_str().into(),
                data(&consent)?,
                consent.given_at.0.into(),
            ],
        )],
        Write::WithdrawConsent {
            account,
            client,
            at,
        } => vec![
            Statement::any(
                "DELETE FROM consents WHERE account_id = $1 AND client_id = $2",
                vec![account.as_str().into(), client.as_str().into()],
            ),
            Statement::any(
                "UPDATE grants SET revoked_at = $3 \
                 WHERE account_id = $1 AND client_id = $2 AND revoked_at IS NULL",
                vec![account.as_str().into(), client.as_str().into(), at.0.into()],
            ),
        ],
        Write::KnowSubject { sub, account } => vec![Statement::any(
            "INSERT INTO subjects (sub, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            vec![sub.into(), account.as_str().into()],
        )],
        _ => return Err(misrouted()),
    })
}

fn consent(row: &Row) -> Result<Consent, StoreError> {
    from_json(row.text(0)?)
}

impl Store {
    /// What an account allowed a client.
    pub async fn consent(
        &self,
        account: &AccountId,
        client: &ClientId,
    ) -> Result<Option<Consent>, StoreError> {
        let sql = "SELECT data FROM consents WHERE account_id = $1 AND client_id = $2";
        let params = vec![account.as_str().into(), client.as_str().into()];
        self.one(sql, params, consent).await
    }

    /// Everything an account allowed, the newest first.
    pub async fn consents_of(&self, account: &AccountId) -> Result<Vec<Consent>, StoreError> {
        let sql =
            "SELECT data FROM consents WHERE account_id = $1 ORDER BY given_at DESC, client_id";
        self.many(sql, vec![account.as_str().into()], consent).await
    }

    /// Whom a pairwise subject stands for, when it was ever given out.
    pub async fn account_of_subject(&self, sub: &str) -> Result<Option<AccountId>, StoreError> {
        let sql = "SELECT account_id FROM subjects WHERE sub = $1";
        self.one(sql, vec![sub.into()], |row| {
            Ok(AccountId::new(row.text(0)?))
        })
        .await
    }
}
