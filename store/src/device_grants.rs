//! Devices that wait for somebody to let them in (RFC 8628).

use crate::Store;
use crate::db::{Row, Statement};
use crate::error::StoreError;
use crate::write::conflict;
use techpass_domain::id::{ClientId, GrantId, Sid};
use techpass_domain::oidc::device::DeviceState;
use techpass_domain::time::{Seconds, Timestamp};

/// A change to a device's request.
#[derive(Clone, Debug)]
pub enum DeviceWrite {
    /// A new request; conflict when the user code is taken.
    Add(NewDevice),
    /// Somebody signed in for it; conflict unless it is pending.
    SignedIn {
        /// Its row.
        id: String,
        /// The session entry.
        sid: Sid,
    },
    /// Somebody let it in, or refused where there is no grant; conflict unless it is pending and in time.
    Answered {
        /// Its row.
        id: String,
        /// What it gets.
        grant: Option<GrantId>,
        /// When.
        at: Timestamp,
    },
    /// It asked, and must pause so long.
    Polled {
        /// Its row.
        id: String,
        /// When.
        at: Timestamp,
        /// Its pause from now on.
        interval_s: Seconds,
    },
    /// It takes its tokens: the first one wins.
    Redeemed {
        /// Its row.
        id: String,
        /// When.
        at: Timestamp,
    },
}

/// A new request.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Its row.
    pub id: String,
    /// SHA-256 of the code it polls with.
    pub device_sha256: String,
    /// The user code under the master key.
    pub user_code: String,
    /// Whose device.
    pub client: ClientId,
    /// What the server keeps of it, as JSON.
    pub data: String,
    /// Its pause.
    pub interval_s: Seconds,
    /// Its end.
    pub expires_at: Timestamp,
}

/// A request.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Its row.
    pub id: String,
    /// Whose device.
    pub client: ClientId,
    /// What the server keeps of it, as JSON.
    pub data: String,
    /// Where it stands.
    pub state: DeviceState,
    /// The session entry that signed in for it.
    pub sid: Option<Sid>,
    /// What it gets.
    pub grant: Option<GrantId>,
    /// Its pause.
    pub interval_s: Seconds,
    /// When it asked last.
    pub polled_at: Option<Timestamp>,
    /// Its end.
    pub expires_at: Timestamp,
}

pub(crate) fn statement(write: DeviceWrite) -> Statement {
    match write {
        DeviceWrite::Add(new) => Statement::one(
            conflict::ROW,
            "INSERT INTO device_grants (id, device_sha256, user_code, client_id, data, state, interval_s, expires_at) \
             VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7)",
            vec![
                new.id.into(),
                new.device_sha256.into(),
                new.user_code.into(),
                new.client.as_str().into(),
                new.data.into(),
                new.interval_s.into(),
                new.expires_at.0.into(),
            ],
        ),
        DeviceWrite::SignedIn { id, sid } => Statement::one(
            conflict::ROW,
            "UPDATE device_grants SET sid = $2 WHERE id = $1 AND state = 'pending'",
            vec![id.into(), sid.as_str().into()],
        ),
        DeviceWrite::Answered { id, grant, at } => {
            let to = match grant {
                Some(_) => DeviceState::Allowed,
                None => DeviceState::Denied,
            };
            Statement::one(
                conflict::ROW,
                "UPDATE device_grants SET state = $2, grant_id = $3 \
                 WHERE id = $1 AND state = 'pending' AND expires_at > $4",
                vec![
                    id.into(),
                    to.as_str().into(),
                    grant.map(|grant| grant.as_str().to_owned()).into(),
                    at.0.into(),
                ],
            )
        }
        DeviceWrite::Polled { id, at, interval_s } => Statement::any(
            "UPDATE device_grants SET polled_at = $2, interval_s = $3 WHERE id = $1",
            vec![id.into(), at.0.into(), interval_s.into()],
        ),
        DeviceWrite::Redeemed { id, at } => Statement::one(
            conflict::SINGLE_USE,
            "UPDATE device_grants SET state = 'redeemed' WHERE id = $1 AND state = 'allowed' AND expires_at > $2",
            vec![id.into(), at.0.into()],
        ),
    }
}

fn device(row: &Row) -> Result<DeviceRow, StoreError> {
    let state = row.text(3)?;
    Ok(DeviceRow {
        id: row.text(0)?.to_owned(),
        client: ClientId::new(row.text(1)?),
        data: row.text(2)?.to_owned(),
        state: DeviceState::parse(state)
            .ok_or_else(|| StoreError::database("a device's request has an unknown state"))?,
        sid: row.opt_text(4)?.map(Sid::new),
        grant: row.opt_text(5)?.map(GrantId::new),
        interval_s: row.int(6)?,
        polled_at: row.opt_int(7)?.map(Timestamp),
        expires_at: Timestamp(row.int(8)?),
    })
}

impl Store {
    /// A device's request by its row.
    pub async fn device_grant(&self, id: &str) -> Result<Option<DeviceRow>, StoreError> {
        let sql = "SELECT id, client_id, data, state, sid, grant_id, interval_s, polled_at, expires_at \
                   FROM device_grants WHERE id = $1";
        self.one(sql, vec![id.into()], device).await
    }

    /// The same by what the device polls with.
    pub async fn device_grant_by_code(
        &self,
        device_sha256: &str,
    ) -> Result<Option<DeviceRow>, StoreError> {
        let sql = "SELECT id, client_id, data, state, sid, grant_id, interval_s, polled_at, expires_at \
                   FROM device_grants WHERE device_sha256 = $1";
        self.one(sql, vec![device_sha256.into()], device).await
    }

    /// The same by what a person typed, under the master key.
    pub async fn device_grant_by_user_code(
        &self,
        user_code: &str,
    ) -> Result<Option<DeviceRow>, StoreError> {
        let sql = "SELECT id, client_id, data, state, sid, grant_id, interval_s, polled_at, expires_at \
                   FROM device_grants WHERE user_code = $1";
        self.one(sql, vec![user_code.into()], device).await
    }
}
