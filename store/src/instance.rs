//! What an instance knows of itself, and the end of everything that can end.

use crate::Store;
use crate::db::Statement;
use crate::error::StoreError;
use crate::write::{Write, conflict, misrouted};
use techpass_domain::time::Timestamp;

const EPOCH: &str = "epoch";
const BACKUP: &str = "backup_at";

/// Everything that a restored copy could bring to life again: sessions, what was granted, codes and links that wait, open
/// logins with the requests of phones that belong to them, devices that wait. Counters and used-up values stay.
const ENDS: [&str; 7] = [
    "UPDATE entries SET ended_at = $1 WHERE ended_at IS NULL",
    "UPDATE sessions SET expires_at = $1 WHERE expires_at > $1",
    "UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL",
    "UPDATE single_use SET used_at = $1 WHERE used_at IS NULL",
    "DELETE FROM challenges WHERE expires_at > $1",
    "DELETE FROM logins WHERE expires_at > $1",
    "DELETE FROM device_grants WHERE expires_at > $1",
];

pub(crate) fn statements(write: Write) -> Result<Vec<Statement>, StoreError> {
    Ok(match write {
        Write::SetEpoch { from: None, to } => vec![Statement::one(
            conflict::EPOCH,
            "INSERT INTO instance (name, number) VALUES ($1, $2)",
            vec![EPOCH.into(), to.into()],
        )],
        Write::SetEpoch {
            from: Some(from),
            to,
        } => vec![Statement::one(
            conflict::EPOCH,
            "UPDATE instance SET number = $3 WHERE name = $1 AND number = $2",
            vec![EPOCH.into(), from.into(), to.into()],
        )],
        Write::NoteBackup { at } => vec![Statement::one(
            conflict::ROW,
            "INSERT INTO instance (name, number) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET number = excluded.number",
            vec![BACKUP.into(), at.0.into()],
        )],
        Write::EndEverything { at } => ENDS
            .iter()
            .map(|sql| Statement::any(sql, vec![at.0.into()]))
            .collect(),
        _ => return Err(misrouted()),
    })
}

impl Store {
    /// The epoch of this database; `None` before the first server has started on it.
    pub async fn epoch(&self) -> Result<Option<i64>, StoreError> {
        self.number(EPOCH).await
    }

    /// When the last backup was made.
    pub async fn backed_up_at(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.number(BACKUP).await?.map(Timestamp))
    }

    /// Standbys of a shared database that a commit waits for, as its server sees them now. `None` for an embedded one, and
    /// where this user may not see it (`pg_monitor` may).
    ///
    /// # Errors
    /// Whatever a question reports.
    pub async fn standbys(&self) -> Result<Option<i64>, StoreError> {
        if !self.shared() {
            return Ok(None);
        }
        let sql = "SELECT COUNT(CASE WHEN sync_state IN ('sync', 'quorum') THEN 1 END), \
                   COUNT(CASE WHEN sync_state IS NULL THEN 1 END) FROM pg_stat_replication";
        let counted = self.one(sql, vec![], |row| Ok((row.int(0)?, row.int(1)?)));
        let (confirming, hidden) = counted.await?.unwrap_or((0, 0));
        Ok((confirming > 0 || hidden == 0).then_some(confirming))
    }

    async fn number(&self, name: &'static str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT number FROM instance WHERE name = $1";
        self.one(sql, vec![name.into()], |row| row.int(0)).await
    }
}
