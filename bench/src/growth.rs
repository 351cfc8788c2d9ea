//! What changes when there are very many accounts and sessions.

use crate::cases::Bench;
use crate::flows::supply::Codes;
use crate::flows::vendor::{Rotation, Vendor};
use crate::load;
use crate::machine::{self, Cores, resident_kib};
use crate::relying::Provider;
use crate::report::{Report, Who, median};
use crate::world::{Plan, Population, World, account_of, serve};
use anyhow::{Context, Result};
use rusqlite::{Connection, params};
use std::path::Path;
use techpass_server::seal::hashed;

/// The small database.
const FEW: u64 = 1_000;
/// Rows in one transaction.
const CHUNK: usize = 50_000;

/// Fills a database that no server has open. Durability is of no interest meanwhile, what breaks is made anew; but in the end
/// the disk has all of it, or the server's first commit would wait for what the filling left in memory.
fn fill(path: &Path, count: u64) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -262_144)?;
    // Hashes spread as the product's own do. In their order every index grows at its end, and ten million take minutes.
    let mut hashes: Vec<_> = (0..count).map(|n| hashed(&n.to_string())).collect();
    hashes.sort_unstable();
    let mut n = 0;
    for chunk in hashes.chunks(CHUNK) {
        let transaction = connection.transaction()?;
        {
            let mut rows = Rows::prepare(&transaction)?;
            for hash in chunk {
                rows.add(n, hash)?;
                n += 1;
            }
        }
        transaction.commit()?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(connection);
    std::fs::File::open(path)?.sync_all()?;
    Ok(())
}

struct Rows<'a> {
    account: rusqlite::Statement<'a>,
    session: rusqlite::Statement<'a>,
    entry: rusqlite::Statement<'a>,
    grant: rusqlite::Statement<'a>,
    refresh: rusqlite::Statement<'a>,
}

impl<'a> Rows<'a> {
    fn prepare(connection: &'a Connection) -> Result<Rows<'a>> {
        Ok(Rows {
            account: connection.prepare(
                "INSERT INTO accounts (id, login_id, status, data) VALUES (?1, ?2, '\"active\"', ?3)",
            )?,
            session: connection.prepare(
                "INSERT INTO sessions (id, secret_sha256, previous_until, expires_at) VALUES (?1, ?2, 0, ?3)",
            )?,
            entry: connection.prepare(
                "INSERT INTO entries (sid, session_id, account_id, data, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            grant: connection.prepare(
                "INSERT INTO grants (id, account_id, client_id, sid, data, expires_at) \
                 VALUES (?1, ?2, 'portal', ?3, ?4, ?5)",
            )?,
            refresh: connection.prepare(
                "INSERT INTO refresh_tokens (token_sha256, grant_id, generation, data, expires_at) \
                 VALUES (?1, ?2, 0, ?3, ?4)",
            )?,
        })
    }

    fn add(&mut self, n: u64, hash: &str) -> Result<()> {
        let now = crate::phone::now_s();
        let end = now + 86_400;
        let (account, sid) = (format!("acc_fill{n:010}"), format!("sid_{hash}"));
        let login_id = format!("person{n}@elsewhere.example");
        let data = serde_json::to_string(&account_of(&account, &login_id, "vendor", "local")?)?;
        self.account.execute(params![account, login_id, data])?;
        let session = format!("ses_{hash}");
        self.session.execute(params![session, hash, end])?;
        let filler = "{\"filler\":\"about as long as an entry of a session or a grant is, with its time, its methods and its class\"}";
        self.entry
            .execute(params![sid, session, account, filler, end])?;
        let grant = format!("grt_{hash}");
        self.grant
            .execute(params![grant, account, sid, filler, end])?;
        self.refresh.execute(params![hash, grant, filler, end])?;
        Ok(())
    }
}

/// How often the server is started on what it has.
const STARTS: usize = 5;

/// A server with so many rows, and who uses it.
struct Grown {
    world: World,
    name: &'static str,
    login: Vec<Vendor>,
    rotation: Vec<Rotation>,
}

/// A login, a rotation, memory and the start with few rows and with many. The two take turns, since a machine that others
/// use as well changes from one minute to the next.
pub async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    machine::pin(std::process::id(), Cores::Apart, false)?;
    report.fact("many accounts", bench.accounts as f64);
    let mut all = Vec::new();
    for (count, name) in [(FEW, "few"), (bench.accounts, "many")] {
        all.push(grown(bench, report, count, name).await?);
    }
    for _ in 0..bench.repetitions {
        for grown in &mut all {
            let name = grown.name;
            let login = std::mem::take(&mut grown.login);
            let (back, outcome) = load::closed(login, bench.length).await;
            grown.login = back;
            report.add(&format!("login, {name} accounts"), Who::Product, outcome);
            let rotation = std::mem::take(&mut grown.rotation);
            let (back, outcome) = load::closed(rotation, bench.length).await;
            grown.rotation = back;
            report.add(&format!("rotation, {name} accounts"), Who::Product, outcome);
        }
    }
    for grown in &all {
        let memory = resident_kib(grown.world.techpass.pid()) as f64 / 1024.0;
        report.fact(&format!("memory with {} accounts, MiB", grown.name), memory);
    }
    Ok(())
}

async fn grown(
    bench: &Bench,
    report: &mut Report,
    count: u64,
    name: &'static str,
) -> Result<Grown> {
    let directory = bench.folder.join(format!("world-{name}"));
    let plan = Plan {
        program: &bench.program,
        directory: &directory,
        cores: Cores::Apart,
        population: Population {
            officers: 0,
            vendors: 512,
            slow_vendors: 0,
        },
        database: None,
    };
    let mut world = World::start(&plan).await?;
    let port = world.techpass.site.address.port();
    world.techpass.end()?;
    fill(&directory.join("techpass.db"), count)?;
    let more = std::fs::read_to_string(directory.join("techpass.toml"))?;
    let more = more.split_once("[[upstream]]").map_or("", |(_, rest)| rest);
    let more = format!("\n[[upstream]]{more}");
    let mut ready = Vec::new();
    for _ in 0..STARTS {
        world.techpass.end()?;
        let (server, took) = serve(&plan, port, "techpass", &more).await?;
        world.techpass = server;
        ready.push(took.as_secs_f64() * 1000.0);
    }
    let first = ready.first().copied().unwrap_or(0.0);
    report.fact(&format!("first start with {name} accounts, ms"), first);
    report.fact(&format!("ready with {name} accounts, ms"), median(ready));
    let provider = Provider::learn(&world.techpass.site, &world.portal_secret).await?;
    let tokens = Codes::make(&world, 1).await?.redeem(&provider).await?;
    let token = tokens
        .first()
        .and_then(|answer| answer.get("refresh_token"));
    let token = token
        .and_then(|token| token.as_str())
        .context("no refresh token")?;
    Ok(Grown {
        rotation: vec![Rotation::new(&provider, token)],
        login: Vendor::many(&world, &provider, &world.vendors, 1),
        world,
        name,
    })
}
