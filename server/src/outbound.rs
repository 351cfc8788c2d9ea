//! Calls to others: bounded in time and size, no redirects, no private addresses unless configured.

use crate::app::Error;
use crate::config::Outbound;
use std::time::Duration;

/// The longest a call may take.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// The most an answer may hold, in bytes.
pub const ANSWER_MAX: usize = 64 * 1024;

/// The one client.
pub fn client(config: &Outbound) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(Duration::from_secs(3))
        .user_agent("techpass");
    if !config.allow_private {
        builder = builder.dns_resolver(std::sync::Arc::new(PublicOnly));
    }
    if let Some(path) = &config.ca_file {
        let pem = std::fs::read(path)
            .map_err(|error| Error::System(format!("cannot read {}: {error}", path.display())))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| Error::System(format!("{}: {error}", path.display())))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder
        .build()
        .map_err(|error| Error::System(format!("the HTTP client cannot be made: {error}")))
}

/// Resolves names to public addresses only, so that nobody can make the server call into its own network.
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
pub fn allowed(config: &Outbound, url: &url::Url) -> bool {
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

/// Whether an address is one of the public Internet.
fn is_public(ip: std::net::IpAddr) -> bool {
    match ip {
        std::net::IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && (18..20).contains(&b);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || ip.is_unspecified()
                || a == 0
                || a >= 240
                || shared
                || benchmark)
        }
        std::net::IpAddr::V6(ip) => {
            if let Some(mapped) = ip.to_ipv4_mapped() {
                return is_public(mapped.into());
            }
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local())
        }
    }
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
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["203.0.114.1", "8.8.8.8", "2606:4700::1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
