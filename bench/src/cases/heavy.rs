//! Password hashing, thousands who wait, and what the program needs when nobody asks.

use super::{Bench, FEW};
use crate::flows::supply::Codes;
use crate::flows::vendor::{Rotation, Vendor};
use crate::flows::waiting;
use crate::http::Wire;
use crate::load;
use crate::machine::{Cores, resident_kib};
use crate::relying::Trip;
use crate::report::{Report, Who};
use crate::world::{PASSWORD, Plan, Population, World, serve};
use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Browsers that wait.
const WAITING: [usize; 2] = [1_000, 9_000];
/// Answers a second.
const ANSWERS: f64 = 100.0;
/// Rotations a second beside the hashing.
const BESIDE: f64 = 100.0;

/// Hashes a second on one core, with the memory used again.
fn raw_hashes(during: Duration) -> Result<f64> {
    let params = argon2::Params::new(19 * 1024, 2, 1, None).map_err(|_| anyhow!("parameters"))?;
    let mut memory = vec![argon2::Block::default(); params.block_count()];
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let (mut out, mut done) = ([0_u8; 32], 0_u32);
    let began = Instant::now();
    while began.elapsed() < during {
        argon2
            .hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut out, &mut memory)
            .map_err(|_| anyhow!("argon2 refuses"))?;
        done += 1;
    }
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

/// Logins whose passwords cost what they cost, and tokens for others meanwhile.
pub async fn argon2(bench: &Bench, report: &mut Report) -> Result<()> {
    let population = Population {
        officers: 0,
        vendors: 64,
        slow_vendors: 512,
    };
    let stage = bench.stage(report, Cores::Apart, population).await?;
    let (world, provider) = (&stage.world, &stage.provider);
    let mut people = Vendor::many(world, provider, &world.slow_vendors, 8);
    let tokens = Codes::make(world, 16).await?.redeem(provider).await?;
    let mut rotations = Vec::new();
    for answer in &tokens {
        let token = answer.get("refresh_token").and_then(Value::as_str);
        rotations.push(Rotation::new(
            provider,
            token.context("a refresh token is missing")?,
        ));
    }
    let mut raw = Vec::new();
    for _ in 0..bench.repetitions {
        raw.push(raw_hashes(bench.length.run / 2)?);
        people = bench.round(report, ("argon2", Who::Product), people).await;
        let both = (
            load::closed(people, bench.length),
            load::open(rotations, BESIDE, bench.length),
        );
        let ((back, logins), (rotated, beside)) = tokio::join!(both.0, both.1);
        (people, rotations) = (back, rotated);
        report.add("argon2 beside tokens", Who::Product, logins);
        report.add("tokens beside argon2", Who::Product, beside);
    }
    report.fact("raw hashes a second", crate::report::median(raw));
    Ok(())
}

/// Browsers that wait for a number to be answered.
pub async fn wake(bench: &Bench, report: &mut Report) -> Result<()> {
    for count in WAITING {
        let population = Population {
            officers: count,
            vendors: 0,
            slow_vendors: 0,
        };
        let case = match count {
            9_000 => "wake".to_owned(),
            few => format!("wake, {few}"),
        };
        let answered = (bench.length.run.as_secs_f64() * ANSWERS) as usize;
        for _ in 0..bench.repetitions.min(2) {
            let stage = bench.stage(report, Cores::Apart, population).await?;
            let site = &stage.floor.site;
            let all = waiting::at_floor(site, count, answered).await?;
            report.add(&case, Who::Floor, waiting::answer(site, all, ANSWERS).await);
            let pid = stage.world.wog.pid();
            let before = resident_kib(pid);
            let all = waiting::at_wog(&stage.world, count, answered).await?;
            let held = resident_kib(pid).saturating_sub(before);
            report.fact(
                "memory per waiting browser, KiB",
                held as f64 / count as f64,
            );
            let site = &stage.world.wog.site;
            report.add(
                &case,
                Who::Product,
                waiting::answer(site, all, ANSWERS).await,
            );
        }
    }
    Ok(())
}

/// Memory, starts, sizes.
pub async fn idle(bench: &Bench, report: &mut Report) -> Result<()> {
    let directory = bench.folder.join("world");
    let plan = Plan {
        program: &bench.program,
        directory: &directory,
        cores: Cores::Apart,
        population: FEW,
        database: None,
    };
    let (mut ready, mut first) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions.max(3) {
        let _ = std::fs::remove_dir_all(&directory);
        drop(World::start(&plan).await?);
        for file in ["wog.db", "wog.db-wal", "wog.db-shm", "wog.key.epoch"] {
            let _ = std::fs::remove_file(directory.join(file));
        }
        let port = crate::world::free_port()?;
        let (server, took) = serve(&plan, port, "wog", "").await?;
        first.push(took.as_secs_f64() * 1000.0);
        drop(server);
        let (server, took) = serve(&plan, port, "wog", "").await?;
        ready.push(took.as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let memory = resident_kib(server.pid()) as f64 / 1024.0;
        report.fact("memory idle, MiB", memory);
    }
    report.fact("first start, ms", crate::report::median(first));
    report.fact("ready, ms", crate::report::median(ready));
    let size = std::fs::metadata(&bench.program)?.len();
    report.fact("program, MB", size as f64 / 1e6);
    if let Some(peer) = bench.peer(report, Cores::Apart).await {
        report.fact("peer ready, ms", peer.ready.as_secs_f64() * 1000.0);
        let memory = resident_kib(peer.server.pid()) as f64 / 1024.0;
        report.fact("peer memory idle, MiB", memory);
    }
    sizes(&World::start(&plan).await?, report).await
}

/// What a browser is sent for the sign-in page and the scripts, in its preferred encoding.
async fn sizes(world: &World, report: &mut Report) -> Result<()> {
    let mut browser = Wire::new(&world.techpass.site);
    let begun = browser
        .get(&Trip::new()?.authorize(""))
        .await?
        .expect(303)?;
    let page = crate::http::path_of(begun.location()?).to_owned();
    let encodings = [("accept-encoding", "gzip, deflate, br, zstd")];
    let mut size = async |path: &str| -> Result<f64> {
        let answer = browser.call("GET", path, &encodings, None).await?;
        Ok(answer.expect(200)?.body.len() as f64 / 1000.0)
    };
    let html = size(&page).await?;
    let css = size("/assets/pages.css").await?;
    let mut scripts = 0.0;
    for script in ["details.js", "number.js", "password.js"] {
        scripts += size(&format!("/assets/{script}")).await?;
    }
    report.fact("page and style, KB", html + css);
    report.fact("scripts, KB", scripts);
    Ok(())
}
