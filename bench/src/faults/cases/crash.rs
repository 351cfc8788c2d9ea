//! The process ends: at once, or as it is asked to.

use super::{Outcome, Scene, Stage, judged, ms};
use crate::faults::person::Dice;
use crate::faults::spread;
use anyhow::Result;
use std::time::{Duration, Instant};

/// `kill -9` at random moments under load.
pub async fn kill(stage: &Stage<'_>) -> Result<Outcome> {
    let mut scene = Scene::open(stage.setting()).await?;
    let (end, mut dice) = (stage.end(), Dice::new(2));
    let crowd = scene.crowd();
    let mut sound = 0;
    let mut outcome = Outcome {
        of: "kills".to_owned(),
        ..Outcome::default()
    };
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(40 + dice.roll(500))).await;
        scene.node()?.kill()?;
        outcome.trials += 1;
        if let Some(wrong) = scene.examine()? {
            outcome
                .violations
                .push(format!("kill {}: {wrong}", outcome.trials));
        } else {
            sound += 1;
        }
        scene.node()?.start().await?;
        crowd.look_again();
    }
    crowd.send_home().await;
    let mut ready = std::mem::take(&mut scene.node()?.ready_ms);
    ready.remove(0);
    outcome.figure(format!("ready again {}", spread(ready)));
    outcome.figure(format!(
        "integrity_check ok and everything acknowledged there in {sound} of {}",
        outcome.trials
    ));
    judged(&scene, outcome, Duration::ZERO)
}

/// SIGTERM under load, and a start: nobody who was being served is cut off.
pub async fn stop(stage: &Stage<'_>) -> Result<Outcome> {
    let mut scene = Scene::open(stage.setting()).await?;
    let (end, mut dice) = (stage.end(), Dice::new(3));
    let crowd = scene.crowd();
    let mut outcome = Outcome {
        of: "restarts".to_owned(),
        ..Outcome::default()
    };
    let mut took = Vec::new();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(200 + dice.roll(600))).await;
        let asked = Instant::now();
        let code = scene.node()?.stop().await?;
        took.push(ms(asked.elapsed()));
        outcome.trials += 1;
        if code != 0 {
            outcome
                .violations
                .push(format!("restart {}: exit code {code}", outcome.trials));
        }
        scene.node()?.start().await?;
        crowd.look_again();
    }
    crowd.send_home().await;
    outcome.figure(format!("stopped {}", spread(took)));
    judged(&scene, outcome, Duration::ZERO)
}

/// People in front of a number when the server is killed.
const WAITING: usize = 400;

/// A kill while many wait for their phone: everybody can answer afterwards, and is signed in.
pub async fn prompts(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let mut setting = stage.setting();
    setting.people = WAITING;
    let mut scene = Scene::open(setting).await?;
    let mut people: Vec<_> = (0..WAITING).filter_map(|n| scene.person(n).ok()).collect();
    let mut outcome = Outcome {
        of: "open requests across a kill".to_owned(),
        ..Outcome::default()
    };
    let (mut finished, mut kills) = (0, 0);
    while Instant::now() < end {
        let mut waiting = Vec::new();
        for person in &mut people {
            waiting.push(person.wait_for_phone().await?);
        }
        scene.node()?.kill()?;
        scene.node()?.start().await?;
        kills += 1;
        for (person, mut waiting) in people.iter_mut().zip(waiting) {
            outcome.trials += 1;
            person.connect_anew(&mut waiting);
            person.steady = true;
            person.session = None;
            let answered = person.come_back(waiting).await;
            match (&answered, person.session.is_some()) {
                (Ok(()), true) => finished += 1,
                (Ok(()), false) => outcome
                    .violations
                    .push("an answer signed nobody in".to_owned()),
                (Err(error), _) => outcome.violations.push(format!("not finished: {error:#}")),
            }
        }
    }
    outcome.figure(format!(
        "{finished} of {} finished over {kills} kills",
        outcome.trials
    ));
    judged(&scene, outcome, Duration::ZERO)
}
