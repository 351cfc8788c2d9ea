//! The targets, as ratios within one run.

use crate::report::{Report, Who, short};
use std::fmt::Write as _;

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

struct Target {
    number: &'static str,
    what: &'static str,
    bound: Bound,
    value: fn(&Report) -> Option<f64>,
}

const fn target(
    number: &'static str,
    what: &'static str,
    bound: Bound,
    value: fn(&Report) -> Option<f64>,
) -> Target {
    Target {
        number,
        what,
        bound,
        value,
    }
}

fn over(report: &Report, case: &str, who: Who, other: &str) -> Option<f64> {
    Some(report.rate(case, Who::Product)? / report.rate(other, who)?)
}

fn to_floor(report: &Report, case: &str) -> Option<f64> {
    over(report, case, Who::Floor, case)
}

fn to_peer(report: &Report, case: &str) -> Option<f64> {
    over(report, case, Who::Peer, case)
}

fn fact(report: &Report, name: &str) -> Option<f64> {
    report.facts.get(name).copied()
}

fn latency(report: &Report, p99: bool) -> Option<f64> {
    let of = if p99 {
        |run: &crate::load::Outcome| run.p99_ms
    } else {
        |run: &crate::load::Outcome| run.p50_ms
    };
    let product = report.figure("wake", Who::Product)?.median(of);
    let floor = report.figure("wake", Who::Floor)?.median(of);
    (floor > 0.0).then_some(product / floor)
}

fn grown(report: &Report, case: &str) -> Option<f64> {
    let small = report.figure(&format!("{case}, few accounts"), Who::Product)?;
    let large = report.figure(&format!("{case}, many accounts"), Who::Product)?;
    Some(large.median(|run| run.p50_ms) / small.median(|run| run.p50_ms))
}

fn on_postgres(report: &Report, case: &str) -> Option<f64> {
    let (postgres, embedded) = (format!("{case}, PostgreSQL"), format!("{case}, embedded"));
    over(report, &postgres, Who::Product, &embedded)
}

use Bound::{AtLeast, AtMost};

#[rustfmt::skip]
const TARGETS: &[Target] = &[
    target("1", "client credentials, ratio to the floor", AtLeast(0.75), |r| to_floor(r, "client-credentials")),
    target("1", "client credentials, ratio to the peer", AtLeast(6.0), |r| to_peer(r, "client-credentials")),
    target("2", "code redemption, ratio to the floor", AtLeast(0.6), |r| to_floor(r, "code")),
    target("2", "refresh rotation, ratio to the floor", AtLeast(0.6), |r| to_floor(r, "refresh")),
    target("2", "code redemption, ratio to the peer's opaque grant", AtLeast(1.3), |r| over(r, "code", Who::Peer, "opaque")),
    target("2", "refresh rotation, ratio to the peer's opaque grant", AtLeast(1.3), |r| over(r, "refresh", Who::Peer, "opaque")),
    target("3", "introspection, ratio to the floor", AtLeast(0.6), |r| to_floor(r, "introspection")),
    target("3", "introspection, ratio to the peer", AtLeast(5.0), |r| to_peer(r, "introspection")),
    target("4", "a vendor's login beyond the hash, ratio to the floor", AtLeast(0.5), |r| to_floor(r, "vendor")),
    target("4", "a portal's code flow with a session, ratio to the floor", AtLeast(0.5), |r| to_floor(r, "session")),
    target("4", "a vendor's login, ratio to the peer's flow", AtLeast(4.0), |r| to_peer(r, "vendor")),
    target("4", "the flow with a session, ratio to the peer's flow", AtLeast(4.0), |r| over(r, "session", Who::Peer, "vendor")),
    target("5", "an officer's login, a second, 64 at once", AtLeast(500.0), |r| r.rate("officer", Who::Product)),
    target("5", "an officer's login, one person, p50 in ms", AtMost(12.0), |r| Some(r.figure("officer, one", Who::Product)?.median(|run| run.p50_ms))),
    target("6", "logins with argon2id, ratio to raw hashes", AtLeast(0.85), |r| Some(r.rate("argon2", Who::Product)? / fact(r, "raw hashes a second")?)),
    target("6", "tokens meanwhile, p99 in ms", AtMost(10.0), |r| Some(r.figure("tokens beside argon2", Who::Product)?.median(|run| run.p99_ms))),
    target("7", "wake-up, p50 over the floor's", AtMost(1.5), |r| latency(r, false)),
    target("7", "wake-up, p99 over the floor's", AtMost(2.0), |r| latency(r, true)),
    target("8", "sign-in page, ratio to the floor", AtLeast(0.45), |r| to_floor(r, "page")),
    target("9", "memory idle, MiB", AtMost(27.0), |r| fact(r, "memory idle, MiB")),
    target("9", "memory with many accounts, MiB", AtMost(64.0), |r| fact(r, "memory with many accounts, MiB")),
    target("9", "memory per waiting browser, KiB", AtMost(32.0), |r| fact(r, "memory per waiting browser, KiB")),
    target("10", "ready on an existing database, ms", AtMost(140.0), |r| fact(r, "ready, ms")),
    target("10", "ready on a large database, ms", AtMost(140.0), |r| fact(r, "ready with many accounts, ms")),
    target("10", "ready at the first start, ms", AtMost(1000.0), |r| fact(r, "first start, ms")),
    target("10", "ready, ratio to the peer's start", AtMost(0.5), |r| Some(fact(r, "ready, ms")? / fact(r, "peer ready, ms")?)),
    target("10", "the program, MB", AtMost(20.0), |r| fact(r, "program, MB")),
    target("11", "a login's p50, many accounts over few", AtMost(1.15), |r| grown(r, "login")),
    target("11", "rotation's p50, many accounts over few", AtMost(1.3), |r| grown(r, "rotation")),
    target("12", "refresh rotation on PostgreSQL, ratio to the embedded database", AtLeast(0.5), |r| on_postgres(r, "refresh")),
    target("12", "a vendor's login on PostgreSQL, ratio to the embedded database", AtLeast(0.5), |r| on_postgres(r, "login")),
    target("13", "sign-in page, HTML and CSS as sent, KB", AtMost(14.0), |r| fact(r, "page and style, KB")),
    target("13", "scripts as sent, KB", AtMost(12.0), |r| fact(r, "scripts, KB")),
];

/// The targets with ratio and verdict, as a table in Markdown; all of them, or those that were measured.
pub fn table(report: &Report, all: bool) -> String {
    let mut text =
        String::from("| # | target | measured | bound | verdict |\n|---|---|---|---|---|\n");
    for target in TARGETS {
        let value = (target.value)(report);
        if value.is_none() && !all {
            continue;
        }
        let (bound, holds) = match target.bound {
            AtLeast(bound) => (format!("≥ {bound}"), value.map(|value| value >= bound)),
            AtMost(bound) => (format!("≤ {bound}"), value.map(|value| value <= bound)),
        };
        let verdict = match holds {
            None => "not measured",
            Some(_) if !report.judged => "not judged",
            Some(true) => "met",
            Some(false) => "missed",
        };
        let shown = value.map_or_else(|| "–".to_owned(), short);
        let _ = writeln!(
            text,
            "| {} | {} | {shown} | {bound} | {verdict} |",
            target.number, target.what
        );
    }
    text
}
