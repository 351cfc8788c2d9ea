//! The cases: what is set up, and which loads run on whom.

mod heavy;
mod postgres;
mod single;
mod whole;

use crate::load::{self, Length, Worker};
use crate::machine::{self, Cores};
use crate::peer::Peer;
use crate::relying::Provider;
use crate::report::{Report, Who};
use crate::world::{Plan, Population, Server, World, free_port};
use anyhow::Result;
use std::path::PathBuf;
use std::rc::Rc;

/// What is measured, in this order.
pub const NAMES: &[&str] = &[
    "client-credentials",
    "code",
    "refresh",
    "introspection",
    "userinfo",
    "page",
    "vendor",
    "officer",
    "argon2",
    "wake",
    "mixed",
    "growth",
    "postgres",
    "idle",
];

/// How everything is measured.
pub struct Bench {
    /// The program `techpass`.
    pub program: PathBuf,
    /// Where databases and the peer live; on a real disk.
    pub folder: PathBuf,
    /// How long each load lasts.
    pub length: Length,
    /// How often.
    pub repetitions: usize,
    /// How many requests at once.
    pub at_once: usize,
    /// Accounts of the large database.
    pub accounts: u64,
    /// Whether to measure the peer.
    pub peer: bool,
    /// Where PostgreSQL's programs are.
    pub postgres: PathBuf,
}

/// The servers of a case.
pub struct Stage {
    world: World,
    provider: Rc<Provider>,
    floor: Server,
    peer: Option<Peer>,
}

impl Bench {
    async fn stage(
        &self,
        report: &mut Report,
        cores: Cores,
        population: Population,
    ) -> Result<Stage> {
        machine::pin(std::process::id(), cores, false)?;
        let plan = Plan {
            program: &self.program,
            directory: &self.folder.join("world"),
            cores,
            population,
            database: None,
        };
        let world = World::start(&plan).await?;
        let provider = Provider::learn(&world.techpass.site, &world.portal_secret).await?;
        let peer = self.peer(report, cores).await;
        Ok(Stage {
            floor: self.floor(cores).await?,
            world,
            provider,
            peer,
        })
    }

    async fn floor(&self, cores: Cores) -> Result<Server> {
        let directory = self.folder.join("floor");
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)?;
        let port = free_port()?;
        let mut command = machine::command(&std::env::current_exe()?, cores);
        command.args(["floor", "--port", &port.to_string(), "--directory"]);
        command.arg(&directory);
        Ok(Server::start(command, port, "/plain").await?.0)
    }

    async fn peer(&self, report: &mut Report, cores: Cores) -> Option<Peer> {
        if !self.peer {
            return None;
        }
        match Peer::start(&self.folder, cores).await {
            Ok(peer) => Some(peer),
            Err(error) => {
                report.note(format!("peer not available: {error:#}"));
                None
            }
        }
    }

    /// Floor, product, peer, floor, product, peer, …; whoever has no workers is left out.
    async fn rounds<F: Worker, P: Worker, R: Worker>(
        &self,
        report: &mut Report,
        case: &str,
        workers: (Vec<F>, Vec<P>, Vec<R>),
    ) {
        let (mut floor, mut product, mut peer) = workers;
        for _ in 0..self.repetitions {
            floor = self.round(report, (case, Who::Floor), floor).await;
            product = self.round(report, (case, Who::Product), product).await;
            peer = self.round(report, (case, Who::Peer), peer).await;
        }
    }

    async fn round<W: Worker>(
        &self,
        report: &mut Report,
        (case, who): (&str, Who),
        workers: Vec<W>,
    ) -> Vec<W> {
        if workers.is_empty() {
            return workers;
        }
        let (workers, outcome) = load::closed(workers, self.length).await;
        report.add(case, who, outcome);
        workers
    }
}

/// Measures one case.
pub async fn run(bench: &Bench, name: &str, report: &mut Report) -> Result<()> {
    match name {
        "client-credentials" => single::client_credentials(bench, report).await,
        "code" => single::code(bench, report).await,
        "refresh" => single::refresh(bench, report).await,
        "introspection" => single::introspection(bench, report).await,
        "userinfo" => single::userinfo(bench, report).await,
        "page" => single::page(bench, report).await,
        "vendor" => whole::vendor(bench, report).await,
        "officer" => whole::officer(bench, report).await,
        "argon2" => heavy::argon2(bench, report).await,
        "wake" => heavy::wake(bench, report).await,
        "mixed" => whole::mixed(bench, report).await,
        "postgres" => postgres::run(bench, report).await,
        "growth" => crate::growth::run(bench, report).await,
        _ => heavy::idle(bench, report).await,
    }
}

/// Few people, for single requests.
const FEW: Population = Population {
    officers: 0,
    vendors: 64,
    slow_vendors: 0,
};
