//! Clients and computers.

use crate::db::{Row, Statement};
use crate::error::StoreError;
use crate::write::{Write, conflict, data, misrouted};
use crate::{Store, from_json};
use techpass_domain::client::Client;
use techpass_domain::device::Device;
use techpass_domain::id::ClientId;

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(vec![match write {
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
        Write::RemoveClient(id) => Statement::one(
            conflict::ROW,
            "DELETE FROM clients WHERE id = $1",
            vec![id.as_str().into()],
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

fn from_data<T: serde::de::DeserializeOwned>(row: &Row) -> Result<T, StoreError> {
    from_json(row.text(0)?)
}

impl Store {
    /// The client with this id, as it was at most 50 ms ago where another server or a command changed it.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let reading = match self.recent.client(id) {
            Ok(client) => return Ok(Some(client)),
            Err(reading) => reading,
        };
        let sql = "SELECT data FROM clients WHERE id = $1";
        let client = self.one(sql, vec![id.as_str().into()], from_data).await?;
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
