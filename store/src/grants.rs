//! One-time values, grants and refresh tokens.

use crate::accounts;
use crate::db::{Row, Statement};
use crate::error::StoreError;
use crate::write::{Write, conflict, data, misrouted};
use crate::{Store, from_json};
use techpass_domain::account::Account;
use techpass_domain::id::{ClientId, GrantId, Sid};
use techpass_domain::session::Grant;
use techpass_domain::time::Timestamp;

/// A one-time value.
#[derive(Clone, Debug)]
pub struct SingleUseRow {
    /// What was kept with it, as JSON.
    pub data: String,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

/// A grant and whether it still stands.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// The grant.
    pub grant: Grant,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A grant with the account it was given for, and whether a one-time value is there that ends what rests on it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The grant.
    pub grant: GrantRow,
    /// The account as it is now.
    pub account: Account,
    /// Whether the one-time value was burnt.
    pub burnt: bool,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub struct RefreshRow {
    /// Its family.
    pub grant: GrantId,
    /// Its place in the family.
    pub generation: i64,
    /// What the rules keep of it, as JSON.
    pub data: String,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// What took its place.
    pub successor_sha256: Option<String>,
    /// Its absolute end.
    pub expires_at: Timestamp,
}

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    match write {
        Write::Issue { .. } | Write::Use { .. } | Write::UseAll { .. } | Write::Burn { .. } => {
            single_use(write)
        }
        Write::AddRefresh(..) | Write::UseRefresh { .. } | Write::ReplaceSuccessor { .. } => {
            refresh(write)
        }
        _ => grants(write),
    }
}

fn single_use(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(vec![match write {
        Write::Issue {
            kind,
            key_sha256,
            data,
            expires_at,
        } => Statement::one(
            conflict::SINGLE_USE,
            "INSERT INTO single_use (kind, key_sha256, data, expires_at) VALUES ($1, $2, $3, $4)",
            vec![
                kind.into(),
                key_sha256.into(),
                data.into(),
                expires_at.0.into(),
            ],
        ),
        Write::Use {
            kind,
            key_sha256,
            at,
        } => Statement::one(
            conflict::SINGLE_USE,
            "UPDATE single_use SET used_at = $3 \
             WHERE kind = $1 AND key_sha256 = $2 AND used_at IS NULL AND expires_at > $3",
            vec![kind.into(), key_sha256.into(), at.0.into()],
        ),
        Write::UseAll { kind, data, at } => Statement::any(
            "UPDATE single_use SET used_at = $3 WHERE kind = $1 AND data = $2 AND used_at IS NULL",
            vec![kind.into(), data.into(), at.0.into()],
        ),
        Write::Burn {
            kind,
            key_sha256,
            at,
            expires_at,
        } => Statement::one(
            conflict::SINGLE_USE,
            "INSERT INTO single_use (kind, key_sha256, data, used_at, expires_at) VALUES ($1, $2, '{}', $3, $4) \
             ON CONFLICT DO NOTHING",
            vec![
                kind.into(),
                key_sha256.into(),
                at.0.into(),
                expires_at.0.into(),
            ],
        ),
        _ => return Err(misrouted()),
    }])
}

fn grants(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(vec![match write {
        Write::AddGrant { grant, expires_at } => Statement::one(
            conflict::GRANT,
            "INSERT INTO grants (id, account_id, client_id, sid, data, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                grant.id.as_str().into(),
                grant.account.as_str().into(),
                grant.client.as_str().into(),
                grant.sid.as_str().into(),
                data(&grant)?,
                expires_at.0.into(),
            ],
        ),
        Write::RevokeGrant { id, at } => Statement::any(
            "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
            vec![id.as_str().into(), at.0.into()],
        ),
        Write::RevokeGrantsOf { sid, but, at } => Statement::any(
            "UPDATE grants SET revoked_at = $2 \
             WHERE sid = $1 AND revoked_at IS NULL AND $3 NOT LIKE '%' || id || '%'",
            vec![sid.as_str().into(), at.0.into(), listed(&but).into()],
        ),
        Write::RequireGrant { id } => Statement::one(
            conflict::GRANT,
            "UPDATE grants SET revoked_at = NULL WHERE id = $1 AND revoked_at IS NULL",
            vec![id.as_str().into()],
        ),
        _ => return Err(misrouted()),
    }])
}

/// Identifiers as one text, in which a statement can look for one: how many there are differs, its parameters may not.
fn listed(ids: &[GrantId]) -> String {
    let ids: Vec<&str> = ids.iter().map(GrantId::as_str).collect();
    ids.join(" ")
}

