//! Loads: closed (so many at once) and open (so many a second, latency counted from the intended start).

use anyhow::Result;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// Somebody who does the same again and again.
pub trait Worker: 'static {
    /// Does it once.
    fn once(&mut self) -> impl Future<Output = Result<()>>;
}

/// How long a load lasts.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Not counted.
    pub warm_up: Duration,
    /// Counted.
    pub run: Duration,
}

/// What a load came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// How many a second were done.
    pub rate: f64,
    /// The median latency in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile in milliseconds.
    pub p99_ms: f64,
    /// How many failed.
    pub failed: u64,
    /// Why the first one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Latencies and failures as they come.
#[derive(Default)]
pub struct Book {
    latencies_us: RefCell<Vec<u32>>,
    failed: Cell<u64>,
    why: RefCell<Option<String>>,
}

impl Book {
    /// Notes something that was done.
    pub fn done(&self, took: Duration) {
        let us = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.latencies_us.borrow_mut().push(us);
    }

    /// Notes something that failed.
    pub fn failed(&self, error: &anyhow::Error) {
        self.failed.set(self.failed.get() + 1);
        let mut why = self.why.borrow_mut();
        if why.is_none() {
            *why = Some(format!("{error:#}"));
        }
    }

    /// The sum.
    pub fn outcome(&self, took: Duration) -> Outcome {
        let mut all = self.latencies_us.borrow().clone();
        all.sort_unstable();
        Outcome {
            rate: all.len() as f64 / took.as_secs_f64(),
            p50_ms: percentile(&all, 0.50),
            p99_ms: percentile(&all, 0.99),
            failed: self.failed.get(),
            why: self.why.borrow().clone(),
        }
    }
}

fn percentile(sorted_us: &[u32], part: f64) -> f64 {
    let place = ((sorted_us.len() as f64 * part) as usize).min(sorted_us.len().saturating_sub(1));
    sorted_us
        .get(place)
        .map_or(0.0, |us| f64::from(*us) / 1000.0)
}

/// Closed loop: every worker begins anew as soon as it is done.
pub async fn closed<W: Worker>(workers: Vec<W>, length: Length) -> (Vec<W>, Outcome) {
    let book = Rc::new(Book::default());
    let start = Instant::now() + length.warm_up;
    let end = start + length.run;
    let mut tasks = Vec::new();
    for mut worker in workers {
        let book = Rc::clone(&book);
        tasks.push(tokio::task::spawn_local(async move {
            loop {
                let began = Instant::now();
                if began >= end {
                    return worker;
                }
                let outcome = worker.once().await;
                let ended = Instant::now();
                match outcome {
                    Ok(()) if ended >= start && ended < end => book.done(ended - began),
                    Ok(()) => {}
                    Err(error) => {
                        book.failed(&error);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
        }));
    }
    let mut workers = Vec::new();
    for task in tasks {
        if let Ok(worker) = task.await {
            workers.push(worker);
        }
    }
    (workers, book.outcome(length.run))
}

/// Closed loop over a fixed amount of work: every worker goes on until it has nothing left (`Ok(false)`).
pub async fn exhaust<W, F>(workers: Vec<W>, step: F) -> Outcome
where
    W: 'static,
    F: AsyncFn(&mut W) -> Result<bool> + Clone + 'static,
{
    let book = Rc::new(Book::default());
    let start = Instant::now();
    let mut tasks = Vec::new();
    for mut worker in workers {
        let (book, step) = (Rc::clone(&book), step.clone());
        tasks.push(tokio::task::spawn_local(async move {
            loop {
                let began = Instant::now();
                match step(&mut worker).await {
                    Ok(true) => book.done(began.elapsed()),
                    Ok(false) => return,
                    Err(error) => book.failed(&error),
                }
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
    book.outcome(start.elapsed())
}

/// Open loop: one begins every `1 / rate` seconds, whatever became of those before. Latency counts from the moment it
/// was to begin, so waiting for a free worker is part of it.
pub async fn open<W: Worker>(workers: Vec<W>, rate: f64, length: Length) -> (Vec<W>, Outcome) {
    let book = Rc::new(Book::default());
    let next = Rc::new(Cell::new(0_u64));
    let zero = Instant::now();
    let start = zero + length.warm_up;
    let end = start + length.run;
    let mut tasks = Vec::new();
    for mut worker in workers {
        let (book, next) = (Rc::clone(&book), Rc::clone(&next));
        tasks.push(tokio::task::spawn_local(async move {
            loop {
                let turn = next.get();
                next.set(turn + 1);
                let intended = zero + Duration::from_secs_f64(turn as f64 / rate);
                if intended >= end {
                    return worker;
                }
                tokio::time::sleep_until(intended).await;
                match worker.once().await {
                    Ok(()) if intended >= start => book.done(intended.elapsed()),
                    Ok(()) => {}
                    Err(error) => book.failed(&error),
                }
            }
        }));
    }
    let mut workers = Vec::new();
    for task in tasks {
        if let Ok(worker) = task.await {
            workers.push(worker);
        }
    }
    (workers, book.outcome(length.run))
}
