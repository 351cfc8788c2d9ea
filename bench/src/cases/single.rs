//! Loads of one kind of request, the server alone on one core.

use super::{Bench, FEW, Stage};
use crate::floor::{CLIENT, SECRET, TOKEN, access_token};
use crate::flows::Repeat;
use crate::flows::supply::Codes;
use crate::flows::vendor::Rotation;
use crate::http::{Wire, path_of};
use crate::load;
use crate::machine::Cores;
use crate::relying::Trip;
use crate::report::{Report, Who};
use crate::world::{MACHINE, PORTAL, basic};
use anyhow::{Context, Result};
use serde_json::Value;

/// Codes redeemed in one repetition.
const CODES: usize = 10_000;
const GRANT: &str = "grant_type=client_credentials";

fn floor_token(stage: &Stage, cost: &str) -> Repeat {
    let path = format!("/token?{cost}");
    let repeat = Repeat::post(&stage.floor.site, &path, GRANT);
    repeat.header("authorization", &basic(CLIENT, SECRET))
}

fn many<W>(count: usize, one: impl Fn() -> W) -> Vec<W> {
    (0..count).map(|_| one()).collect()
}

/// The peer's grant of an opaque token, or of a JWT.
fn peer_grants(bench: &Bench, stage: &Stage, jwt: bool) -> Vec<Repeat> {
    let Some(peer) = &stage.peer else {
        return Vec::new();
    };
    let form = match jwt {
        true => "grant_type=client_credentials&scope=api&resource=https%3A%2F%2Fapi.example",
        false => GRANT,
    };
    let one = || Repeat::post(peer.site(), "/token", form).header("authorization", &peer.machine());
    many(bench.at_once, one)
}

pub async fn client_credentials(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage(report, Cores::Apart, FEW).await?;
    let world = &stage.world;
    let offered = world.offers("grant_types_supported", "client_credentials");
    let authorization = basic(MACHINE, &world.machine_secret);
    let one = || {
        let repeat = Repeat::post(&world.techpass.site, "/token", GRANT);
        repeat.header("authorization", &authorization)
    };
    let product = match offered {
        true => many(bench.at_once, one),
        false => {
            report.note("client credentials: not available in this build".to_owned());
            Vec::new()
        }
    };
    let floor = many(bench.at_once, || floor_token(&stage, "rows=0&signs=1"));
    let peer = peer_grants(bench, &stage, true);
    bench
        .rounds(report, "client-credentials", (floor, product, peer))
        .await;
    Ok(())
}

pub async fn code(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage(report, Cores::Apart, FEW).await?;
    let mut floor = many(bench.at_once, || floor_token(&stage, "rows=3&signs=2"));
    let mut peer = peer_grants(bench, &stage, false);
    for _ in 0..bench.repetitions {
        floor = bench.round(report, ("code", Who::Floor), floor).await;
        let codes = Codes::make(&stage.world, CODES).await?;
        let dealt = codes.deal(&stage.provider, bench.at_once);
        let outcome = load::exhaust(dealt, async |one| one.next().await).await;
        report.add("code", Who::Product, outcome);
        peer = bench.round(report, ("opaque", Who::Peer), peer).await;
    }
    Ok(())
}

/// Tokens of so many grants.
async fn tokens(stage: &Stage, count: usize, member: &str) -> Result<Vec<String>> {
    let codes = Codes::make(&stage.world, count).await?;
    let all = codes.redeem(&stage.provider).await?;
    let text = |answer: &Value| {
        answer
            .get(member)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    all.iter()
        .map(|answer| text(answer).context("a token is missing"))
        .collect()
}

pub async fn refresh(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage(report, Cores::Apart, FEW).await?;
    let tokens = tokens(&stage, bench.at_once, "refresh_token").await?;
    let product: Vec<_> = tokens
        .iter()
        .map(|token| Rotation::new(&stage.provider, token))
        .collect();
    let floor = many(bench.at_once, || floor_token(&stage, "rows=3&signs=2"));
    bench
        .rounds(report, "refresh", (floor, product, Vec::<Repeat>::new()))
        .await;
    let peer = peer_grants(bench, &stage, false);
    bench.round(report, ("opaque", Who::Peer), peer).await;
    Ok(())
}

pub async fn introspection(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage(report, Cores::Apart, FEW).await?;
    let endpoint = stage.world.discovery.get("introspection_endpoint");
    let product = match endpoint.and_then(Value::as_str) {
        Some(endpoint) => {
            let authorization = basic(PORTAL, &stage.world.portal_secret);
            let tokens = tokens(&stage, bench.at_once, "access_token").await?;
            let site = &stage.world.techpass.site;
            let one = |token: &String| {
                let repeat = Repeat::post(site, path_of(endpoint), &format!("token={token}"));
                repeat.header("authorization", &authorization)
            };
            tokens.iter().map(one).collect()
        }
        None => {
            report.note("introspection: not available in this build".to_owned());
            Vec::new()
        }
    };
    let form = format!("token={TOKEN}");
    let floor = many(bench.at_once, || {
        let repeat = Repeat::post(&stage.floor.site, "/introspect", &form);
        repeat.header("authorization", &basic(CLIENT, SECRET))
    });
    let peer = match &stage.peer {
        Some(peer) => {
            let form = format!("token={}", peer.opaque().await?);
            let one = || {
                let repeat = Repeat::post(peer.site(), "/token/introspection", &form);
                repeat.header("authorization", &peer.machine())
            };
            many(bench.at_once, one)
        }
        None => Vec::new(),
    };
    bench
        .rounds(report, "introspection", (floor, product, peer))
        .await;
    Ok(())
}

pub async fn userinfo(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage(report, Cores::Apart, FEW).await?;
    let bearer = |site, token: &str| {
        let header = format!("Bearer {token}");
        Repeat::get(site, "/userinfo").header("authorization", &header)
    };
    let tokens = tokens(&stage, bench.at_once, "access_token").await?;
    let site = &stage.world.techpass.site;
    let product = tokens.iter().map(|token| bearer(site, token)).collect();
    let token = access_token()?;
    let floor = many(bench.at_once, || bearer(&stage.floor.site, &token));
    bench
        .rounds(report, "userinfo", (floor, product, Vec::<Repeat>::new()))
        .await;
    Ok(())
}

pub async fn page(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage(report, Cores::Apart, FEW).await?;
    let site = &stage.world.techpass.site;
    let mut product = Vec::new();
    for _ in 0..bench.at_once {
        let mut browser = Wire::new(site);
        let begun = browser
            .get(&Trip::new()?.authorize(""))
            .await?
            .expect(303)?;
        let page = path_of(begun.location()?).to_owned();
        product.push(Repeat::get(site, &page).header("cookie", &browser.cookies()));
    }
    let floor = many(bench.at_once, || Repeat::get(&stage.floor.site, "/page"));
    bench
        .rounds(report, "page", (floor, product, Vec::<Repeat>::new()))
        .await;
    Ok(())
}
