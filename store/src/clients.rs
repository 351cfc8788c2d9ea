//! Clients and computers.

use crate::db::{Row, Statement};
use crate::error::StoreError;
use crate::write::{Write, conflict, data, misrouted};
use crate::{Store, from_json};
use std::sync::Arc;
use techpass_domain::client::Client;
use techpass_domain::device::Device;
use techpass_domain::id::ClientId;
use techpass_domain::time::Timestamp;

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(vec![match write {
        Write::RemoveClient { id, at } => return Ok(removed(&id, at)),
        Write::NoteSecretUse {
            client,
            secret_sha256,
            at,
        } => Statement::any(
            "INSERT INTO secret_uses (client_id, secret_sha256, used_at) VALUES ($1, $2, $3) \
             ON CONFLICT (client_id, secret_sha256) DO UPDATE SET used_at = excluded.used_at \
             WHERE secret_uses.used_at < excluded.used_at",
            vec![client.as_str().into(), secret_sha256.into(), at.0.into()],
        ),
        Write::AddClient(client) => Statement::one(
            conflict::ROW,
            "INSERT INTO clients (id, data) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            vec![client.id.as_str().into(), data(&client)?],
        ),
        Write::UpdateClient(client) => Statement::one(
            conflict::ROW,
            "UPDATE clients SET data = $2 WHERE id = $1",
            vec![client.id.as_str().into(), data(&client)?],
        ),
        Write::AddDevice { device, key_sha256 } => Statement::one(
            conflict::ROW,
            "INSERT INTO devices (id, key_sha256, data) VALUES ($1, $2, $3)",
            vec![device.id.as_str().into(), key_sha256.into(), data(&device)?],
        ),
        Write::RemoveDevice { id, at } => Statement::one(
            conflict::ROW,
            "UPDATE devices SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL",
            vec![id.as_str().into(), at.0.into()],
        ),
        _ => return Err(misrouted()),
    }])
}

/// The client first: a second removal is a conflict.
fn removed(id: &ClientId, at: Timestamp) -> Vec<Statement> {
    let id = || vec![id.as_str().into()];
    vec![
        Statement::one(conflict::ROW, "DELETE FROM clients WHERE id = $1", id()),
        Statement::any("DELETE FROM secret_uses WHERE client_id = $1", id()),
        Statement::any(
            "UPDATE grants SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL",
            [id(), vec![at.0.into()]].concat(),
        ),
    ]
}

fn from_data<T: serde::de::DeserializeOwned>(row: &Row) -> Result<T, StoreError> {
    from_json(row.text(0)?)
}

impl Store {
    /// The client with this id, as it was at most 50 ms ago where another server or a command changed it.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let reading = match self.recent.client(id) {
            Ok(client) => return Ok(Some(client)),
            Err(reading) => reading,
        };
        let sql = "SELECT data FROM clients WHERE id = $1";
        let client = self.one(sql, vec![id.as_str().into()], from_data).await?;
        let client = client.map(Arc::new);
        if let Some(client) = &client {
            self.recent.found(&reading, client);
        }
        Ok(client)
    }

    /// All clients, by id.
    pub async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let sql = "SELECT data FROM clients ORDER BY id";
        self.many(sql, vec![], from_data).await
    }

    /// How many clients there are.
    pub async fn clients_count(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM clients";
        let count = self.one(sql, vec![], |row| row.int(0)).await?;
        Ok(count.unwrap_or(0))
    }

    /// When each secret of a client was last used, to the hour: its SHA-256 and the time.
    pub async fn secret_uses(
        &self,
        client: &ClientId,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let sql = "SELECT secret_sha256, used_at FROM secret_uses WHERE client_id = $1";
        self.many(sql, vec![client.as_str().into()], |row| {
            Ok((row.text(0)?.to_owned(), Timestamp(row.int(1)?)))
        })
        .await
    }

    /// The computer whose key hashes to this, unless it was removed.
    pub async fn device_by_key(&self, key_sha256: &str) -> Result<Option<Device>, StoreError> {
        let sql = "SELECT data FROM devices WHERE key_sha256 = $1 AND removed_at IS NULL";
        self.one(sql, vec![key_sha256.into()], from_data).await
    }

    /// All computers that were not removed, by id.
    pub async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        let sql = "SELECT data FROM devices WHERE removed_at IS NULL ORDER BY id";
        self.many(sql, vec![], from_data).await
    }
}
