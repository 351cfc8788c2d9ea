//! Settings of operating the server: health and metrics, stopping, logs, limits under load.

use super::{Config, ConfigError};
use ipnet::IpNet;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use techpass_domain::rate::Rate;
use techpass_domain::time::Seconds;

/// Health and metrics, on a listener of their own that is never public.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Management {
    /// Where to answer `/livez`, `/readyz` and `/metrics`, `ADDRESS:PORT`; nowhere when left out.
    pub listen: Option<String>,
}

/// Stopping without cutting anybody off.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drain {
    /// How long to go on serving after `/readyz` says no, so that load balancers notice.
    pub delay_s: u64,
    /// How long requests under way may then take to finish.
    pub limit_s: u64,
}

impl Default for Drain {
    fn default() -> Self {
        Drain {
            delay_s: 0,
            limit_s: 5,
        }
    }
}

impl Drain {
    /// [`Drain::delay_s`].
    pub fn delay(self) -> Duration {
        Duration::from_secs(self.delay_s)
    }

    /// [`Drain::limit_s`].
    pub fn limit(self) -> Duration {
        Duration::from_secs(self.limit_s)
    }
}

/// Devices without a browser (RFC 8628). People let them in on another screen, which is what phishers ask people to do;
/// so it is off until somebody needs it, and then only for the applications that are registered for it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceGrant {
    /// Whether there is such a thing here.
    pub enabled: bool,
}

/// How long tokens are good, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Access tokens.
    pub access_s: Seconds,
    /// ID tokens.
    pub id_token_s: Seconds,
    /// Refresh tokens with `offline_access`, from the first of a family to the end of the last; others end with the session.
    pub offline_s: Seconds,
}

impl Default for Tokens {
    fn default() -> Self {
        Tokens {
            access_s: 10 * 60,
            id_token_s: 10 * 60,
            offline_s: 30 * 24 * 60 * 60,
        }
    }
}

impl Tokens {
    /// Retired keys verify for a day, and a grant's row is kept for sixty.
    pub(super) fn check(self) -> Result<(), ConfigError> {
        let day = 24 * 60 * 60;
        for (key, value, most) in [
            ("tokens.access_s", self.access_s, day),
            ("tokens.id_token_s", self.id_token_s, day),
            ("tokens.offline_s", self.offline_s, 60 * day),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ConfigError::Value {
                    key,
                    reason: format!("write a number of seconds from 1 to {most}"),
                });
            }
        }
        Ok(())
    }
}

impl super::Limits {
    /// More than a few minutes would let a token live that is over.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match (0..=300).contains(&self.clock_skew_s) {
            true => Ok(()),
            false => Err(ConfigError::Value {
                key: "limits.clock_skew_s",
                reason: "write a number of seconds from 0 to 300".to_owned(),
            }),
        }
    }
}

/// Logs, on standard error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How lines look; readable on a terminal and JSON elsewhere when left out.
    pub format: Option<LogFormat>,
    /// What is logged, `warn` when left out: a level, or levels by module. `TECHPASS_LOG` comes first.
    pub level: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Traces of requests, sent by OTLP over HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// Where to, such as `http://localhost:4318/v1/traces`; nowhere when left out and `OTEL_EXPORTER_OTLP_ENDPOINT` is
    /// not set.
    pub otlp_endpoint: Option<url::Url>,
    /// How many of a hundred traces that begin here are sent. One that began elsewhere is sent when it was there.
    pub sampled_percent: u8,
}

impl Default for Traces {
    fn default() -> Self {
        Traces {
            otlp_endpoint: None,
            sampled_percent: 5,
        }
    }
}

/// How much may be under way at once. What comes on top is refused at once, with 503.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// Requests of people who sign in: pages, forms, authorization requests.
    pub sign_in_max: usize,
    /// Browsers that come back from an upstream, which has to be asked then and may be slow.
    pub upstream_max: usize,
    /// Requests that must get through while others wait: log-outs, answers of phones, tokens, UserInfo.
    pub urgent_max: usize,
    /// Browsers and phones that wait for something to happen.
    pub waiting_max: usize,
    /// Password checks that wait or are under way.
    pub passwords_max: usize,
    /// How long a password check may wait for its turn.
    pub passwords_wait_s: u64,
    /// Connections that may be open; more wait to be accepted. Never more than the process's limit of files allows,
    /// which counts alone when this is left out.
    pub connections_max: Option<usize>,
}

