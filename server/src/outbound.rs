//! Calls to others: bounded in time and size, no redirects, no private addresses unless configured.

use crate::app::Error;
use crate::config::{ConfigError, Outbound};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use url::Url;

/// The longest a call may take.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// The most an answer may hold, in bytes.
pub const ANSWER_MAX: usize = 64 * 1024;
/// How long a name may take to be found.
const LOOK_UP: Duration = Duration::from_secs(1);

/// The one client. It goes by the proxy that the environment names (`HTTPS_PROXY` and the like), but never to this
/// computer itself, which a proxy could not find.
#[derive(Clone, Debug)]
pub struct Client {
    usual: reqwest::Client,
    /// Without a proxy; only where the environment names one.
    straight: Option<reqwest::Client>,
    /// Whether names may lead to this computer; only then is asked where they lead.
    names_may: bool,
}

impl Client {
    /// Begins a GET request.
    pub async fn get(&self, url: Url) -> reqwest::RequestBuilder {
        self.towards(&url).await.get(url)
    }

    /// Begins a POST request.
    pub async fn post(&self, url: Url) -> reqwest::RequestBuilder {
        self.towards(&url).await.post(url)
    }

    async fn towards(&self, url: &Url) -> &reqwest::Client {
        let Some(straight) = &self.straight else {
            return &self.usual;
        };
        let here = names_loopback(url) || (self.names_may && leads_to_loopback(url).await);
        if here { straight } else { &self.usual }
    }
}

/// Whether the environment names a proxy.
pub fn has_proxy() -> bool {
    ["http_proxy", "https_proxy", "all_proxy"]
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.to_uppercase()])
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Whether an address speaks of this computer by itself, without a look-up.
pub fn names_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether an address leads to this computer and nowhere else. A name that is not known within a second does not: what
/// leads here is answered by this computer.
pub async fn leads_to_loopback(url: &Url) -> bool {
    if names_loopback(url) {
        return true;
    }
    let Some(url::Host::Domain(host)) = url.host() else {
        return false;
    };
    let port = url.port_or_known_default().unwrap_or(0);
    let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, port))).await;
    let Ok(Ok(addresses)) = found else {
        return false;
    };
    let mut addresses = addresses.peekable();
    addresses.peek().is_some() && addresses.all(|address| address.ip().is_loopback())
}

/// The one client, made.
///
/// # Errors
/// When the file with certificate authorities cannot be used.
pub fn client(config: &Outbound) -> Result<Client, Error> {
    made(config, has_proxy())
}

fn made(config: &Outbound, has_proxy: bool) -> Result<Client, Error> {
    let failed =
        |error: reqwest::Error| Error::System(format!("the HTTP client cannot be made: {error}"));
    let straight = has_proxy.then(|| builder(config).map(reqwest::ClientBuilder::no_proxy));
    let straight = straight.transpose()?.map(reqwest::ClientBuilder::build);
    Ok(Client {
        usual: builder(config)?.build().map_err(failed)?,
        straight: straight.transpose().map_err(failed)?,
        names_may: config.allow_private,
    })
}

