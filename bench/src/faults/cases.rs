//! The faults, by name.

mod crash;
mod disk;
mod load;
mod others;
mod postgres;
mod steps;
mod time;

use super::scene::{CROWD, Scene, Setting};
use super::{Outcome, Stage};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Every fault, in the order of a run.
pub const NAMES: [&str; 19] = [
    "kill",
    "every-step",
    "stop",
    "power-cut",
    "flush-fails",
    "disk-full",
    "pause",
    "clock",
    "keys",
    "prompts",
    "receivers",
    "mail",
    "upstream",
    "overload",
    "pg-node",
    "pg-rolling",
    "pg-primary",
    "pg-terminated",
    "pg-cut",
];

/// Runs one.
pub async fn run(stage: &Stage<'_>, name: &str) -> Result<Outcome> {
    std::fs::create_dir_all(&stage.folder)?;
    match name {
        "kill" => crash::kill(stage).await,
        "every-step" => steps::every_step(stage).await,
        "stop" => crash::stop(stage).await,
        "power-cut" => disk::power_cut(stage).await,
        "flush-fails" => disk::flush_fails(stage).await,
        "disk-full" => disk::full(stage).await,
        "pause" => time::pause(stage).await,
        "clock" => time::clock(stage).await,
        "keys" => others::keys(stage).await,
        "prompts" => crash::prompts(stage).await,
        "receivers" => others::receivers(stage).await,
        "mail" => others::mail(stage).await,
        "upstream" => load::upstream(stage).await,
        "overload" => load::overload(stage).await,
        "pg-node" => postgres::node(stage).await,
        "pg-rolling" => postgres::rolling(stage).await,
        "pg-primary" => postgres::primary(stage).await,
        "pg-terminated" => postgres::terminated(stage).await,
        _ => postgres::cut(stage).await,
    }
}

impl Stage<'_> {
    /// One server over a database file.
    pub fn setting(&self) -> Setting<'_> {
        Setting {
            program: self.program,
            directory: self.folder.clone(),
            database: None,
            nodes: 1,
            people: CROWD,
            more: String::new(),
        }
    }

    /// When its time is over.
    pub fn end(&self) -> Instant {
        Instant::now() + self.budget
    }
}

/// So many milliseconds.
fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// What the history says, and what it was made of.
fn judged(scene: &Scene, mut outcome: Outcome, slack: Duration) -> Result<Outcome> {
    outcome.answered += scene.shared.history.taken();
    outcome.add(&scene.judge(slack)?);
    Ok(outcome)
}
