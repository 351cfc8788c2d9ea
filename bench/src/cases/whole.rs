//! Whole logins.

use super::Bench;
use crate::flows::floor::FloorLogin;
use crate::flows::officer::Officer;
use crate::flows::peer::PeerLogin;
use crate::flows::supply::Codes;
use crate::flows::vendor::{Rotation, SignedIn, Vendor};
use crate::load::{self, Worker};
use crate::machine::{Cores, processor_ms};
use crate::report::{Report, Who};
use crate::world::Population;
use anyhow::{Context, Result};
use serde_json::Value;

/// Logins at once of a vendor, at the floor and at the peer.
const LOGINS: usize = 16;

/// Vendors' logins without the password's hash, and logins that find a session.
pub async fn vendor(bench: &Bench, report: &mut Report) -> Result<()> {
    let population = Population {
        officers: 0,
        vendors: 2048,
        slow_vendors: 0,
    };
    let stage = bench.stage(report, Cores::Apart, population).await?;
    let vendors = |count| Vendor::many(&stage.world, &stage.provider, &stage.world.vendors, count);
    let peer = match &stage.peer {
        Some(peer) => PeerLogin::many(peer.site(), &peer.secret, LOGINS),
        None => Vec::new(),
    };
    let floor = FloorLogin::many(&stage.floor.site, LOGINS, false)?;
    bench
        .rounds(report, "vendor", (floor, vendors(LOGINS), peer))
        .await;
    let floor = FloorLogin::many(&stage.floor.site, LOGINS, true)?;
    let signed_in = SignedIn::many(vendors(LOGINS)).await?;
    bench
        .rounds(
            report,
            "session",
            (floor, signed_in, Vec::<PeerLogin>::new()),
        )
        .await;
    Ok(())
}

/// Officers' logins over both servers, everything on the same cores.
pub async fn officer(bench: &Bench, report: &mut Report) -> Result<()> {
    let population = Population {
        officers: 4096,
        vendors: 0,
        slow_vendors: 0,
    };
    let stage = bench.stage(report, Cores::Shared, population).await?;
    let mut many = Officer::many(&stage.world, &stage.provider, bench.at_once);
    let used = || {
        let server = processor_ms(stage.world.techpass.pid()) + processor_ms(stage.world.wog.pid());
        (server as f64, processor_ms(std::process::id()) as f64)
    };
    let before = used();
    for _ in 0..bench.repetitions {
        many = bench.round(report, ("officer", Who::Product), many).await;
    }
    let after = used();
    let whole = (bench.length.run + bench.length.warm_up).as_secs_f64() * bench.repetitions as f64;
    let logins = report.rate("officer", Who::Product).unwrap_or(1.0) * whole;
    report.fact(
        "officer's login, both servers' processor ms",
        (after.0 - before.0) / logins,
    );
    report.fact(
        "officer's login, generator's processor ms",
        (after.1 - before.1) / logins,
    );
    let one = Officer::many(&stage.world, &stage.provider, 1);
    bench
        .round(report, ("officer, one", Who::Product), one)
        .await;
    Ok(())
}

/// What a busy day is made of.
enum Anything {
    Rotation(Rotation),
    Session(SignedIn),
    Login(Vendor),
}

/// One of many who come and go.
struct Visitor {
    turn: usize,
    all: [Anything; 3],
}

impl Worker for Visitor {
    async fn once(&mut self) -> Result<()> {
        // Of twenty: ten rotations, seven openings of an application, three logins.
        self.turn = (self.turn + 7) % 20;
        let kind = match self.turn {
            0..10 => 0,
            10..17 => 1,
            _ => 2,
        };
        match self.all.get_mut(kind) {
            Some(Anything::Rotation(one)) => one.once().await,
            Some(Anything::Session(one)) => one.once().await,
            Some(Anything::Login(one)) => one.once().await,
            None => Ok(()),
        }
    }
}

/// A mixture, first as fast as it goes, then at half of that with latency counted from the intended start.
pub async fn mixed(bench: &Bench, report: &mut Report) -> Result<()> {
    let population = Population {
        officers: 0,
        vendors: 2048,
        slow_vendors: 0,
    };
    let stage = bench.stage(report, Cores::Apart, population).await?;
    let (world, provider) = (&stage.world, &stage.provider);
    let tokens = Codes::make(world, bench.at_once)
        .await?
        .redeem(provider)
        .await?;
    let mut signed_in =
        SignedIn::many(Vendor::many(world, provider, &world.vendors, bench.at_once)).await?;
    let mut fresh = Vendor::many(world, provider, &world.vendors, bench.at_once);
    let mut visitors = Vec::new();
    for (turn, answer) in tokens.iter().enumerate() {
        let refresh = answer.get("refresh_token").and_then(Value::as_str);
        let (Some(session), Some(login)) = (signed_in.pop(), fresh.pop()) else {
            break;
        };
        let refresh = refresh.context("a refresh token is missing")?;
        visitors.push(Visitor {
            turn,
            all: [
                Anything::Rotation(Rotation::new(provider, refresh)),
                Anything::Session(session),
                Anything::Login(login),
            ],
        });
    }
    visitors = bench.round(report, ("mixed", Who::Product), visitors).await;
    let rate = report.rate("mixed", Who::Product).unwrap_or(2.0) / 2.0;
    for _ in 0..bench.repetitions {
        let (back, outcome) = load::open(visitors, rate, bench.length).await;
        visitors = back;
        report.add("mixed, open at half", Who::Product, outcome);
    }
    Ok(())
}