fn builder(config: &Outbound) -> Result<reqwest::ClientBuilder, Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(Duration::from_secs(3))
        .user_agent("techpass");
    if !config.allow_private {
        builder = builder.dns_resolver(std::sync::Arc::new(PublicOnly));
    }
    if let Some(path) = &config.ca_file {
        let bad = |reason: String| ConfigError::Value {
            key: "outbound.ca_file",
            reason: format!("{}: {reason}", path.display()),
        };
        let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem);
        let certificates = certificates.map_err(|error| bad(error.to_string()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

/// Resolves names to public addresses only, so that nobody can make the server call into its own network. It is asked
/// for each new connection, and the connection goes to what it answered: there is no second look that could differ.
struct PublicOnly;

impl reqwest::dns::Resolve for PublicOnly {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            let addresses: reqwest::dns::Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether a call to this URL is allowed at all: a literal private address is not, unless configured.
pub fn allowed(config: &Outbound, url: &Url) -> bool {
    if config.allow_private {
        return true;
    }
    match url.host() {
        Some(url::Host::Ipv4(ip)) => is_public(ip.into()),
        Some(url::Host::Ipv6(ip)) => is_public(ip.into()),
        Some(url::Host::Domain(_)) => true,
        None => false,
    }
}

/// Whether an address is one of the public Internet (RFC 6890 and the special-purpose registries it founded). An IPv6
/// address that carries an IPv4 one leads there, so that one counts.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (18..20).contains(&b);
    let assignments = (a, b, c) == (192, 0, 0);
    let relay_anycast = (a, b, c) == (192, 88, 99);
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || benchmark
        || assignments
        || relay_anycast)
}

/// Only 2000::/3 is unicast of the public Internet, and NAT64 leads to IPv4.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let bits = ip.to_bits();
    let within = |prefix: Ipv6Addr, length: u32| (bits ^ prefix.to_bits()) >> (128 - length) == 0;
    let of = |a: u16, b: u16| Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0);
    let last_32 = Ipv4Addr::from_bits((bits & u128::from(u32::MAX)) as u32);
    if within(of(0x64, 0xff9b), 96) {
        return is_public_v4(last_32);
    }
    if within(of(0x2002, 0), 16) {
        let six_to_four = ((bits >> 80) & u128::from(u32::MAX)) as u32;
        return is_public_v4(Ipv4Addr::from_bits(six_to_four));
    }
    // ISATAP (RFC 5214 §6.1): the last half is 0000:5efe or 0200:5efe and an IPv4 address.
    let isatap = matches!((bits >> 32) as u32, 0x5efe | 0x0200_5efe);
    if isatap && !is_public_v4(last_32) {
        return false;
    }
    // Teredo, benchmarks, ORCHID and other assignments of protocols; documentation, twice.
    let special = [
        (of(0x2001, 0), 23),
        (of(0x2001, 0xdb8), 32),
        (of(0x3fff, 0), 20),
    ];
    within(of(0x2000, 0), 3)
        && !special
            .into_iter()
            .any(|(prefix, length)| within(prefix, length))
}

/// Reads an answer's body, at most [`ANSWER_MAX`] bytes.
pub async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
        if all.len() + chunk.len() > ANSWER_MAX {
            return Err("the answer is too long".to_owned());
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn this_computer_is_called_without_a_proxy() {
        for (has_proxy, allow_private, url, straight) in [
            (true, false, "http://localhost:8082/token", true),
            (true, false, "https://wog.localhost/", true),
            (true, false, "http://127.0.0.9:1/", true),
            (true, true, "http://[::1]:1/", true),
            (true, true, "https://192.0.2.1/", false),
            (true, true, "https://nowhere.invalid/", false),
            (true, false, "https://wog.example/", false),
            (false, true, "http://localhost:8082/", false),
        ] {
            let config = Outbound {
                ca_file: None,
                allow_private,
            };
            let client = made(&config, has_proxy).unwrap();
            let taken = client.towards(&url.parse().unwrap()).await;
            let other = client.straight.as_ref();
            let found = other.is_some_and(|other| std::ptr::eq(other, taken));
            assert_eq!(found, straight, "{url}");
        }
    }

    #[test]
    fn private_addresses_are_not_public_in_any_spelling() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "fc00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "192.0.0.8",
            "192.88.99.1",
            "198.18.0.1",
            "224.0.0.1",
            "::",
            "::10.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001:0:808:808::1",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "100::1",
            "fec0::1",
            "ff02::1",
            "2606:4700::5efe:10.0.0.1",
            "2606:4700::200:5efe:192.168.0.1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "203.0.114.1",
            "8.8.8.8",
            "192.88.98.1",
            "2606:4700::1",
            "2001:4860:4860::8888",
            "2a00:1450::5efe:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
