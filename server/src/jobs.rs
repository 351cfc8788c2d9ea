//! What happens without anybody asking: deliveries, sweeping, keys that a command rotated. Each job stands for itself: one
//! that fails keeps no other from its turn, since sweeping is what makes room again on a full disk.

use crate::app::{App, Error};
use crate::oidc::backchannel;
use std::time::Duration;

/// How often due deliveries are looked for.
const TICK: Duration = Duration::from_secs(2);
/// How often what has expired is swept.
const SWEEP: Duration = Duration::from_secs(60);
/// Sweeps between two steps of the epoch, so that a copy of the database is told apart an hour after it was made.
const EPOCH_SWEEPS: u32 = 60;

/// Runs until the process ends. A failed job is logged and tried again in its next turn.
pub async fn run(app: App) {
    tokio::join!(promptly(&app), mails(&app), now_and_then(&app));
}

async fn promptly(app: &App) {
    loop {
        tokio::time::sleep(TICK).await;
        ended("deliveries", backchannel::deliver_due(app).await);
        ended("keys", app.reload_keys().await);
        app.passwords.rest();
    }
}

/// By itself, so that a mail server that stalls holds no log-out up.
async fn mails(app: &App) {
    loop {
        tokio::time::sleep(TICK).await;
        ended("mails", crate::mail::deliver_due(app).await);
    }
}

async fn now_and_then(app: &App) {
    let mut sweeps: u32 = 0;
    loop {
        tokio::time::sleep(SWEEP).await;
        sweeps = sweeps.wrapping_add(1);
        upkeep(app, sweeps).await;
    }
}

async fn upkeep(app: &App, sweeps: u32) {
    let swept = app.store.sweep(app.now()).await;
    ended("sweeping", swept.map_err(Error::from));
    if sweeps.is_multiple_of(EPOCH_SWEEPS) {
        let file = app.config.epoch_file();
        let moved = crate::epoch::advance(&app.store, &file, app.now()).await;
        ended("the epoch", moved.map(drop));
    }
}

fn ended(job: &'static str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        crate::app::end_if_broken(&error);
        tracing::error!(job, error = %crate::web::page::chain(&error), "a job failed");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use techpass_domain::id::LoginId;
    use techpass_domain::time::Timestamp;
    use techpass_store::write::NewLogin;
    use techpass_store::{StoreError, Write};

    /// An instance whose database may grow to one megabyte.
    async fn small(folder: &std::path::Path, clock: &Clock) -> App {
        let key = folder.join("master.key");
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        let text = format!(
            "public_url = \"http://localhost:8081\"\nlisten = \"127.0.0.1:8081\"\n[database]\nurl = \"sqlite:{}\"\n\
             size_max_mb = 1\n[secrets]\nmaster_key_file = \"{}\"\n[brand]\nname = \"TechPass\"\n",
            folder.join("techpass.db").display(),
            key.display()
        );
        let config = Config::parse(&text, "techpass.toml", std::iter::empty()).unwrap();
        App::start(config, clock.clone(), true).await.unwrap()
    }

    async fn begin(app: &App, n: usize) -> Result<(), StoreError> {
        let login = NewLogin {
            id: LoginId::new(format!("lgn_{n}")),
            address_sha256: format!("{n:064}"),
            browser_sha256: format!("{n:064}"),
            data: "x".repeat(100),
            expires_at: app.now().plus(1_800),
        };
        app.store.commit(vec![Write::AddLogin(login)]).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_database_gets_room_by_itself_when_rows_expire() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::stopped(Timestamp(1_800_000_000));
        let app = small(folder.path(), &clock).await;
        let mut begun = 0;
        let refused = loop {
            match begin(&app, begun).await {
                Ok(()) => begun += 1,
                Err(error) => break error,
            }
        };
        assert!(
            matches!(refused, StoreError::Unwritable { .. }),
            "{refused}"
        );
        assert!(begun > 1_000, "{begun} rows fill a megabyte");
        // Nothing has expired, so nothing changes.
        upkeep(&app, 1).await;
        assert!(begin(&app, begun).await.is_err());
        // One sweep takes everything that has, however much it is.
        clock.advance(1_801);
        upkeep(&app, 2).await;
        for n in 0..begun / 2 {
            begin(&app, begun + n).await.unwrap();
        }
    }
}
