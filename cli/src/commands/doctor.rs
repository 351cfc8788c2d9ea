//! `techpass doctor`: what is wrong, before it hurts.

mod database;
mod outside;
mod secrets;

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::{self, say};
use serde_json::json;
use techpass_domain::time::Timestamp;
use techpass_server::clock::Clock;
use techpass_server::config::Config;
use techpass_store::sqlite;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Good,
    Warning,
    Bad,
}

impl Found {
    fn word(self) -> &'static str {
        match self {
            Found::Good => "ok",
            Found::Warning => "warning",
            Found::Bad => "FAILED",
        }
    }
}

/// One line.
#[derive(Clone, Debug)]
struct Check {
    name: &'static str,
    found: Found,
    text: String,
}

/// All lines so far.
#[derive(Debug, Default)]
struct Report(Vec<Check>);

impl Report {
    fn add(&mut self, name: &'static str, found: Found, text: impl Into<String>) {
        self.0.push(Check {
            name,
            found,
            text: text.into(),
        });
    }

    fn good(&mut self, name: &'static str, text: impl Into<String>) {
        self.add(name, Found::Good, text);
    }

    fn warning(&mut self, name: &'static str, text: impl Into<String>) {
        self.add(name, Found::Warning, text);
    }

    fn bad(&mut self, name: &'static str, text: impl Into<String>) {
        self.add(name, Found::Bad, text);
    }

    fn failed(&self) -> bool {
        self.0.iter().any(|check| check.found == Found::Bad)
    }

    fn print(&self, as_json: bool) -> Result<(), Failure> {
        if as_json {
            let checks: Vec<_> = self
                .0
                .iter()
                .map(|check| {
                    let found = check.found.word().to_lowercase();
                    json!({ "name": check.name, "found": found, "text": check.text })
                })
                .collect();
            say!("{}", json!({ "ok": !self.failed(), "checks": checks }));
            return Ok(());
        }
        for check in &self.0 {
            say!("{:8} {:14} {}", check.found.word(), check.name, check.text);
        }
        Ok(())
    }
}

/// Runs every check; a failed one does not keep the others from running.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let config = args.config.read()?;
    let mut report = Report::default();
    report.good("configuration", args.config.config.display().to_string());
    for warning in config.warnings() {
        report.warning("configuration", warning);
    }
    let running = server_runs(&config);
    let clock = Clock::system();
    secrets::check(&config, &mut report);
    database::check(&config, &clock, &mut report).await;
    outside::tls(&config, clock.now(), &mut report).await;
    outside::listeners(&config, running, &mut report);
    outside::mail(&config, &mut report).await;
    outside::upstreams(&config, clock.now(), &mut report).await;
    if running {
        outside::public(&config, &mut report).await;
    }
    say::or_enough(report.print(args.json))?;
    Ok(if report.failed() {
        Exit::Failed
    } else {
        Exit::Ok
    })
}

/// Whether a server has the database now.
fn server_runs(config: &Config) -> bool {
    let looked = config.database_file().map(sqlite::locked);
    matches!(looked, Some(Ok(true)))
}

/// What a server says at its start of the certificate and of files that everybody can read.
pub fn at_start(config: &Config, now: Timestamp) -> Vec<String> {
    let mut report = Report::default();
    if config.tls.is_some() {
        outside::validity(config, now, &mut report);
    }
    let told = report.0.into_iter();
    let told = told.filter(|check| check.found != Found::Good);
    let mut told: Vec<String> = told.map(|check| check.text).collect();
    told.extend(secrets::open_to_everybody(config));
    told
}
