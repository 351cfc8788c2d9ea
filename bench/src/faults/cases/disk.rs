//! The disk: power cuts that drop what was not flushed, flushes that fail, no room.

use super::{Outcome, Scene, Stage, judged, ms, sleep_ms};
use crate::faults::disk::File;
use crate::faults::facts::Fact;
use crate::faults::history::{Got, What};
use crate::faults::person::Dice;
use crate::faults::scene::{examine, with_end};
use crate::faults::shim::{Record, Shim, records};
use crate::faults::spread;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long the server runs under load before its writes are cut, at most.
const LOAD_MAX: Duration = Duration::from_secs(20);
/// Cuts at the same moment, each finding something else of what was not flushed.
const CUTS_AT_ONCE: usize = 4;

/// Power cuts at random moments of one run under load: what was flushed by then is there, a random part of the rest is,
/// torn into sectors.
pub async fn power_cut(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let mut scene = Scene::lay_down(stage.setting()).await?;
    let shim = Shim::build(&stage.folder)?;
    let database = stage.folder.join("techpass.db");
    let before = std::fs::read(&database)?;
    scene.node()?.environment = shim.environment(Some(&database));
    scene.start().await?;
    let crowd = scene.crowd();
    tokio::time::sleep(LOAD_MAX.min(stage.budget / 3)).await;
    scene.node()?.kill()?;
    crowd.send_home().await;
    let mut outcome = Outcome {
        of: "power cuts".to_owned(),
        ..Outcome::default()
    };
    let mut all = records(&shim.log)?;
    outcome.figure(format!("{} writes and flushes of one run", all.len()));
    // Cutting one run again and again costs no server: as many cuts as there is time for.
    let facts = scene.shared.facts.take();
    let mut cuts = Cuts {
        scene: &scene,
        facts: &facts,
        place: Path::new("/dev/shm").join(format!("techpass-cut-{}.db", std::process::id())),
        dice: Dice::new(4),
        pending_max: 0,
    };
    let every = (all.len() / 1000).max(1);
    let mut files = [File::new(Some(before)), File::new(None)];
    for (n, record) in all.drain(..).enumerate() {
        let at_ns = record.ended_ns;
        take(&mut files, record);
        if n % every == 0 && Instant::now() < end {
            for _ in 0..CUTS_AT_ONCE {
                outcome.trials += 1;
                outcome.violations.extend(cuts.cut(&files, at_ns)?);
            }
        }
    }
    outcome.figure(format!("{} acknowledged facts", facts.len()));
    outcome.figure(format!(
        "up to {} changes not yet flushed",
        cuts.pending_max
    ));
    cuts.clean();
    judged(&scene, outcome, Duration::ZERO)
}

fn take(files: &mut [File; 2], record: Record) {
    let [database, log] = files;
    match record.file {
        1 => database.take(record),
        _ => log.take(record),
    }
}

/// What power cuts are judged with.
struct Cuts<'a> {
    scene: &'a Scene,
    facts: &'a [Fact],
    place: std::path::PathBuf,
    dice: Dice,
    pending_max: usize,
}

impl Cuts<'_> {
    /// One cut; what was broken by it.
    fn cut(&mut self, files: &[File; 2], at_ns: u64) -> Result<Vec<String>> {
        self.clean();
        let pending = files.iter().map(File::pending).sum();
        self.pending_max = self.pending_max.max(pending);
        for (file, end) in files.iter().zip(["", "-wal"]) {
            if let Some(found) = file.after_cut(&mut self.dice) {
                std::fs::write(with_end(&self.place, end), found)?;
            }
        }
        let mut broken = Vec::new();
        if let Some(wrong) = examine(&self.place)? {
            broken.push(format!("integrity_check: {wrong}"));
        }
        let connection = rusqlite::Connection::open(&self.place)?;
        let history = &self.scene.shared.history;
        let known = self
            .facts
            .iter()
            .filter(|fact| history.system_ns(fact.at_us) < at_ns);
        for fact in known {
            if !fact.holds(&connection)? {
                broken.push(format!(
                    "lost by a power cut: {} at {} us",
                    fact.what, fact.at_us
                ));
            }
        }
        Ok(broken)
    }

    fn clean(&self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(with_end(&self.place, end));
        }
    }
}

