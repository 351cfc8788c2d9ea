//! Two servers over one PostgreSQL.

use super::{Outcome, Scene, Stage, ms, sleep_ms};
use crate::faults::history::{Event, Got};
use crate::faults::person::Dice;
use crate::faults::primary::{Cutter, Primary};
use crate::faults::scene::LATELY_US;
use crate::faults::script::Crowd;
use crate::faults::spread;
use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// How long the end of something may take to be seen by the other server.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// Two servers, their database, and people.
struct Pair {
    primary: Primary,
    cutter: Cutter,
    scene: Scene,
    crowd: Crowd,
    outcome: Outcome,
}

impl Pair {
    /// `None` when there is no PostgreSQL.
    async fn open(stage: &Stage<'_>, of: &str) -> Result<Option<Pair>> {
        let Some(primary) = Primary::start(stage.postgres).await? else {
            return Ok(None);
        };
        let cutter = Cutter::start(primary.port).await?;
        let mut setting = stage.setting();
        setting.database = Some(Primary::url_at(cutter.port));
        setting.nodes = 2;
        let scene = Scene::open(setting).await?;
        let crowd = scene.crowd();
        Ok(Some(Pair {
            primary,
            cutter,
            scene,
            crowd,
            outcome: Outcome {
                of: of.to_owned(),
                ..Outcome::default()
            },
        }))
    }

    /// Sends everybody home and judges, by what clients were told and by what the database holds.
    async fn judge(self) -> Result<Outcome> {
        let Pair {
            primary,
            scene,
            crowd,
            mut outcome,
            ..
        } = self;
        crowd.send_home().await;
        let facts = scene.shared.facts.take();
        // What is older may have been swept away by its time.
        let now_us = scene.shared.history.now_us();
        let young: Vec<_> = facts
            .into_iter()
            .filter(|fact| fact.at_us + LATELY_US > now_us)
            .collect();
        outcome.violations.extend(primary.missing(&young)?);
        outcome.figure(format!(
            "{} facts of the last 45 s looked up in the database",
            young.len()
        ));
        outcome.answered = scene.shared.history.taken();
        outcome.add(&scene.judge(SEEN_WITHIN)?);
        Ok(outcome)
    }
}

fn absent() -> Outcome {
    Outcome {
        left_out: Some("PostgreSQL is not installed".to_owned()),
        ..Outcome::default()
    }
}

/// The longest time in which nothing was taken.
fn gap_ms(events: &[Event]) -> f64 {
    let mut taken: Vec<u64> = events
        .iter()
        .filter(|e| e.got == Got::Taken)
        .map(|e| e.ended_us)
        .collect();
    taken.sort_unstable();
    let gaps = taken.iter().zip(taken.iter().skip(1)).map(|(a, b)| b - a);
    gaps.max().unwrap_or(0) as f64 / 1000.0
}

/// `kill -9` of one server and then the other.
pub async fn node(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let Some(mut pair) = Pair::open(stage, "kills of one of two servers").await? else {
        return Ok(absent());
    };
    let mut dice = Dice::new(19);
    while Instant::now() < end {
        sleep_ms(200 + dice.roll(600)).await;
        let one = pair.outcome.trials % 2;
        let node = pair.scene.nodes.get_mut(one).context("two servers")?;
        node.kill()?;
        sleep_ms(100).await;
        node.start().await?;
        pair.outcome.trials += 1;
        pair.crowd.look_again();
    }
    let gap = gap_ms(&pair.scene.shared.history.sorted());
    pair.outcome
        .figure(format!("longest time without any answer {gap:.0} ms"));
    pair.judge().await
}

/// One server after the other is asked to end and started again.
pub async fn rolling(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let Some(mut pair) = Pair::open(stage, "restarts in turn").await? else {
        return Ok(absent());
    };
    while Instant::now() < end {
        let one = pair.outcome.trials % 2;
        let node = pair.scene.nodes.get_mut(one).context("two servers")?;
        let code = node.stop().await?;
        node.start().await?;
        pair.outcome.trials += 1;
        if code != 0 {
            pair.outcome.violations.push(format!("exit code {code}"));
        }
        sleep_ms(300).await;
    }
    let gap = gap_ms(&pair.scene.shared.history.sorted());
    pair.outcome
        .figure(format!("longest time without any answer {gap:.0} ms"));
    pair.judge().await
}

/// The database server itself is killed and started again.
pub async fn primary(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let Some(mut pair) = Pair::open(stage, "kills of the database server").await? else {
        return Ok(absent());
    };
    let (mut dice, mut dark) = (Dice::new(12), Vec::new());
    while Instant::now() < end {
        sleep_ms(700 + dice.roll(800)).await;
        let struck = Instant::now();
        pair.primary.kill()?;
        pair.primary.begin().await?;
        let facts = || pair.scene.shared.facts.borrow().len();
        let before = facts();
        while facts() == before && struck.elapsed() < Duration::from_secs(30) {
            sleep_ms(1).await;
        }
        dark.push(ms(struck.elapsed()));
        pair.outcome.trials += 1;
        pair.crowd.look_again();
    }
    pair.outcome
        .figure(format!("commits again after the kill {}", spread(dark)));
    pair.judge().await
}

/// Connections of both servers are ended by the database's administrator.
pub async fn terminated(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let Some(mut pair) = Pair::open(stage, "times that every connection was ended").await? else {
        return Ok(absent());
    };
    let mut ended = 0;
    while Instant::now() < end {
        sleep_ms(400).await;
        let count = pair.primary.psql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = 'techpass' AND pid <> pg_backend_pid()",
            "postgres",
        )?;
        ended += count.parse::<usize>().unwrap_or(0);
        pair.outcome.trials += 1;
    }
    pair.outcome.figure(format!("{ended} connections ended"));
    pair.judge().await
}

/// The connection is lost between a commit and its answer.
pub async fn cut(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let Some(mut pair) = Pair::open(stage, "commits cut").await? else {
        return Ok(absent());
    };
    pair.cutter.one_of.set(20);
    while Instant::now() < end {
        sleep_ms(500).await;
        pair.crowd.look_again();
    }
    pair.cutter.one_of.set(0);
    let (after, before) = (pair.cutter.cut.0.get(), pair.cutter.cut.1.get());
    pair.outcome.trials = after + before;
    pair.outcome.figure(format!(
        "{after} after the server got the commit, {before} before"
    ));
    pair.judge().await
}
