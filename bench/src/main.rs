//! Measures the server: beside the floor (a bare program of the same parts) and a peer, in one interleaved run.
//!
//! `cargo run --release -p techpass-bench -- all`. See docs/performance.md.

mod cases;
mod faults;
mod floor;
mod flows;
mod growth;
mod http;
mod load;
mod machine;
mod peer;
mod phone;
mod relying;
mod report;
mod targets;
mod world;

use anyhow::{Context, Result, bail};
use cases::Bench;
use clap::Parser;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// The share of the cores that others may use while a run is judged.
const IN_USE_MAX: f64 = 0.05;

#[derive(Parser)]
#[command(about = "Measures TechPass beside a bare program of the same parts and a peer.")]
struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Everything, with the table of targets.
    All(Options),
    /// One case by its name.
    One {
        /// Its name; `list` shows them.
        name: String,
        #[command(flatten)]
        options: Options,
    },
    /// Faults under load, and a checker over what was acknowledged.
    Faults(faults::Options),
    /// The names of the cases.
    List,
    /// The bare program.
    #[command(hide = true)]
    Floor {
        /// Where to listen.
        #[arg(long)]
        port: u16,
        /// Where its database is.
        #[arg(long)]
        directory: PathBuf,
    },
}

#[derive(clap::Args)]
struct Options {
    /// The program `techpass`; built in the profile of this program when left out.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Seconds that each load is counted.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Repetitions of each load; the median counts.
    #[arg(long, default_value_t = 3)]
    repetitions: usize,
    /// Requests at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// Accounts and sessions of the large database.
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// Leave the peer out.
    #[arg(long)]
    no_peer: bool,
    /// Judge although something else uses the cores.
    #[arg(long)]
    judge_anyway: bool,
    /// Where PostgreSQL's programs are.
    #[arg(long, default_value = "/usr/lib/postgresql/15/bin")]
    postgres: PathBuf,
    /// Write everything as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    let one_thread = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build()
    };
    let (options, only) = match verb {
        Verb::List => {
            println!("{}", cases::NAMES.join("\n"));
            return Ok(());
        }
        Verb::Floor { port, directory } => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            return runtime.block_on(floor::serve(port, &directory));
        }
        Verb::Faults(options) => return break_things(&options, &one_thread()?),
        Verb::All(options) => (options, None),
        Verb::One { name, options } => (options, Some(name)),
    };
    if let Some(name) = &only
        && !cases::NAMES.contains(&name.as_str())
    {
        bail!("there is no case {name}; `bench list` shows them");
    }
    let target = target()?;
    let program = match &options.server {
        Some(program) => program.clone(),
        None => build(&target)?,
    };
    let all = only.is_none();
    let local = tokio::task::LocalSet::new();
    let report = local.block_on(&one_thread()?, measure(&options, only, &target, program))?;
    println!("{}\n\n{}", report.machine, report.table());
    if !report.judged {
        println!(
            "Something else used {:.0} % of the cores before the run, so nothing is judged.\n",
            report.in_use_before * 100.0
        );
    }
    println!("{}", targets::table(&report, all));
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

/// Runs faults; the exit code says whether everything held.
fn break_things(options: &faults::Options, runtime: &tokio::runtime::Runtime) -> Result<()> {
    let target = target()?;
    let program = || match &options.server {
        Some(program) => Ok(program.clone()),
        None => build(&target),
    };
    let local = tokio::task::LocalSet::new();
    let folder = target.join("bench");
    if !local.block_on(runtime, faults::run(options, program, &folder))? {
        bail!("a promise was broken");
    }
    Ok(())
}

async fn measure(
    options: &Options,
    only: Option<String>,
    target: &Path,
    program: PathBuf,
) -> Result<Report> {
    let in_use = machine::in_use(Duration::from_secs(1)).await;
    let mut report = Report {
        machine: machine::description(),
        in_use_before: in_use,
        judged: in_use <= IN_USE_MAX || options.judge_anyway,
        ..Report::default()
    };
    if !report.judged {
        let percent = in_use * 100.0;
        eprintln!("warning: something else uses {percent:.0} % of the cores; nothing is judged");
    }
    let bench = Bench {
        program,
        folder: target.join("bench"),
        length: load::Length {
            warm_up: Duration::from_millis(500),
            run: Duration::from_secs_f64(options.seconds),
        },
        repetitions: options.repetitions,
        at_once: options.at_once,
        accounts: options.accounts,
        peer: !options.no_peer,
        postgres: options.postgres.clone(),
    };
    std::fs::create_dir_all(&bench.folder)?;
    let names = cases::NAMES.iter().copied();
    for name in names.filter(|name| only.as_deref().is_none_or(|only| only == *name)) {
        eprintln!("{name}");
        if let Err(error) = cases::run(&bench, name, &mut report).await {
            report.note(format!("{name}: not measured: {error:#}"));
        }
    }
    Ok(report)
}

/// The folder `target`, from where this program is: `target/PROFILE/bench`.
fn target() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let target = here.parent().and_then(Path::parent);
    Ok(target
        .context("this program is not below a folder `target`")?
        .to_owned())
}

/// Builds the program in the same profile.
fn build(target: &Path) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().context("this program has no folder")?;
    let profile = folder.file_name().unwrap_or_default().to_string_lossy();
    let profile = match profile.as_ref() {
        "debug" => bail!("debug builds are not worth measuring; add --release"),
        name => name.to_owned(),
    };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let built = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--bin",
            "techpass",
            "--profile",
            &profile,
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .status()
        .context("cargo does not run")?;
    if !built.success() {
        bail!("the program `techpass` does not build");
    }
    Ok(target.join(profile).join("techpass"))
}
