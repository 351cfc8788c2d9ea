//! A running cluster of `deploy/cluster`: its program breaks and heals it, and people use it through its front.

use super::facts::{self, Fact};
use super::history::{Event, Got};
use super::scene::{CROWD, Scene, Shore};
use super::script::Crowd;
use super::{Outcome, spread};
use crate::http::{Site, Wire};
use crate::world::DISCOVERY;
use anyhow::{Context, Result, anyhow, bail};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// How long the end of something may take to be seen by another node.
const SEEN_WITHIN: Duration = Duration::from_secs(1);
/// How often somebody looks whether the front answers what needs no database.
const LOOK: Duration = Duration::from_millis(100);
/// For how long commits may stay away before a trial is given up.
const OUTAGE_MAX: Duration = Duration::from_secs(90);

/// Where a cluster is.
pub struct Cluster {
    program: PathBuf,
    directory: PathBuf,
}

impl Cluster {
    /// The cluster that `deploy/cluster/cluster up` started in a directory.
    pub fn at(directory: &Path) -> Result<Cluster> {
        let program = PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../deploy/cluster/cluster"
        ));
        let cluster = Cluster {
            program,
            directory: directory.to_owned(),
        };
        cluster.read("cluster.env").context("no cluster is there")?;
        Ok(cluster)
    }

    fn read(&self, name: &str) -> Result<String> {
        let text = std::fs::read_to_string(self.directory.join(name))?;
        Ok(text.trim().to_owned())
    }

    /// Lets the cluster's own program do something, and waits until it has.
    async fn say(&self, words: &str) -> Result<()> {
        let done = Command::new(&self.program)
            .args(words.split(' '))
            .arg("--dir")
            .arg(&self.directory)
            .output()
            .await?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            bail!("cluster {words}: {said}");
        }
        Ok(())
    }

    /// Where its people go, and how its database is filled.
    pub fn shore(&self) -> Result<Shore> {
        let port: u16 = self.read("cluster.env")?.parse()?;
        let key = self.read("secrets/master.key")?;
        let mut master = [0; 32];
        for (at, byte) in master.iter_mut().enumerate() {
            let digits = key.get(at * 2..at * 2 + 2).context("the master key")?;
            *byte = u8::from_str_radix(digits, 16)?;
        }
        let sockets = self.sockets().join(",").replace('/', "%2F");
        let password = self.read("secrets/database.password")?;
        Ok(Shore {
            site: Arc::new(Site {
                address: ([127, 0, 0, 1], port).into(),
                host: format!("localhost:{port}"),
            }),
            database: format!("postgres://techpass:{password}@{sockets}/techpass"),
            master,
            secret_file: self.directory.join("secrets/bench"),
        })
    }

    /// PostgreSQL's sockets, which are in this machine's file system and not in a network.
    fn sockets(&self) -> Vec<String> {
        let at = |n| self.directory.join(format!("pg{n}/socket"));
        (1..=3).map(|n| at(n).display().to_string()).collect()
    }

    fn psql(&self, sql: &str) -> Result<String> {
        let hosts = self.sockets().join(",");
        let output = std::process::Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(format!(
                "postgresql://techpass@/techpass?host={hosts}&target_session_attrs=read-write"
            ))
            .env("PGPASSWORD", self.read("secrets/database.password")?)
            .output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Strikes again and again for as long as the budget lasts, heals after each time, and judges.
    pub async fn run(&self, folder: &Path, case: &Case, budget: Duration) -> Result<Outcome> {
        let end = Instant::now() + budget;
        self.say("heal").await?;
        let scene = Scene::at(self.shore()?, folder, CROWD).await?;
        let (crowd, probe) = (scene.crowd(), Probe::start(scene.site()?));
        let mut told = Told::default();
        let mut outcome = Outcome {
            of: case.of.to_owned(),
            ..Outcome::default()
        };
        tokio::time::sleep(Duration::from_secs(2)).await;
        while Instant::now() < end {
            self.trial(case, &scene, &mut told).await?;
            outcome.trials += 1;
            crowd.look_again();
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        told.figures(&mut outcome);
        probe.figure(&mut outcome);
        self.judge(scene, crowd, outcome).await
    }

    async fn trial(&self, case: &Case, scene: &Scene, told: &mut Told) -> Result<()> {
        let now_us = || scene.shared.history.now_us();
        let from_us = now_us();
        self.say(&format!("fault {}", case.fault)).await?;
        let struck_us = now_us();
        tokio::time::sleep(Duration::from_secs(case.lasts_s)).await;
        if !case.blocks {
            acknowledged(scene, struck_us.max(now_us().saturating_sub(500_000))).await?;
        }
        let mended_us = now_us();
        self.say("heal").await?;
        acknowledged(scene, now_us()).await?;
        let until_us = now_us();
        told.note(scene, (from_us, mended_us, until_us), case.blocks);
        Ok(())
    }

    async fn judge(&self, scene: Scene, crowd: Crowd, mut outcome: Outcome) -> Result<Outcome> {
        crowd.send_home().await;
        let facts = scene.shared.facts.take();
        // What is older may have been swept away by its time.
        let young_us = scene.shared.history.now_us().saturating_sub(240_000_000);
        let young: Vec<Fact> = facts.into_iter().filter(|f| f.at_us > young_us).collect();
        let found = facts::missing(&young, |sql| self.psql(sql))?;
        outcome.violations.extend(found);
        outcome.figure(format!("{} facts looked up in the database", young.len()));
        outcome.answered = scene.shared.history.taken();
        outcome.add(&scene.judge(SEEN_WITHIN)?);
        Ok(outcome)
    }
}

/// Waits until some commits were acknowledged after a moment.
async fn acknowledged(scene: &Scene, after_us: u64) -> Result<()> {
    let began = Instant::now();
    loop {
        if lately(scene, after_us) >= 5 {
            return Ok(());
        }
        if began.elapsed() > OUTAGE_MAX {
            return Err(anyhow!("nothing was committed for {OUTAGE_MAX:?}"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How much was acknowledged after a moment.
fn lately(scene: &Scene, after_us: u64) -> usize {
    let facts = scene.shared.facts.borrow();
    facts.iter().rev().filter(|f| f.at_us > after_us).count()
}

/// A fault of the cluster.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What its program is asked for.
    fault: &'static str,
    /// What one trial is.
    of: &'static str,
    /// How long it lasts at least, in seconds.
    lasts_s: u64,
    /// Whether commits stay away until it is healed.
    blocks: bool,
}

/// One whose end commits need not wait for; it lasts so many seconds at least.
const fn passing(name: &'static str, fault: &'static str, of: &'static str, lasts_s: u64) -> Case {
    Case {
        name,
        fault,
        of,
        lasts_s,
        blocks: false,
    }
}

/// One during which nothing can be committed.
const fn blocking(name: &'static str, fault: &'static str, of: &'static str, lasts_s: u64) -> Case {
    Case {
        blocks: true,
        ..passing(name, fault, of, lasts_s)
    }
}

/// Every fault, in the order of a run.
pub const CASES: [Case; 10] = [
    passing("primary", "kill-primary", "primaries' hosts gone", 1),
    passing("postgres", "kill-postgres", "kills of PostgreSQL", 1),
    passing("switchover", "switchover", "switchovers", 1),
    // The primary first stops when its lease runs out.
    passing("etcd", "partition etcd", "primaries cut from etcd", 24),
    blocking(
        "standbys",
        "partition standbys",
        "primaries cut from both",
        10,
    ),
    passing("standby", "kill-standby", "synchronous standbys lost", 1),
    blocking("both", "kill-standby both", "times both standbys lost", 8),
    passing("node", "kill-node 2", "nodes gone", 3),
    passing("link", "partition nodes", "nodes cut from the primary", 8),
    blocking(
        "quorum",
        "kill-etcd quorum",
        "times etcd lost its quorum",
        25,
    ),
];

/// What clients were told during trials.
#[derive(Default)]
struct Told {
    outages_ms: Vec<f64>,
    resumed_ms: Vec<f64>,
    busy_ms: Vec<f64>,
    silent: usize,
    busy: usize,
    all: usize,
    windows_ms: Vec<f64>,
}

impl Told {
    /// A trial's beginning, the moment of its healing, and its end.
    fn note(&mut self, scene: &Scene, (from, mended, until): (u64, u64, u64), blocks: bool) {
        let facts = scene.shared.facts.borrow();
        let mut at: Vec<u64> = facts.iter().map(|fact| fact.at_us).collect();
        at.sort_unstable();
        let within: Vec<u64> = at.into_iter().filter(|at| *at + 1_000_000 > from).collect();
        let pairs = within.iter().zip(within.iter().skip(1));
        let gap = pairs.map(|(a, b)| (b - a, *b)).filter(|(_, b)| *b > from);
        let (gap, over) = gap.max().unwrap_or_default();
        self.outages_ms.push(gap as f64 / 1000.0);
        if blocks {
            self.resumed_ms
                .push(over.saturating_sub(mended) as f64 / 1000.0);
        }
        let events = scene.shared.history.sorted();
        let during: Vec<&Event> = events
            .iter()
            .filter(|event| event.ended_us > from && event.begun_us < until)
            .collect();
        self.all += during.len();
        let failed = during
            .iter()
            .filter(|e| matches!(e.got, Got::Busy | Got::Unknown));
        let (mut first, mut last) = (u64::MAX, 0);
        for event in failed {
            first = first.min(event.ended_us);
            last = last.max(event.ended_us);
            match event.got {
                Got::Busy => {
                    self.busy += 1;
                    self.busy_ms
                        .push((event.ended_us - event.begun_us) as f64 / 1000.0);
                }
                _ => self.silent += 1,
            }
        }
        self.windows_ms
            .push(last.saturating_sub(first) as f64 / 1000.0);
    }

    fn figures(self, outcome: &mut Outcome) {
        outcome.figure(format!("writes away {}", spread(self.outages_ms)));
        if !self.resumed_ms.is_empty() {
            outcome.figure(format!(
                "commits again after healing began {}",
                spread(self.resumed_ms)
            ));
        }
        outcome.figure(format!(
            "{} requests during trials: {} refused with 503 ({}), {} without an answer or with 502",
            self.all,
            self.busy,
            spread(self.busy_ms),
            self.silent
        ));
        outcome.figure(format!(
            "from the first failure of a trial to its last {}",
            spread(self.windows_ms)
        ));
    }
}

/// Asks for what needs no database, all the time.
struct Probe {
    asked: Rc<Cell<(usize, usize)>>,
    task: tokio::task::JoinHandle<()>,
}

impl Probe {
    fn start(site: Arc<Site>) -> Probe {
        let asked = Rc::new(Cell::new((0, 0)));
        let counts = Rc::clone(&asked);
        let task = tokio::task::spawn_local(async move {
            loop {
                for path in [DISCOVERY, "/jwks.json"] {
                    let mut wire = Wire::new(&site);
                    let answer = tokio::time::timeout(Duration::from_secs(2), wire.get(path));
                    let well = answer
                        .await
                        .is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200));
                    let (all, failed) = counts.get();
                    counts.set((all + 1, failed + usize::from(!well)));
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Probe { asked, task }
    }

    fn figure(self, outcome: &mut Outcome) {
        self.task.abort();
        let (all, failed) = self.asked.get();
        outcome.figure(format!(
            "{failed} of {all} looks at discovery and keys failed"
        ));
    }
}