fn refresh(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(match write {
        Write::AddRefresh(new) => vec![Statement::one(
            conflict::REFRESH,
            "INSERT INTO refresh_tokens (token_sha256, grant_id, generation, data, expires_at) \
             VALUES ($1, $2, $3, $4, $5)",
            vec![
                new.token_sha256.into(),
                new.grant.as_str().into(),
                new.generation.into(),
                new.data.into(),
                new.expires_at.0.into(),
            ],
        )],
        Write::UseRefresh {
            token_sha256,
            successor_sha256,
            at,
        } => vec![Statement::one(
            conflict::REFRESH,
            "UPDATE refresh_tokens SET used_at = $3, successor_sha256 = $2 \
             WHERE token_sha256 = $1 AND used_at IS NULL AND expires_at > $3",
            vec![token_sha256.into(), successor_sha256.into(), at.0.into()],
        )],
        Write::ReplaceSuccessor {
            token_sha256,
            lost_sha256,
            successor_sha256,
            at,
        } => vec![
            Statement::one(
                conflict::REFRESH,
                "UPDATE refresh_tokens SET used_at = $2 WHERE token_sha256 = $1 AND used_at IS NULL",
                vec![lost_sha256.as_str().into(), at.0.into()],
            ),
            Statement::one(
                conflict::REFRESH,
                "UPDATE refresh_tokens SET successor_sha256 = $3 WHERE token_sha256 = $1 AND successor_sha256 = $2",
                vec![
                    token_sha256.into(),
                    lost_sha256.into(),
                    successor_sha256.into(),
                ],
            ),
        ],
        _ => return Err(misrouted()),
    })
}

fn grant(row: &Row) -> Result<GrantRow, StoreError> {
    Ok(GrantRow {
        grant: from_json(row.text(0)?)?,
        revoked_at: row.opt_int(1)?.map(Timestamp),
    })
}

impl Store {
    /// A one-time value, used or not, expired or not.
    pub async fn single_use(
        &self,
        kind: &'static str,
        key_sha256: &str,
    ) -> Result<Option<SingleUseRow>, StoreError> {
        let sql =
            "SELECT data, used_at, expires_at FROM single_use WHERE kind = $1 AND key_sha256 = $2";
        self.one(sql, vec![kind.into(), key_sha256.into()], |row| {
            Ok(SingleUseRow {
                data: row.text(0)?.to_owned(),
                used_at: row.opt_int(1)?.map(Timestamp),
                expires_at: Timestamp(row.int(2)?),
            })
        })
        .await
    }

    /// A grant.
    pub async fn grant(&self, id: &GrantId) -> Result<Option<GrantRow>, StoreError> {
        let sql = "SELECT data, revoked_at FROM grants WHERE id = $1";
        self.one(sql, vec![id.as_str().into()], grant).await
    }

    /// A grant, and its account while there is one.
    pub async fn grant_with_account(
        &self,
        id: &GrantId,
    ) -> Result<Option<(GrantRow, Option<Account>)>, StoreError> {
        let sql = "SELECT g.data, g.revoked_at, a.data, a.status \
                   FROM grants g LEFT JOIN accounts a ON a.id = g.account_id WHERE g.id = $1";
        self.one(sql, vec![id.as_str().into()], |row| {
            let account = match row.opt_text(2)? {
                Some(_) => Some(accounts::read(row, 2)?),
                None => None,
            };
            Ok((grant(row)?, account))
        })
        .await
    }

    /// A grant, its account, and whether a one-time value exists, in one question: resource servers ask it for every
    /// request of theirs. `None` when there is no such grant, or no such account any more.
    pub async fn standing(
        &self,
        id: &GrantId,
        kind: &'static str,
        key_sha256: &str,
    ) -> Result<Option<Standing>, StoreError> {
        let sql = "SELECT g.data, g.revoked_at, a.data, a.status, \
                   (SELECT COUNT(*) FROM single_use s WHERE s.kind = $2 AND s.key_sha256 = $3) \
                   FROM grants g JOIN accounts a ON a.id = g.account_id WHERE g.id = $1";
        let params = vec![id.as_str().into(), kind.into(), key_sha256.into()];
        self.one(sql, params, |row| {
            Ok(Standing {
                grant: grant(row)?,
                account: accounts::read(row, 2)?,
                burnt: row.int(4)? > 0,
            })
        })
        .await
    }

    /// When a client was last given grants in a session entry, newest first, at most `limit`.
    pub async fn granted_at(
        &self,
        sid: &Sid,
        client: &ClientId,
        limit: i64,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let sql = "SELECT data, revoked_at FROM grants WHERE sid = $1 AND client_id = $2 ORDER BY id DESC LIMIT $3";
        let params = vec![sid.as_str().into(), client.as_str().into(), limit.into()];
        let rows = self.many(sql, params, grant).await?;
        Ok(rows.into_iter().map(|row| row.grant.created_at).collect())
    }

