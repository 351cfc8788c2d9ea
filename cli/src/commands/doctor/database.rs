//! The database and the disk it is on.

use super::Report;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use techpass_server::clock::Clock;
use techpass_server::config::Config;
use techpass_server::seal::Seal;
use techpass_server::web::page::chain;
use techpass_server::{chance, files};
use techpass_store::{Open, Store, StoreError, postgres, schema_known, sqlite};

/// Seconds after which a backup is old.
const BACKUP_OLD_S: i64 = 26 * 60 * 60;
/// Flushes of the probe.
const FLUSHES: usize = 16;
/// A flush that takes longer makes sign-ins slow.
const FLUSH_SLOW: Duration = Duration::from_millis(50);
/// Space under which something must be done, in bytes.
const SPACE_LOW: u64 = 1024 * 1024 * 1024;
/// Space under which the server will soon stop writing, in bytes.
const SPACE_GONE: u64 = 64 * 1024 * 1024;
/// How far the clock may be behind what was recorded last, in seconds.
const CLOCK_BEHIND_S: i64 = 60;

/// Checks the file, what is in it, the disk and the clock.
pub(super) async fn check(config: &Config, clock: &Clock, report: &mut Report) {
    let Some(path) = config.database_file() else {
        return opened(config, clock, report).await;
    };
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    flushes(directory, report);
    space(directory, report);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!(
                "{} is not there; a server makes it at its first start",
                path.display()
            );
            return report.warning("database", text);
        }
        Err(error) => return report.bad("database", format!("{}: {error}", path.display())),
        Ok(found) => super::secrets::readers("database", path, found.permissions().mode(), report),
    }
    whole(path, report);
    opened(config, clock, report).await;
}

/// A copy is made and looked into, since the file itself may be in use.
fn whole(path: &Path, report: &mut Report) {
    let copy = tempfile::Builder::new()
        .prefix(".techpass-doctor")
        .tempdir_in(
            path.parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        );
    let looked = copy.map_err(|error| error.to_string()).and_then(|folder| {
        let at = folder.path().join("copy.db");
        files::create_private(&at).map_err(|error| error.to_string())?;
        sqlite::copy(path, &at)
            .and_then(|()| sqlite::inspect(&at))
            .map_err(|error| chain(&error))
    });
    match looked {
        Ok(inside) => {
            let rows: i64 = inside.rows.iter().map(|(_, rows)| rows).sum();
            report.good(
                "integrity",
                format!("every page and reference is sound, {rows} rows"),
            );
        }
        Err(reason) => report.bad("integrity", reason),
    }
}

/// Opens the database as it is, without bringing its schema up to date; tells of one that cannot be used so.
async fn looked_at(config: &Config, report: &mut Report) -> Option<Store> {
    let open = match config.database.opening(false) {
        Ok(open) => Open {
            migrate: false,
            postgres: postgres::Open {
                look_only: true,
                ..open.postgres
            },
            ..open
        },
        Err(error) => {
            report.bad("database", error.to_string());
            return None;
        }
    };
    match Store::open(&config.database.url, open).await {
        Ok(store) => return Some(store),
        Err(StoreError::Older { schema: 0, .. }) => report.warning(
            "schema",
            "there is none; a server makes it at its first start",
        ),
        Err(StoreError::Older { schema, known }) if config.database.migrate => report.warning(
            "schema",
            format!("{schema}; the next start brings it to {known}"),
        ),
        Err(error @ StoreError::Older { .. }) => report.bad("schema", error.to_string()),
        Err(error) => report.bad("database", chain(&error)),
    }
    None
}

/// Whether the master key is the one that this database was sealed with.
async fn sealed(config: &Config, store: &Store, report: &mut Report) {
    // A key that cannot be read is told of among the secrets.
    let Ok(seal) = Seal::from_file(&config.secrets.master_key_file) else {
        return;
    };
    match techpass_server::keys::opens(store, &seal).await {
        Ok(Some(())) => report.good("seal", "the master key opens what the database has sealed"),
        Ok(None) => report.good("seal", "nothing is sealed yet"),
        Err(error) => report.bad("seal", chain(&error)),
    }
}

