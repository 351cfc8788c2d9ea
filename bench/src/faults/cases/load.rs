//! More than can be done, and a home organisation that stands still.

use super::{CROWD, Outcome, Scene, Stage, judged, ms};
use crate::faults::history::{Event, Got, What};
use crate::faults::spread;
use crate::flows::officer::Officer;
use crate::flows::vendor::Vendor;
use crate::http::{Site, Wire};
use crate::load::{self, Length, Worker};
use crate::machine::Cores;
use crate::relying::{Provider, Trip};
use crate::world::{Plan, Population, World};
use anyhow::{Result, anyhow, bail};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How much more is asked for than was done at most.
const TIMES: f64 = 10.0;
/// Connections that ask for it.
const ASKERS: usize = 600;
/// Connections of those who come in addition, and how long each waits before it asks again.
const PASSERS_BY: usize = 8;
const PAUSE: Duration = Duration::from_millis(40);

/// What came back to those who ask for too much.
#[derive(Default)]
struct Counted {
    refused_ms: RefCell<Vec<f64>>,
    clumsy: Cell<usize>,
}

/// Somebody who opens the sign-in page.
struct Asker {
    wire: Wire,
    counted: Rc<Counted>,
}

impl Asker {
    fn many(site: &Arc<Site>, counted: &Rc<Counted>, count: usize) -> Vec<Asker> {
        let one = |_| Asker {
            wire: Wire::new(site),
            counted: Rc::clone(counted),
        };
        (0..count).map(one).collect()
    }
}

impl Worker for Asker {
    async fn once(&mut self) -> Result<()> {
        self.wire.forget_cookies();
        let path = Trip::new()?.authorize("");
        let began = Instant::now();
        let answer = self.wire.get(&path).await?;
        match (answer.status, answer.header("retry-after")) {
            (303, _) => return Ok(()),
            (429 | 503, Some(_)) => self
                .counted
                .refused_ms
                .borrow_mut()
                .push(ms(began.elapsed())),
            _ => self.counted.clumsy.set(self.counted.clumsy.get() + 1),
        }
        bail!("refused with {}", answer.status)
    }
}

/// People who come in addition to the crowd, now and then. They have a thread of their own: what those of the crowd measure has
/// the time in it for which an answer lies with a generator that has hundreds of others at hand.
struct PassersBy {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<(Vec<f64>, usize)>>,
}

impl PassersBy {
    fn come(site: &Arc<Site>) -> PassersBy {
        let over = Arc::new(AtomicBool::new(false));
        let (site, seen) = (Arc::clone(site), Arc::clone(&over));
        let thread = std::thread::spawn(move || PassersBy::ask(&site, &seen));
        PassersBy { over, thread }
    }

