//! The same loads on a PostgreSQL of this run's own, beside the embedded database.

use super::Bench;
use crate::faults::primary::Primary;
use crate::flows::supply::Codes;
use crate::flows::vendor::{Rotation, Vendor};
use crate::load;
use crate::machine::{self, Cores};
use crate::relying::Provider;
use crate::report::{Report, Who};
use crate::world::{Plan, Population, World};
use anyhow::{Context, Result};
use std::rc::Rc;

/// A world on one of the two, and who works in it.
struct Side {
    name: &'static str,
    refresh: Vec<Rotation>,
    login: Vec<Vendor>,
    // Last, since the servers end with it.
    _world: World,
}

impl Side {
    async fn start(bench: &Bench, name: &'static str, database: Option<String>) -> Result<Side> {
        let plan = Plan {
            program: &bench.program,
            directory: &bench.folder.join(format!("world-{name}")),
            // The database server is a process of its own, which no pin reaches.
            cores: Cores::Shared,
            population: Population {
                officers: 0,
                vendors: 512,
                slow_vendors: 0,
            },
            database,
        };
        let world = World::start(&plan).await?;
        let provider = Provider::learn(&world.techpass.site, &world.portal_secret).await?;
        let login = Vendor::many(&world, &provider, &world.vendors, bench.at_once);
        Ok(Side {
            name,
            refresh: rotations(&world, &provider, bench.at_once).await?,
            login,
            _world: world,
        })
    }

    async fn round(mut self, bench: &Bench, report: &mut Report) -> Side {
        let (refresh, outcome) = load::closed(self.refresh, bench.length).await;
        report.add(&format!("refresh, {}", self.name), Who::Product, outcome);
        let (login, outcome) = load::closed(self.login, bench.length).await;
        report.add(&format!("login, {}", self.name), Who::Product, outcome);
        (self.refresh, self.login) = (refresh, login);
        self
    }
}

async fn rotations(world: &World, provider: &Rc<Provider>, count: usize) -> Result<Vec<Rotation>> {
    let answers = Codes::make(world, count).await?.redeem(provider).await?;
    let one = |answer: &serde_json::Value| {
        let token = answer.get("refresh_token").and_then(|token| token.as_str());
        let token = token.context("no refresh token")?;
        Ok(Rotation::new(provider, token))
    };
    answers.iter().map(one).collect()
}

/// Rotation and a vendor's login, in turn on the embedded database and on PostgreSQL.
pub async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    machine::pin(std::process::id(), Cores::Shared, false)?;
    let Some(primary) = Primary::start(&bench.postgres).await? else {
        report.note("postgres: PostgreSQL is not installed".to_owned());
        return Ok(());
    };
    let mut embedded = Side::start(bench, "embedded", None).await?;
    let url = Primary::url_at(primary.port);
    let mut postgres = Side::start(bench, "PostgreSQL", Some(url)).await?;
    for _ in 0..bench.repetitions {
        embedded = embedded.round(bench, report).await;
        postgres = postgres.round(bench, report).await;
    }
    Ok(())
}