/// What makes commits durable there.
async fn durable(config: &Config, store: &Store, report: &mut Report) {
    let safe = "the server's settings are safe, read back";
    if !store.shared() {
        let text = "write-ahead log with full synchronization, read back";
        return report.good("durability", text);
    }
    if !config.database.cluster {
        return report.good("durability", safe);
    }
    match store.standbys().await {
        Ok(Some(count @ 1..)) => report.good(
            "durability",
            format!("{safe}, and {count} standby servers confirm commits"),
        ),
        Ok(Some(_)) => report.bad(
            "durability",
            "no standby confirms commits now, so nothing can be written; look at pg_stat_replication",
        ),
        Ok(None) => report.warning(
            "durability",
            format!("{safe}; whether a standby confirms cannot be seen by this user: GRANT pg_monitor"),
        ),
        Err(error) => report.bad("durability", chain(&error)),
    }
}

/// Opening proves the settings that durability depends on, and reads them back.
async fn opened(config: &Config, clock: &Clock, report: &mut Report) {
    let Some(store) = looked_at(config, report).await else {
        return;
    };
    durable(config, &store, report).await;
    sealed(config, &store, report).await;
    report.good("schema", schema_known().to_string());
    let now = clock.now();
    match store
        .audit(None, 1)
        .await
        .map(|rows| rows.first().map(|row| row.at))
    {
        Ok(Some(last)) if now.since(last) < -CLOCK_BEHIND_S => report.bad(
            "clock",
            format!(
                "it is {} s behind the last record of the database",
                -now.since(last)
            ),
        ),
        Ok(_) => report.good("clock", "not behind the last record of the database"),
        Err(error) => report.bad("clock", chain(&error)),
    }
    match store.backed_up_at().await {
        Ok(Some(at)) if now.since(at) <= BACKUP_OLD_S => {
            report.good("backup", format!("{} h old", now.since(at).max(0) / 3600));
        }
        Ok(Some(at)) => report.warning("backup", format!("{} h old", now.since(at) / 3600)),
        Ok(None) => report.warning("backup", "none was made with `techpass backup`"),
        Err(error) => report.bad("backup", chain(&error)),
    }
    if let Err(error) = store.close().await {
        report.bad("database", chain(&error));
    }
}

fn flushes(directory: &Path, report: &mut Report) {
    match probe(directory) {
        Ok(took) if took > FLUSH_SLOW => report.warning(
            "flush",
            format!(
                "{} ms each: every step of a sign-in waits that long",
                took.as_millis()
            ),
        ),
        Ok(took) => report.good("flush", format!("{} µs each", took.as_micros())),
        Err(error) => report.bad("flush", format!("{}: {error}", directory.display())),
    }
}

/// The middle time of a write that is flushed.
fn probe(directory: &Path) -> io::Result<Duration> {
    let name = chance::reference().map_err(io::Error::other)?;
    let path = directory.join(format!(".techpass-doctor-{name}"));
    let mut file = files::create_private(&path)?;
    let timed = timed(&mut file);
    std::fs::remove_file(&path)?;
    timed
}

fn timed(file: &mut File) -> io::Result<Duration> {
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        let begun = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(FLUSHES / 2).copied().unwrap_or_default())
}

fn space(directory: &Path, report: &mut Report) {
    match rustix::fs::statvfs(directory) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!(
                "{} MB free at {}",
                free / (1024 * 1024),
                directory.display()
            );
            match free {
                free if free < SPACE_GONE => report.bad("disk", text),
                free if free < SPACE_LOW => report.warning("disk", text),
                _ => report.good("disk", text),
            }
        }
        Err(error) => report.bad("disk", format!("{}: {error}", directory.display())),
    }
}