impl Default for Load {
    fn default() -> Self {
        Load {
            sign_in_max: 256,
            upstream_max: 128,
            urgent_max: 512,
            waiting_max: 20_000,
            passwords_max: 64,
            passwords_wait_s: 3,
            connections_max: None,
        }
    }
}

/// What one address may ask for. Addresses of this machine are not limited: a proxy here that is not named in
/// `proxy.trusted` stands for everybody.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Addresses {
    /// Forms of sign-in pages.
    pub sign_in: Rate,
    /// Authorization requests; each lays down a row that lives for half an hour.
    pub requests: Rate,
    /// Requests of phones.
    pub phones: Rate,
    /// Clients that register themselves.
    pub registrations: Rate,
    /// Codes of devices without a browser that are typed.
    pub device_codes: Rate,
    /// Bits of an IPv6 address that make one source: its network.
    pub ipv6_prefix: u8,
}

impl Default for Addresses {
    fn default() -> Self {
        Addresses {
            sign_in: Rate {
                max: 120,
                per_s: 60,
            },
            requests: Rate {
                max: 600,
                per_s: 60,
            },
            phones: Rate {
                max: 600,
                per_s: 60,
            },
            registrations: Rate { max: 60, per_s: 60 },
            device_codes: Rate { max: 10, per_s: 60 },
            ipv6_prefix: 64,
        }
    }
}

impl Addresses {
    /// The source an address belongs to: itself, or its IPv6 network.
    pub fn source(self, address: std::net::IpAddr) -> IpNet {
        let address = address.to_canonical();
        let bits = match address {
            std::net::IpAddr::V4(_) => 32,
            std::net::IpAddr::V6(_) => self.ipv6_prefix.min(128),
        };
        IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |net| net.trunc())
    }
}

/// When an application that keeps asking is stopped: it got its answer without a person so often that it must be going
/// in circles.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Circles {
    /// Answers to one application for one session that are given within the time; 0 for no limit.
    pub max: usize,
    /// The time.
    pub within_s: Seconds,
}

impl Default for Circles {
    fn default() -> Self {
        Circles {
            max: 5,
            within_s: 60,
        }
    }
}

impl Config {
    /// Where the epoch is kept.
    pub fn epoch_file(&self) -> PathBuf {
        let beside = || {
            let mut name = self.secrets.master_key_file.clone().into_os_string();
            name.push(".epoch");
            PathBuf::from(name)
        };
        self.secrets.epoch_file.clone().unwrap_or_else(beside)
    }

    /// The file of an embedded database; `None` for one that is elsewhere.
    pub fn database_file(&self) -> Option<&Path> {
        self.database.url.strip_prefix("sqlite:").map(Path::new)
    }

    /// What a production file does not contain by accident; each is named in a warning at start.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |when: bool, text: &str| {
            if when {
                warnings.push(text.to_owned());
            }
        };
        warn(
            !self.secure(),
            "public_url is plain HTTP: cookies are not protected",
        );
        warn(self.brand.demonstration, "brand.demonstration is on");
        warn(
            self.mail.is_none() && !self.brand.demonstration,
            "there is no [mail]: reports wait in the outbox and nobody is written to",
        );
        warn(
            self.outbound.allow_private,
            "outbound.allow_private is on: calls may go to private and loopback addresses",
        );
        warn(
            self.access.rules.iter().any(|rule| rule.test_clients_only),
            "access has a rule for test clients",
        );
        warn(
            self.registration.open,
            "registration.open is on: anybody may register an application",
        );
        warn(
            self.registration.allow_http,
            "registration.allow_http is on: answers may go to plain http addresses",
        );
        warn(
            self.limits.number.short_max > 10,
            "limits.number.short_max lets phones be rung very often",
        );
        warn(
            self.limits.circles.max == 0 || self.limits.circles.max > 20,
            "limits.circles.max lets applications ask in circles",
        );
        warnings
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_source() {
        let addresses = Addresses::default();
        for (one, other, same) in [
            ("203.0.113.1", "203.0.113.1", true),
            ("203.0.113.1", "203.0.113.2", false),
            ("203.0.113.1", "::ffff:203.0.113.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            let source = |text: &str| addresses.source(text.parse().unwrap());
            assert_eq!(source(one) == source(other), same, "{one} {other}");
        }
    }
}
