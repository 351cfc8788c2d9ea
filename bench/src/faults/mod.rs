//! Faults under load, and a checker over what the clients were told. See docs/reliability.md.

mod application;
mod cases;
mod checker;
mod cluster;
mod disk;
mod facts;
mod history;
mod keys;
mod mailbox;
mod person;
pub mod primary;
mod scene;
mod script;
mod shim;

use anyhow::{Result, bail};
use checker::Violation;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to run.
#[derive(clap::Args)]
pub struct Options {
    /// Minutes for all faults together.
    #[arg(long, default_value_t = 10.0)]
    pub minutes: f64,
    /// Only this fault; repeat for several.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// The program `techpass`; built in the profile of this program when left out.
    #[arg(long)]
    pub server: Option<PathBuf>,
    /// Write everything as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Break the running cluster in this directory instead, started with `deploy/cluster/cluster up --more
    /// deploy/cluster/load.toml`.
    #[arg(long, value_name = "DIR")]
    pub cluster: Option<PathBuf>,
    /// Where PostgreSQL's programs are.
    #[arg(long, default_value = "/usr/lib/postgresql/15/bin")]
    pub postgres: PathBuf,
}

/// What a fault is run with.
pub struct Stage<'a> {
    /// The program `techpass`.
    pub program: &'a Path,
    /// A folder on a real disk.
    pub folder: PathBuf,
    /// How long it may take.
    pub budget: Duration,
    /// Where PostgreSQL's programs are.
    pub postgres: &'a Path,
}

/// What a fault came to.
#[derive(Default, Serialize)]
pub struct Outcome {
    /// Its name.
    pub fault: String,
    /// How often it struck.
    pub trials: usize,
    /// What one trial is.
    pub of: String,
    /// Requests that were answered while it did.
    pub answered: usize,
    /// Broken promises, in words.
    pub violations: Vec<String>,
    /// What was measured.
    pub figures: Vec<String>,
    /// Why it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

impl Outcome {
    /// Adds what the checker found.
    pub fn add(&mut self, found: &[Violation]) {
        for one in found {
            let at = one.at_us as f64 / 1_000_000.0;
            self.violations
                .push(format!("{}: {} at {at:.3} s", one.rule.words(), one.of));
        }
    }

    /// Adds a figure.
    pub fn figure(&mut self, text: impl Into<String>) {
        self.figures.push(text.into());
    }

    fn verdict(&self) -> String {
        match (&self.left_out, self.violations.len()) {
            (Some(why), _) => format!("left out: {why}"),
            (None, 0) if self.trials == 0 => "nothing was tried".to_owned(),
            (None, 0) => format!("holds in {0} of {0}", self.trials),
            (None, count) => format!("broken: {count}"),
        }
    }
}

/// Median and 99th percentile of milliseconds, in words.
pub fn spread(mut all: Vec<f64>) -> String {
    all.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = (all.len() as f64 * part) as usize;
        all.get(place.min(all.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0.0)
    };
    format!(
        "p50 {:.0} ms, p99 {:.0} ms, worst {:.0} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    )
}

/// The faults that were asked for, and how long each may take.
fn chosen(options: &Options, all: &[&'static str]) -> Result<(Vec<&'static str>, Duration)> {
    let unknown = options
        .only
        .iter()
        .find(|only| !all.contains(&only.as_str()));
    if let Some(unknown) = unknown {
        bail!("there is no fault {unknown}; there are {}", all.join(", "));
    }
    let wanted =
        |name: &&&str| options.only.is_empty() || options.only.iter().any(|only| only == *name);
    let names: Vec<&str> = all.iter().filter(wanted).copied().collect();
    let share = options.minutes.max(0.05) * 60.0 / names.len().max(1) as f64;
    Ok((names, Duration::from_secs_f64(share)))
}

/// Runs the faults and prints a table; whether all of them hold. `program` gives the program `techpass`, where one is
/// needed.
pub async fn run(
    options: &Options,
    program: impl FnOnce() -> Result<PathBuf>,
    folder: &Path,
) -> Result<bool> {
    let outcomes = match &options.cluster {
        Some(directory) => of_cluster(options, directory, folder).await?,
        None => of_servers(options, &program()?, folder).await?,
    };
    println!("{}\n\n{}", crate::machine::description(), table(&outcomes));
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&outcomes)?)?;
    }
    Ok(outcomes.iter().all(|outcome| outcome.violations.is_empty()))
}

async fn of_servers(options: &Options, program: &Path, folder: &Path) -> Result<Vec<Outcome>> {
    let (names, budget) = chosen(options, &cases::NAMES)?;
    let mut outcomes = Vec::new();
    for name in names {
        eprintln!("{name}");
        let stage = Stage {
            program,
            folder: folder.join("faults").join(name),
            budget,
            postgres: &options.postgres,
        };
        outcomes.push(noted(name, cases::run(&stage, name).await));
    }
    Ok(outcomes)
}

async fn of_cluster(options: &Options, directory: &Path, folder: &Path) -> Result<Vec<Outcome>> {
    let cluster = cluster::Cluster::at(directory)?;
    let (names, budget) = chosen(options, &cluster::CASES.each_ref().map(|case| case.name))?;
    let mut outcomes = Vec::new();
    let wanted = |case: &&cluster::Case| names.contains(&case.name);
    for case in cluster::CASES.iter().filter(wanted) {
        eprintln!("{}", case.name);
        let folder = folder.join("cluster").join(case.name);
        let ran = cluster.run(&folder, case, budget).await;
        outcomes.push(noted(case.name, ran));
    }
    Ok(outcomes)
}

/// An outcome under its name; what is broken is told at once.
fn noted(name: &str, ran: Result<Outcome>) -> Outcome {
    let mut outcome = ran.unwrap_or_else(|error| Outcome {
        violations: vec![format!("the run itself failed: {error:#}")],
        ..Outcome::default()
    });
    outcome.fault = name.to_owned();
    for violation in outcome.violations.iter().take(5) {
        eprintln!("  {violation}");
    }
    outcome
}

fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| Fault | Trials | Requests answered | Violations | Figures | Verdict |\n|---|---|---|---|---|---|\n",
    );
    for outcome in outcomes {
        let trials = format!("{} {}", outcome.trials, outcome.of);
        let violations = format!("{} of {}", outcome.violations.len(), outcome.trials);
        let _ = writeln!(
            text,
            "| {} | {trials} | {} | {violations} | {} | {} |",
            outcome.fault,
            outcome.answered,
            outcome.figures.join("; "),
            outcome.verdict(),
        );
    }
    text
}
