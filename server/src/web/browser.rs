//! Where a request comes from: its address, and what the browser calls itself (for people to recognise, never for
//! decisions).

use crate::app::App;
use axum::extract::ConnectInfo;
use http::{HeaderMap, header, request::Parts};
use std::net::{IpAddr, SocketAddr};

/// The client's address: the peer's, or what a trusted proxy says. The rightmost address of `X-Forwarded-For` that no
/// trusted proxy has counts, since everything left of it may be invented.
pub fn address(app: &App, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    let trusted = |ip: IpAddr| app.config.proxy.trusted.iter().any(|net| net.contains(&ip));
    if !trusted(peer) {
        return Some(peer);
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter();
    let mut hops: Vec<IpAddr> = Vec::new();
    for hop in forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
    {
        match hop.trim().parse() {
            Ok(ip) => hops.push(ip),
            // What does not parse may be an attempt; what stands left of it says nothing.
            Err(_) => hops.clear(),
        }
    }
    let stranger = hops.iter().rev().find(|ip| !trusted(**ip)).copied();
    Some(stranger.unwrap_or(peer))
}

/// "Linux · Chrome", from the user agent. Shown to people only.
pub fn description(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let first = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    let system = first(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    let program = first(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    match (system, program) {
        (Some(system), Some(program)) => format!("{system} · {program}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}