    fn ask(site: &Arc<Site>, over: &AtomicBool) -> Result<(Vec<f64>, usize)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let counted = Rc::new(Counted::default());
        let each = |mut one: Asker| async move {
            while !over.load(Ordering::Relaxed) {
                // Whether it was taken or refused is counted where it is told.
                let _ = one.once().await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        let all = Asker::many(site, &counted, PASSERS_BY);
        runtime.block_on(futures_util::future::join_all(all.into_iter().map(each)));
        Ok((counted.refused_ms.take(), counted.clumsy.get()))
    }

    /// What refusals took, and how many answers were neither taken nor refused in words.
    fn leave(self) -> Result<(Vec<f64>, usize)> {
        self.over.store(true, Ordering::Relaxed);
        let told = self.thread.join();
        told.map_err(|_| anyhow!("those who pass by panicked"))?
    }
}

/// Ten times as many sign-ins as can be done, beside people who refresh, answer and log out.
pub async fn overload(stage: &Stage<'_>) -> Result<Outcome> {
    let scene = Scene::open(stage.setting()).await?;
    let counted = Rc::new(Counted::default());
    let site = scene.site()?;
    let length = |seconds: f64| Length {
        warm_up: Duration::from_millis(300),
        run: Duration::from_secs_f64(seconds),
    };
    let (_, able) = load::closed(Asker::many(&site, &counted, 64), length(2.0)).await;
    counted.refused_ms.borrow_mut().clear();
    let crowd = scene.crowd();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let began_us = scene.shared.history.now_us();
    let seconds = (stage.budget.as_secs_f64() - 12.0).max(4.0);
    let began = Instant::now();
    let passers_by = PassersBy::come(&site);
    let askers = Asker::many(&site, &counted, ASKERS);
    let (_, outcome) = load::open(askers, able.rate * TIMES, length(seconds)).await;
    // Whoever waits for a free connection is served late, so it takes longer than it was meant to.
    let took = began.elapsed().as_secs_f64();
    let (passing_ms, clumsy) = passers_by.leave()?;
    let ended_us = scene.shared.history.now_us();
    tokio::time::sleep(Duration::from_secs(6)).await;
    crowd.send_home().await;
    let mut all = Outcome {
        of: "seconds of overload".to_owned(),
        ..Outcome::default()
    };
    all.trials = took as usize;
    let refused = counted.refused_ms.take();
    all.figure(format!(
        "able {:.0}/s, asked {:.0}/s",
        able.rate,
        able.rate * TIMES
    ));
    all.figure(format!(
        "done {:.0}/s, refused {:.0}/s ({})",
        outcome.rate * seconds / took,
        refused.len() as f64 / took,
        spread(refused)
    ));
    all.figure(format!(
        "{} refusals of those who came in addition: {}",
        passing_ms.len(),
        spread(passing_ms)
    ));
    let clumsy = clumsy + counted.clumsy.get();
    if clumsy > 0 {
        all.violations.push(format!(
            "{clumsy} answers were neither done nor refused in words"
        ));
    }
    let events = scene.shared.history.sorted();
    for (when, from_us, to_us) in [
        ("before", began_us.saturating_sub(2_500_000), began_us),
        ("during", began_us, ended_us),
        ("afterwards", ended_us, ended_us + 2_500_000),
    ] {
        let took = spread(urgent(&events, from_us, to_us));
        all.figure(format!("{CROWD} people's refreshes {when}: {took}"));
    }
    judged(&scene, all, Duration::ZERO)
}

/// Latencies of refreshes in a stretch of time, in milliseconds.
fn urgent(events: &[Event], from_us: u64, to_us: u64) -> Vec<f64> {
    let done = events.iter().filter(|e| {
        e.got == Got::Taken
            && matches!(e.what, What::Rotate { .. })
            && e.ended_us > from_us
            && e.ended_us < to_us
    });
    done.map(|e| (e.ended_us - e.begun_us) as f64 / 1000.0)
        .collect()
}

/// An officer who gives up after a while.
struct Patient(Officer, Rc<Cell<usize>>);

impl Worker for Patient {
    async fn once(&mut self) -> Result<()> {
        let done = tokio::time::timeout(Duration::from_secs(8), self.0.once()).await;
        match done {
            Ok(done) => done,
            Err(_) => {
                self.1.set(self.1.get() + 1);
                bail!("no answer")
            }
        }
    }
}

/// The home organisation stands still while officers are on their way; vendors, who need nobody, go on.
pub async fn upstream(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let plan = Plan {
        program: stage.program,
        directory: &stage.folder,
        cores: Cores::Shared,
        population: Population {
            officers: 64,
            vendors: 64,
            slow_vendors: 0,
        },
        database: None,
    };
    let world = World::start(&plan).await?;
    let provider = Provider::learn(&world.techpass.site, &world.portal_secret).await?;
    let vendors = || Vendor::many(&world, &provider, &world.vendors, 4);
    let length = Length {
        warm_up: Duration::from_millis(200),
        run: Duration::from_secs(3),
    };
    let mut outcome = Outcome {
        of: "stalls of the home organisation".to_owned(),
        ..Outcome::default()
    };
    let given_up = Rc::new(Cell::new(0));
    let (mut before, mut during) = (Vec::new(), Vec::new());
    while outcome.trials == 0 || Instant::now() < end {
        let officers = Officer::many(&world, &provider, 8);
        let officers = officers
            .into_iter()
            .map(|one| Patient(one, Rc::clone(&given_up)))
            .collect();
        let calm = load::closed(vendors(), length).await.1;
        let way = tokio::task::spawn_local(load::closed::<Patient>(officers, length));
        tokio::time::sleep(Duration::from_millis(600)).await;
        world.wog.signal("STOP")?;
        let stalled = load::closed(vendors(), length).await.1;
        world.wog.signal("CONT")?;
        let (officers, _) = way.await?;
        let (_, again) = load::closed(officers, length).await;
        outcome.trials += 1;
        for (who, found) in [
            ("vendors", &calm),
            ("vendors during the stall", &stalled),
            ("officers afterwards", &again),
        ] {
            if found.failed > 0 {
                let why = found.why.clone().unwrap_or_default();
                outcome
                    .violations
                    .push(format!("{who}: {} failed: {why}", found.failed));
            }
            outcome.answered += (found.rate * 3.0) as usize;
        }
        before.push(calm.p99_ms);
        during.push(stalled.p99_ms);
    }
    outcome.figure(format!(
        "vendors' logins p99, median of {}: {:.0} ms before, {:.0} ms during",
        outcome.trials,
        median(before),
        median(during)
    ));
    outcome.figure(format!(
        "{} officers' browsers gave up after 8 s",
        given_up.get()
    ));
    Ok(outcome)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}
