//! What types cannot say of a configuration.

use super::{Config, ConfigError, Load, Log, UpstreamConfig};
use techpass_domain::session::Lifetimes;

fn bad<T>(key: &'static str, reason: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError::Value {
        key,
        reason: reason.into(),
    })
}

impl Config {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for the first value that makes no sense.
    pub fn checked(mut self) -> Result<Config, ConfigError> {
        self.check_addresses()?;
        self.database.check()?;
        self.tokens.check()?;
        self.limits.check()?;
        check_load(&self.limits.load)?;
        check_lifetimes(&self.session)?;
        check_log(&self.log)?;
        if self.traces.sampled_percent > 100 {
            return bad("traces.sampled_percent", "write a number from 0 to 100");
        }
        if let Some(mail) = &self.mail {
            mail.check()?;
        }
        if self.role.is_empty() || !self.role.bytes().all(|b| b.is_ascii_lowercase()) {
            return bad("role", "use lower-case letters only");
        }
        if self.keys.algorithms.is_empty() {
            return bad(
                "keys.algorithms",
                "name at least one of ES256, RS256, PS256, EdDSA",
            );
        }
        self.upstream.iter_mut().try_for_each(check_upstream)?;
        Ok(self)
    }

    fn check_addresses(&self) -> Result<(), ConfigError> {
        let url = &self.public_url;
        if !url.username().is_empty() || url.password().is_some() {
            return bad("public_url", "leave user and password out");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return bad(
                "public_url",
                "write the bare origin, like https://techpass.example",
            );
        }
        let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https"
            && !(url.scheme() == "http" && (loopback || self.brand.demonstration))
        {
            return bad(
                "public_url",
                "must begin with https:// (http:// is for localhost only)",
            );
        }
        let phone = &self.authenticator;
        if phone.listen.is_some() && phone.public_url.is_none() {
            return bad(
                "authenticator.listen",
                "needs authenticator.public_url, the origin that phones see",
            );
        }
        check_listen("listen", Some(&self.listen))?;
        check_listen("authenticator.listen", phone.listen.as_ref())?;
        check_listen("management.listen", self.management.listen.as_ref())
    }
}

fn check_listen(key: &'static str, address: Option<&String>) -> Result<(), ConfigError> {
    let good = |address: &String| {
        let parts = address.rsplit_once(':');
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    match address {
        Some(address) if !good(address) => bad(
            key,
            format!("{address} is no ADDRESS:PORT, such as 127.0.0.1:8081"),
        ),
        _ => Ok(()),
    }
}

fn check_upstream(upstream: &mut UpstreamConfig) -> Result<(), ConfigError> {
    let id = &upstream.id;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if id.is_empty() || !id.bytes().all(plain) {
        return bad("upstream.id", "use letters, digits and hyphens");
    }
    for domain in &mut upstream.domains {
        *domain = domain.to_lowercase();
    }
    Ok(())
}

/// Where nothing may be under way, nobody is ever let in.
fn check_load(load: &Load) -> Result<(), ConfigError> {
    for (key, most) in [
        ("limits.load.sign_in_max", load.sign_in_max),
        ("limits.load.upstream_max", load.upstream_max),
        ("limits.load.urgent_max", load.urgent_max),
        ("limits.load.waiting_max", load.waiting_max),
        ("limits.load.passwords_max", load.passwords_max),
        (
            "limits.load.connections_max",
            load.connections_max.unwrap_or(1),
        ),
    ] {
        if most == 0 {
            return bad(key, "write 1 or more");
        }
    }
    Ok(())
}

fn check_lifetimes(session: &Lifetimes) -> Result<(), ConfigError> {
    for (key, seconds) in [
        ("session.idle_s", session.idle_s),
        ("session.absolute_s", session.absolute_s),
    ] {
        if seconds < 1 {
            return bad(key, "write a number of seconds, 1 or more");
        }
    }
    match session.accounts_max {
        0 => bad("session.accounts_max", "write 1 or more"),
        _ => Ok(()),
    }
}

/// A word that is no level would be taken for the name of a module, and everything else would be silent.
fn check_log(log: &Log) -> Result<(), ConfigError> {
    let level = |text: &str| {
        ["off", "error", "warn", "info", "debug", "trace"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(text.trim()))
    };
    let good = |part: &str| match part.rsplit_once('=') {
        Some((module, of_it)) => !module.trim().is_empty() && level(of_it),
        None => level(part),
    };
    match &log.level {
        Some(levels) if !levels.split(',').all(good) => bad(
            "log.level",
            "write off, error, warn, info, debug or trace, or levels by module, such as warn,techpass_server=debug",
        ),
        _ => Ok(()),
    }
}
