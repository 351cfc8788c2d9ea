//! What happens without anybody asking: deliveries, sweeping, keys that a command rotated.

use crate::app::{App, Error};
use crate::oidc::backchannel;
use std::time::Duration;

/// How often due deliveries are looked for.
const TICK: Duration = Duration::from_secs(2);
/// Ticks between two sweeps.
const SWEEP_TICKS: u32 = 30;
/// Ticks between two steps of the epoch, so that a copy of the database is told apart an hour after it was made.
const EPOCH_TICKS: u32 = 1_800;

/// Runs until the process ends. A failed round is logged and the next one tries again.
pub async fn run(app: App) {
    let mut tick: u32 = 0;
    loop {
        tokio::time::sleep(TICK).await;
        tick = tick.wrapping_add(1);
        if let Err(error) = round(&app, tick).await {
            crate::app::end_if_broken(&error);
            tracing::error!(error = %crate::web::page::chain(&error), "a job failed");
        }
    }
}

async fn round(app: &App, tick: u32) -> Result<(), Error> {
    backchannel::deliver_due(app).await?;
    app.reload_keys().await?;
    app.passwords.rest();
    if tick.is_multiple_of(SWEEP_TICKS) {
        app.store.sweep(app.now()).await?;
    }
    if tick.is_multiple_of(EPOCH_TICKS) {
        crate::epoch::advance(&app.store, &app.config.epoch_file(), app.now()).await?;
    }
    Ok(())
}
