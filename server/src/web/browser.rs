//! Where a request comes from: its address, and what the browser calls itself (for people to recognise, never for
//! decisions).

use crate::app::App;
use axum::extract::ConnectInfo;
use http::{HeaderMap, header, request::Parts};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The client's address: the peer's, or what a trusted proxy says. The rightmost address of `X-Forwarded-For` that no
/// trusted proxy has counts, since everything left of it may be invented.
pub fn address(app: &App, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    Some(client(peer, &parts.headers, &app.config.proxy.trusted))
}

/// Every address is taken in its own family: a listener for both sees IPv4 peers as `::ffff:a.b.c.d` (RFC 4291
/// §2.5.5.2).
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let trusted = |ip: IpAddr| {
        let mapped = match ip {
            IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
            v6 => v6,
        };
        let mut nets = proxies.iter();
        nets.any(|net| net.contains(&ip) || net.contains(&mapped))
    };
    if !trusted(peer) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let mut hops: Vec<IpAddr> = Vec::new();
    for hop in forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
    {
        match address_of(hop.trim()) {
            Some(ip) => hops.push(ip.to_canonical()),
            // What does not parse may be an attempt; what stands left of it says nothing.
            None => hops.clear(),
        }
    }
    let stranger = hops.iter().rev().find(|ip| !trusted(**ip)).copied();
    stranger.unwrap_or(peer)
}

/// The address of a hop: some proxies write the port behind it, and brackets around IPv6.
fn address_of(hop: &str) -> Option<IpAddr> {
    if let Ok(ip) = hop.parse() {
        return Some(ip);
    }
    if let Ok(with_port) = hop.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let inside = hop.strip_prefix('[')?.strip_suffix(']')?;
    inside.parse().ok().map(IpAddr::V6)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_rightmost_stranger_counts_however_its_address_is_written() {
        let nets = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        for (peer, forwarded, address) in [
            ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            (
                "10.0.0.1",
                "192.0.2.9, 198.51.100.1, 10.0.0.2",
                "198.51.100.1",
            ),
            ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("::ffff:203.0.113.7", "198.51.100.1", "203.0.113.7"),
            ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
            ("fd00::1", "[2001:db8::7]:4711, [fd00::2]", "2001:db8::7"),
            ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
            ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
            (
                "10.0.0.1",
                "192.0.2.9, unknown, 198.51.100.1",
                "198.51.100.1",
            ),
            ("10.0.0.1", "192.0.2.9, [198.51.100.1]", "10.0.0.1"),
            ("10.0.0.1", "192.0.2.9, 198.51.100.1:99999", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            let found = client(peer.parse().unwrap(), &headers, &nets);
            assert_eq!(found.to_string(), address, "{peer} for {forwarded:?}");
        }
        // A proxy may have been named as a listener for both families sees it.
        let mapped = ["::ffff:10.0.0.1/128".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
        let found = client("::ffff:10.0.0.1".parse().unwrap(), &headers, &mapped);
        assert_eq!(found.to_string(), "198.51.100.1");
    }
}