    /// The grants that clients were given in a session entry, revoked ones too.
    pub async fn grants_of(&self, sid: &Sid) -> Result<Vec<Grant>, StoreError> {
        let sql = "SELECT data, revoked_at FROM grants WHERE sid = $1 ORDER BY id";
        let rows = self.many(sql, vec![sid.as_str().into()], grant).await?;
        Ok(rows.into_iter().map(|row| row.grant).collect())
    }

    /// A refresh token.
    pub async fn refresh_token(
        &self,
        token_sha256: &str,
    ) -> Result<Option<RefreshRow>, StoreError> {
        let sql = "SELECT grant_id, generation, data, used_at, successor_sha256, expires_at \
                   FROM refresh_tokens WHERE token_sha256 = $1";
        self.one(sql, vec![token_sha256.into()], |row| {
            Ok(RefreshRow {
                grant: GrantId::new(row.text(0)?),
                generation: row.int(1)?,
                data: row.text(2)?.to_owned(),
                used_at: row.opt_int(3)?.map(Timestamp),
                successor_sha256: row.opt_text(4)?.map(str::to_owned),
                expires_at: Timestamp(row.int(5)?),
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn given(id: &str) -> Write {
        let grant = json!({
            "id": id, "client": "portal", "account": "acc", "sid": "sid_1", "scope": "openid",
            "nonce": null, "auth_time": 0, "acr": "a", "amr": [], "created_at": 0,
        });
        Write::AddGrant {
            grant: serde_json::from_value(grant).unwrap(),
            expires_at: Timestamp(9),
        }
    }

    #[tokio::test]
    async fn a_log_out_leaves_no_grant_out_that_was_given_while_it_looked() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let store = Store::open(&url, Default::default()).await.unwrap();
        let sid = Sid::new("sid_1");
        let before = vec![given("grt_1"), given("grt_offline")];
        store.commit(before).await.unwrap();
        assert_eq!(store.grants_of(&sid).await.unwrap().len(), 2);
        store.commit(vec![given("grt_2")]).await.unwrap();
        let but = vec![GrantId::new("grt_offline"), GrantId::new("grt_other")];
        let at = Timestamp(5);
        let write = Write::RevokeGrantsOf { sid, but, at };
        store.commit(vec![write]).await.unwrap();
        for (id, revoked_at) in [
            ("grt_1", Some(at)),
            ("grt_2", Some(at)),
            ("grt_offline", None),
        ] {
            let row = store.grant(&GrantId::new(id)).await.unwrap().unwrap();
            assert_eq!(row.revoked_at, revoked_at, "{id}");
        }
    }

    #[tokio::test]
    async fn a_grant_is_read_with_its_account_and_what_ends_a_token() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let store = Store::open(&url, Default::default()).await.unwrap();
        let account = json!({
            "id": "acc", "login_id": "a@b.example", "name": "A", "organisation": "B",
            "email": "a@b.example", "kind": "vendor", "home": "local", "status": "active",
            "created_at": 0,
        });
        let account: Account = serde_json::from_value(account).unwrap();
        store.commit(vec![given("grt_1")]).await.unwrap();
        let id = GrantId::new("grt_1");
        let look = || store.standing(&id, "revoked", "key");
        assert!(look().await.unwrap().is_none(), "it has no account");
        let add = Write::AddAccount(account.clone());
        store.commit(vec![add]).await.unwrap();
        let standing = look().await.unwrap().unwrap();
        assert_eq!(standing.account, account);
        assert_eq!(standing.grant.grant.id.as_str(), "grt_1");
        assert_eq!((standing.grant.revoked_at, standing.burnt), (None, false));
        for (kind, burnt) in [("other", false), ("revoked", true)] {
            let burn = Write::Burn {
                kind,
                key_sha256: "key".to_owned(),
                at: Timestamp(3),
                expires_at: Timestamp(9),
            };
            let revoke = Write::RevokeGrant {
                id: id.clone(),
                at: Timestamp(4),
            };
            store.commit(vec![burn, revoke]).await.unwrap();
            let standing = look().await.unwrap().unwrap();
            assert_eq!(standing.burnt, burnt, "{kind}");
            assert_eq!(standing.grant.revoked_at, Some(Timestamp(4)));
        }
        let status = Write::SetStatus {
            account: account.id.clone(),
            from: account.status.clone(),
            to: techpass_domain::account::Status::Disabled,
        };
        store.commit(vec![status]).await.unwrap();
        let standing = look().await.unwrap().unwrap();
        assert_ne!(standing.account.status, account.status);
    }
}
