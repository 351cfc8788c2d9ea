//! The number that tells a restored database apart (the rule is `techpass_domain::epoch`).

use crate::app::Error;
use crate::{chance, files};
use std::io;
use std::path::Path;
use techpass_domain::audit::Record;
use techpass_domain::epoch::{self, Past};
use techpass_domain::time::Timestamp;
use techpass_store::{Store, StoreError, Write, conflict};

/// How often it is tried again when another program moved it first.
const TRIES: usize = 5;

/// The number in the file; `None` when there is no file.
pub fn read(path: &Path) -> Result<Option<i64>, Error> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, &error)),
        Ok(text) => text.trim().parse().map(Some).map_err(|_| {
            Error::System(format!(
                "the epoch file {} holds no number; remove it to start with every session ended",
                path.display()
            ))
        }),
    }
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::System(format!(
        "the epoch file {} cannot be used: {error}; name a place that this program may write with secrets.epoch_file",
        path.display()
    ))
}

/// Moves both numbers on, ending everything first in a database that is the past.
pub async fn advance(store: &Store, path: &Path, now: Timestamp) -> Result<Option<Past>, Error> {
    advance_with(store, path, now, Vec::new()).await
}

/// The same, with writes that belong to the same commit.
pub async fn advance_with(
    store: &Store,
    path: &Path,
    now: Timestamp,
    with: Vec<Write>,
) -> Result<Option<Past>, Error> {
    for _ in 0..TRIES {
        let (mut file, database) = (read(path)?, store.epoch().await?);
        // A node that joins others has no file yet; theirs would tell a copy apart.
        if store.shared() {
            file = file.or(database);
        }
        let step = epoch::step(file, database);
        let mut writes = with.clone();
        writes.push(Write::SetEpoch {
            from: database,
            to: step.next,
        });
        if let Some(past) = step.ends {
            writes.push(Write::EndEverything { at: now });
            writes.push(ended(past, now)?);
        }
        match store.commit(writes).await {
            Ok(()) => {}
            Err(StoreError::Conflict(conflict::EPOCH)) => continue,
            Err(error) => return Err(error.into()),
        }
        let text = format!("{}\n", step.next);
        files::replace(path, text.as_bytes()).map_err(|error| unusable(path, &error))?;
        if let Some(past) = step.ends {
            tracing::warn!("every session, code and token has ended: {}", past.reason());
        }
        return Ok(step.ends);
    }
    Err(StoreError::Busy("the epoch is changed by many at once").into())
}

fn ended(past: Past, now: Timestamp) -> Result<Write, Error> {
    Ok(Write::Audit {
        seq: chance::row_id("aud", now.0)?,
        record: Record {
            at: now,
            kind: "sessions.all_ended".to_owned(),
            account: None,
            client: None,
            reference: None,
            detail: serde_json::json!({ "cause": past.reason() }),
        },
    })
}
