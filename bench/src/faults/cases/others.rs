//! Keys that change, and others that do not answer.

use super::{Outcome, Scene, Stage, judged, ms, sleep_ms};
use crate::faults::history::Got;
use crate::faults::person::Dice;
use crate::faults::scene::Receivers;
use crate::faults::spread;
use anyhow::{Result, bail};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// New signing keys every few seconds, by the command beside the running server.
pub async fn keys(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let scene = Scene::open(stage.setting()).await?;
    let crowd = scene.crowd();
    let mut outcome = Outcome {
        of: "rotations".to_owned(),
        ..Outcome::default()
    };
    while Instant::now() < end {
        let rotated = tokio::process::Command::new(stage.program)
            .args(["keys", "rotate", "--now", "--config"])
            .arg(stage.folder.join("node0.toml"))
            .stdout(Stdio::null())
            .status()
            .await?;
        if !rotated.success() {
            bail!("keys rotate failed");
        }
        outcome.trials += 1;
        sleep_ms(2500).await;
    }
    crowd.send_home().await;
    let keys = &scene.shared.keys;
    outcome.figure(format!("{} ID tokens verified", keys.verified.get()));
    outcome.figure(format!(
        "key set fetched {} times for a new kid",
        keys.fetched.get()
    ));
    judged(&scene, outcome, Duration::ZERO)
}

/// Applications that take log-out notices and say nothing, and then answer again.
pub async fn receivers(stage: &Stage<'_>) -> Result<Outcome> {
    let receivers = Receivers::listen().await?;
    let mut scene = Scene::lay_down(stage.setting()).await?;
    scene.tell(&receivers)?;
    scene.start().await?;
    let mut outcome = Outcome {
        of: "log-outs while nobody takes notices".to_owned(),
        ..Outcome::default()
    };
    let (mut dice, mut took) = (Dice::new(8), Vec::new());
    receivers.mute(true);
    let end = Instant::now() + stage.budget / 2;
    let mut person = scene.person(0)?;
    let mut sent = 0;
    while Instant::now() < end {
        person.sign_in().await?;
        if let Some(session) = person.session.take() {
            let began = Instant::now();
            if person.log_out(&session).await? == Got::Taken {
                took.push(ms(began.elapsed()));
                sent += 1;
            }
        }
        sleep_ms(dice.roll(20)).await;
    }
    outcome.trials = sent;
    receivers.mute(false);
    let back = Instant::now();
    // The pauses between tries grow; within this time every one is due again.
    while receivers.taken() < sent && back.elapsed() < Duration::from_secs(60) {
        sleep_ms(20).await;
    }
    outcome.figure(format!("log-out answered {}", spread(took)));
    outcome.figure(format!(
        "{} of {sent} notices delivered {:.1} s after receivers answer again",
        receivers.taken().min(sent),
        back.elapsed().as_secs_f64()
    ));
    if receivers.taken() < sent {
        outcome
            .violations
            .push(format!("{} notices are lost", sent - receivers.taken()));
    }
    judged(&scene, outcome, Duration::ZERO)
}