/// Flushes fail: the server stops acknowledging and ends; started again, it recovers what is on the disk.
pub async fn flush_fails(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let mut scene = Scene::lay_down(stage.setting()).await?;
    let shim = Shim::build(&stage.folder)?;
    let database = stage.folder.join("techpass.db");
    scene.node()?.environment = shim.environment(Some(&database));
    scene.start().await?;
    let crowd = scene.crowd();
    let (mut outcome, mut dice) = (
        Outcome {
            of: "failed flushes".to_owned(),
            ..Outcome::default()
        },
        Dice::new(5),
    );
    let (mut took, mut dark) = (Vec::new(), Vec::new());
    while Instant::now() < end {
        sleep_ms(200 + dice.roll(400)).await;
        let from_us = scene.shared.history.now_us();
        shim.failing(true)?;
        let failed = Instant::now();
        let server = scene
            .node()?
            .server
            .as_mut()
            .context("the server is down")?;
        while server.ended()?.is_none() && failed.elapsed() < Duration::from_secs(10) {
            sleep_ms(1).await;
        }
        outcome.trials += 1;
        match server.ended()? {
            Some(_) => took.push(ms(failed.elapsed())),
            None => outcome
                .violations
                .push("the server goes on without a disk".to_owned()),
        }
        dark.push((from_us, scene.shared.history.now_us()));
        scene.node()?.kill()?;
        shim.failing(false)?;
        scene.node()?.start().await?;
        crowd.look_again();
    }
    crowd.send_home().await;
    let events = scene.shared.history.sorted();
    let writes = |what: &What| {
        !matches!(
            what,
            What::UserInfo { .. } | What::Page { .. } | What::Step { .. }
        )
    };
    let told = events
        .iter()
        .filter(|e| e.got == Got::Taken && writes(&e.what))
        .filter(|e| {
            dark.iter()
                .any(|(from, to)| e.begun_us > *from && e.ended_us < *to)
        });
    for event in told {
        outcome.violations.push(format!(
            "acknowledged after a failed flush: {:?}",
            event.what
        ));
    }
    outcome.figure(format!("ended after {}", spread(took)));
    judged(&scene, outcome, Duration::ZERO)
}

/// A small disk that is unmounted with this value.
struct SmallDisk<'a>(&'a Path);

impl SmallDisk<'_> {
    fn mount(place: &Path) -> Result<Option<SmallDisk<'_>>> {
        std::fs::create_dir_all(place)?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=192m", "tmpfs"])
            .arg(place)
            .output();
        let mounted = mounted.is_ok_and(|output| output.status.success());
        Ok(mounted.then_some(SmallDisk(place)))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

/// No room on the disk, and room again.
pub async fn full(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let place = stage.folder.join("disk");
    let mut outcome = Outcome {
        of: "full disks".to_owned(),
        ..Outcome::default()
    };
    let Some(_disk) = SmallDisk::mount(&place)? else {
        outcome.left_out = Some("a small disk cannot be mounted here".to_owned());
        return Ok(outcome);
    };
    let mut setting = stage.setting();
    setting.database = Some(format!("sqlite:{}", place.join("techpass.db").display()));
    let mut scene = Scene::open(setting).await?;
    let crowd = scene.crowd();
    let (mut dice, mut back, mut read) = (Dice::new(6), Vec::new(), 0);
    let history = std::rc::Rc::clone(&scene.shared);
    while Instant::now() < end {
        sleep_ms(300 + dice.roll(300)).await;
        let ballast = place.join("ballast");
        fill(&ballast);
        let from_us = history.history.now_us();
        sleep_ms(1000).await;
        let to_us = history.history.now_us();
        let _ = std::fs::remove_file(&ballast);
        outcome.trials += 1;
        let room = Instant::now();
        let before = history.facts.borrow().len();
        while history.facts.borrow().len() <= before + 24
            && room.elapsed() < Duration::from_secs(10)
        {
            sleep_ms(1).await;
        }
        back.push(ms(room.elapsed()));
        read += reads(&scene, from_us, to_us);
        let server = scene
            .node()?
            .server
            .as_mut()
            .context("the server is down")?;
        if server.ended()?.is_some() {
            outcome
                .violations
                .push(format!("full disk {}: the server ended", outcome.trials));
            scene.node()?.start().await?;
        }
        crowd.look_again();
    }
    crowd.send_home().await;
    if read == 0 {
        outcome
            .violations
            .push("nothing could be read while the disk was full".to_owned());
    }
    outcome.figure(format!("{read} reads answered while full"));
    outcome.figure(refusals(&scene));
    outcome.figure(format!("commits again {}", spread(back)));
    scene.node()?.stop().await?;
    if let Some(wrong) = examine(&place.join("techpass.db"))? {
        outcome.violations.push(format!("integrity_check: {wrong}"));
    }
    judged(&scene, outcome, Duration::ZERO)
}

/// How many were refused for want of room, and how long they waited for that.
fn refusals(scene: &Scene) -> String {
    let events = scene.shared.history.sorted();
    let refused = events.iter().filter(|e| e.got == Got::Busy);
    let waited: Vec<_> = refused
        .map(|e| (e.ended_us - e.begun_us) as f64 / 1000.0)
        .collect();
    format!("{} refused with 503 ({})", waited.len(), spread(waited))
}

fn fill(ballast: &Path) {
    use std::io::Write;
    // Smaller and smaller, until nothing fits.
    if let Ok(mut file) = std::fs::File::create(ballast) {
        for size in [1 << 20, 1 << 14, 1 << 10, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }
}

fn reads(scene: &Scene, from_us: u64, to_us: u64) -> usize {
    let events = scene.shared.history.sorted();
    let reads = events
        .iter()
        .filter(|e| matches!(e.what, What::UserInfo { .. }) && e.got == Got::Taken);
    reads
        .filter(|e| e.begun_us > from_us && e.ended_us < to_us)
        .count()
}
