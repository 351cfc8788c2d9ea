//! Keys that change, and others that do not answer.

use super::{Outcome, Scene, Stage, judged, ms, sleep_ms};
use crate::faults::history::Got;
use crate::faults::mailbox::Mailbox;
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

/// How long to wait for deliveries once others answer again: the pauses between tries grow, and within this time every one
/// is due again.
const DUE_AGAIN: Duration = Duration::from_secs(150);

/// Waits for a count of deliveries; how long it took.
async fn delivered(count: impl Fn() -> usize, wanted: usize) -> Duration {
    let since = Instant::now();
    while count() < wanted && since.elapsed() < DUE_AGAIN {
        sleep_ms(20).await;
    }
    since.elapsed()
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
    let after = delivered(|| receivers.taken(), sent).await;
    outcome.figure(format!("log-out answered {}", spread(took)));
    outcome.figure(format!(
        "{} of {sent} notices delivered {:.1} s after receivers answer again",
        receivers.taken().min(sent),
        after.as_secs_f64()
    ));
    if receivers.taken() < sent {
        outcome
            .violations
            .push(format!("{} notices are lost", sent - receivers.taken()));
    }
    judged(&scene, outcome, Duration::ZERO)
}

/// People who can report a request before each has.
const REPORTERS: usize = 2_000;

/// A mail server that takes connections and says nothing, while people report requests and others log out; and then
/// speaks again.
pub async fn mail(stage: &Stage<'_>) -> Result<Outcome> {
    let (mailbox, receivers) = (Mailbox::listen().await?, Receivers::listen().await?);
    let mut setting = stage.setting();
    setting.people = REPORTERS;
    setting.more = mailbox.configuration();
    let mut scene = Scene::lay_down(setting).await?;
    scene.tell(&receivers)?;
    scene.start().await?;
    let mut outcome = Outcome {
        of: "reports while the mail server says nothing".to_owned(),
        ..Outcome::default()
    };
    mailbox.mute(true);
    let end = Instant::now() + stage.budget / 2;
    let mut person = scene.person(0)?;
    let (mut took, mut sent) = (Vec::new(), 0);
    for n in 1..REPORTERS {
        if Instant::now() >= end {
            break;
        }
        let mut reporter = scene.person(n)?;
        reporter.wait_for_phone().await?;
        let began = Instant::now();
        if reporter.report().await? == Got::Taken {
            took.push(ms(began.elapsed()));
            outcome.trials += 1;
        }
        person.sign_in().await?;
        if let Some(session) = person.session.take()
            && person.log_out(&session).await? == Got::Taken
        {
            sent += 1;
        }
        sleep_ms(100).await;
    }
    // The applications hear of every log-out while the mail server is still mute.
    let notices = delivered(|| receivers.taken(), sent).await;
    mailbox.mute(false);
    // One for the person and one for security.
    let wanted = 2 * outcome.trials;
    let mails = delivered(|| mailbox.taken(), wanted).await;
    outcome.figure(format!("reports answered {}", spread(took)));
    outcome.figure(format!(
        "{} of {sent} notices of log-outs delivered meanwhile, the last {:.1} s after its log-out",
        receivers.taken().min(sent),
        notices.as_secs_f64()
    ));
    outcome.figure(format!(
        "{} connections met it mute; {} of {wanted} mails delivered {:.1} s after it speaks again",
        mailbox.met(),
        mailbox.taken(),
        mails.as_secs_f64()
    ));
    for (lost, what) in [
        (sent.saturating_sub(receivers.taken()), "notices are late"),
        (
            wanted.abs_diff(mailbox.taken()),
            "mails are lost or too many",
        ),
    ] {
        if lost > 0 {
            outcome.violations.push(format!("{lost} {what}"));
        }
    }
    judged(&scene, outcome, Duration::ZERO)
}
