//! Time: a process that stands still, and a clock that jumps.

use super::{Outcome, Scene, Stage, judged, ms, sleep_ms};
use crate::faults::checker::Rule;
use crate::faults::person::Dice;
use crate::faults::shim::Shim;
use crate::faults::spread;
use crate::phone;
use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// Stands still under load, as a virtual machine that is paused.
pub async fn pause(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let mut scene = Scene::open(stage.setting()).await?;
    let crowd = scene.crowd();
    let (mut outcome, mut dice) = (
        Outcome {
            of: "pauses".to_owned(),
            ..Outcome::default()
        },
        Dice::new(7),
    );
    let mut back = Vec::new();
    while Instant::now() < end {
        sleep_ms(300 + dice.roll(300)).await;
        let server = scene
            .node()?
            .server
            .as_ref()
            .context("the server is down")?;
        server.signal("STOP")?;
        // Most are shorter than clients wait; some are longer, so that everybody has gone by then.
        sleep_ms(if dice.roll(5) == 0 {
            11_000
        } else {
            500 + dice.roll(2500)
        })
        .await;
        server.signal("CONT")?;
        outcome.trials += 1;
        let woken = Instant::now();
        let before = scene.shared.history.taken();
        while scene.shared.history.taken() <= before + 24
            && woken.elapsed() < Duration::from_secs(10)
        {
            sleep_ms(1).await;
        }
        back.push(ms(woken.elapsed()));
        crowd.look_again();
    }
    crowd.send_home().await;
    outcome.figure(format!(
        "24 requests answered after waking {}",
        spread(back)
    ));
    judged(&scene, outcome, Duration::ZERO)
}

/// Steps of the clock, in seconds from the true time.
const STEPS_S: [i64; 8] = [3600, 0, -3600, 0, -86_400, 86_400, 200 * 86_400, 0];

/// The clock jumps under load; phones go along, as they follow the same time.
pub async fn clock(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let mut scene = Scene::lay_down(stage.setting()).await?;
    let shim = Shim::build(&stage.folder)?;
    scene.node()?.environment = shim.environment(None);
    scene.start().await?;
    let crowd = scene.crowd();
    let mut outcome = Outcome {
        of: "steps of the clock".to_owned(),
        ..Outcome::default()
    };
    let mut dead = 0;
    for step in STEPS_S.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        sleep_ms(700).await;
        shim.clock(*step)?;
        phone::set_clock(*step);
        outcome.trials += 1;
        crowd.look_again();
        let before = sign_ins(&scene);
        let stepped = Instant::now();
        while sign_ins(&scene) < before + 3 && stepped.elapsed() < Duration::from_secs(10) {
            sleep_ms(5).await;
        }
        if sign_ins(&scene) < before + 3 {
            dead += 1;
            outcome
                .violations
                .push(format!("nobody can sign in after a step to {step} s"));
        }
    }
    phone::set_clock(0);
    crowd.send_home().await;
    outcome.figure(format!(
        "people sign in after {} of {} steps",
        outcome.trials - dead,
        outcome.trials
    ));
    let found = scene.judge(Duration::ZERO)?;
    // Whatever had its time is over after a step forward; that is no loss.
    let (lost, broken): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|found| found.rule == Rule::Lost);
    outcome.figure(format!(
        "{} sessions, codes and tokens over by their time",
        lost.len()
    ));
    outcome.answered = scene.shared.history.taken();
    outcome.add(&broken);
    Ok(outcome)
}

fn sign_ins(scene: &Scene) -> usize {
    scene.shared.history.sign_ins()
}
