//! Copies of the database, made while it is in use, and putting one back. The master key is never in a copy.

use crate::admin::AdminError;
use crate::app::{App, Error};
use crate::config::Config;
use crate::keys::{Keeper, KeyRing};
use crate::seal::{Seal, hex};
use crate::{chance, epoch, files};
use aws_lc_rs::digest;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use techpass_domain::audit::Record;
use techpass_domain::time::Timestamp;
use techpass_store::sqlite::{self, Inspected};
use techpass_store::{Open, Store, Write};

/// A backup that was made and looked at.
#[derive(Debug)]
pub struct Made {
    /// What is in it.
    pub inside: Inspected,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// A restored database.
#[derive(Debug)]
pub struct Restored {
    /// What was in the backup.
    pub inside: Inspected,
    /// Where the database that was there is now.
    pub moved_to: Option<PathBuf>,
}

fn refused<T>(text: impl Into<String>) -> Result<T, AdminError> {
    Err(AdminError::Refused(text.into()))
}

fn failed(what: &str, path: &Path, error: impl std::fmt::Display) -> AdminError {
    AdminError::Failure(Error::System(format!("{what} {}: {error}", path.display())))
}

fn embedded(config: &Config) -> Result<&Path, AdminError> {
    config.database_file().ok_or_else(|| {
        let text = "the database is not embedded; its own tools make and restore copies (pg_dump, or point-in-time \
                    recovery)";
        AdminError::Refused(text.to_owned())
    })
}

/// Runs work that blocks for the disk away from those who serve.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AdminError> + Send + 'static,
) -> Result<T, AdminError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::internal("work on a copy was interrupted").into()))
}

/// Writes a backup, checks it, and puts it in its place whole. Afterwards the epoch moves on, so that the copy is known
/// for one.
pub async fn make(app: &App, to: &Path) -> Result<Made, AdminError> {
    let from = embedded(&app.config)?.to_owned();
    if to.exists() {
        return refused(format!("{} is there already", to.display()));
    }
    let at = to.to_owned();
    let made = aside(move || {
        let unfinished = files::beside(&at, ".partial");
        let _ = std::fs::remove_file(&unfinished);
        let made = written(&from, &unfinished);
        match made {
            Ok(made) => {
                let placed = files::put_in_place(&unfinished, &at);
                placed.map_err(|error| failed("cannot write", &at, error))?;
                Ok(made)
            }
            Err(error) => {
                let _ = std::fs::remove_file(&unfinished);
                Err(error)
            }
        }
    })
    .await?;
    let now = app.now();
    let noted = vec![
        Write::NoteBackup { at: now },
        app.audit(Record {
            at: now,
            kind: "backup.made".to_owned(),
            account: None,
            client: None,
            reference: None,
            detail: serde_json::json!({ "sha256": made.sha256, "bytes": made.bytes }),
        })?,
    ];
    epoch::advance_with(&app.store, &app.config.epoch_file(), now, noted).await?;
    Ok(made)
}

fn written(from: &Path, unfinished: &Path) -> Result<Made, AdminError> {
    files::create_private(unfinished).map_err(|error| failed("cannot write", unfinished, error))?;
    sqlite::copy(from, unfinished)?;
    // Read back from the file, as a restore would.
    let inside = sqlite::inspect(unfinished)?;
    let (sha256, bytes) =
        summed(unfinished).map_err(|error| failed("cannot read", unfinished, error))?;
    Ok(Made {
        inside,
        bytes,
        sha256,
    })
}

fn summed(path: &Path) -> io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut chunk)?;
        let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else {
            return Ok((hex(context.finish().as_ref()), bytes));
        };
        context.update(read);
        bytes += count as u64;
    }
}

/// Puts a backup in the database's place. Everything is prepared beside it first: checked, brought to this program's
/// schema, opened with the master key, every session in it ended. With `force` a database that is there is moved aside.
pub async fn restore(
    config: &Config,
    from: &Path,
    force: bool,
    now: Timestamp,
) -> Result<Restored, AdminError> {
    let place = embedded(config)?.to_owned();
    // Held until the end, so that no server starts in the middle.
    let lock_at = place.clone();
    let _lock = aside(move || Ok(sqlite::lock(&lock_at)?)).await?;
    if place.exists() && !force {
        return refused(format!(
            "there is a database at {}; --force moves it aside",
            place.display()
        ));
    }
    let prepared = files::beside(&place, ".restoring");
    clear(&prepared)?;
    let (source, target) = (from.to_owned(), prepared.clone());
    let inside = aside(move || brought(&source, &target)).await?;
    let readied = ready(config, &prepared, now).await;
    let next = match readied {
        Ok(next) => next,
        Err(error) => {
            clear(&prepared)?;
            return Err(error);
        }
    };
    let moved_to = move_aside(&place, now)?;
    let placed = files::put_in_place(&prepared, &place);
    placed.map_err(|error| failed("cannot write", &place, error))?;
    clear(&prepared)?;
    let path = config.epoch_file();
    files::replace(&path, format!("{next}\n").as_bytes())
        .map_err(|error| failed("cannot write", &path, error))?;
    Ok(Restored { inside, moved_to })
}

fn brought(from: &Path, to: &Path) -> Result<Inspected, AdminError> {
    let inside = sqlite::inspect(from).map_err(|error| {
        let reason = crate::web::page::chain(&error);
        AdminError::Refused(format!("{} is no usable backup: {reason}", from.display()))
    })?;
    let known = techpass_store::schema_known();
    if inside.schema > known {
        return refused(format!(
            "the backup has schema {}, this program knows {known}: install the newer program",
            inside.schema
        ));
    }
    let mut target =
        files::create_private(to).map_err(|error| failed("cannot write", to, error))?;
    let mut source =
        std::fs::File::open(from).map_err(|error| failed("cannot read", from, error))?;
    io::copy(&mut source, &mut target).map_err(|error| failed("cannot write", to, error))?;
    target
        .sync_all()
        .map_err(|error| failed("cannot write", to, error))?;
    Ok(inside)
}

/// Migrates the copy, tries the master key on it, and ends everything in it; gives the epoch it has then.
async fn ready(config: &Config, prepared: &Path, now: Timestamp) -> Result<i64, AdminError> {
    let seal = Seal::from_file(&config.secrets.master_key_file).map_err(Error::from)?;
    let url = format!("sqlite:{}", prepared.display());
    let open = Open {
        migrate: true,
        ..config.database.opening(false).map_err(Error::from)?
    };
    let store = Store::open(&url, open).await?;
    let keeper = Keeper {
        seal: &seal,
        rules: &config.keys,
        now,
    };
    KeyRing::load(&store, keeper, None).await?;
    let database = store.epoch().await?;
    let file = epoch::read(&config.epoch_file())?;
    let next = techpass_domain::epoch::step(file, database).next;
    let writes = vec![
        Write::SetEpoch {
            from: database,
            to: next,
        },
        Write::EndEverything { at: now },
        Write::Audit {
            seq: chance::row_id("aud", now.0).map_err(Error::from)?,
            record: Record {
                at: now,
                kind: "database.restored".to_owned(),
                account: None,
                client: None,
                reference: None,
                detail: serde_json::json!({ "epoch": next }),
            },
        },
    ];
    store.commit(writes).await?;
    // Closing copies the log into the file and removes it.
    store.close().await?;
    drop(store);
    Ok(next)
}

/// Removes what an earlier try left.
fn clear(prepared: &Path) -> Result<(), AdminError> {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let path = files::beside(prepared, suffix);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("cannot remove", &path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Moves the database that is there, with its log, to names that say when.
fn move_aside(place: &Path, now: Timestamp) -> Result<Option<PathBuf>, AdminError> {
    if !place.exists() {
        return Ok(None);
    }
    let aside = files::beside(place, &format!(".before-{}", now.0));
    for suffix in ["-wal", "-shm", ""] {
        let (from, to) = (files::beside(place, suffix), files::beside(&aside, suffix));
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("cannot move", &from, error));
            }
            _ => {}
        }
    }
    Ok(Some(aside))
}
