//! What a database URL says: where the server is, as whom to sign in there, and how TLS is used on the way.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::error::StoreError;

/// How the way to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// `sslmode=disable`: not at all. For a Unix socket or this machine.
    None,
    /// `sslmode=require`: encrypted, whoever the server is.
    Encrypted,
    /// `sslmode=verify-full`: encrypted, and the server proves its name.
    Verified,
}

/// A database URL, taken apart.
pub(super) struct Address {
    /// For the driver, password included.
    pub(super) config: Config,
    /// TLS.
    pub(super) protection: Protection,
    /// The authorities a server's certificate may come from; the system's when left out.
    pub(super) root: Option<PathBuf>,
    /// The URL for people: without user and password.
    pub(super) shown: String,
}

/// Hides nothing but also shows nothing that is secret: the URL for people.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a peer may be silent to what was sent before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(10);

/// Takes a URL apart. `password` is used when the URL has none.
pub(super) fn parse(url: &str, password: Option<&str>) -> Result<Address, StoreError> {
    let (base, options) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut root, mut rest) = (None, None, vec![]);
    for option in options.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => root = Some(PathBuf::from(value.replace("%2F", "/"))),
            _ => rest.push(option),
        }
    }
    let mut plain = base.to_owned();
    if !rest.is_empty() {
        plain = format!("{plain}?{}", rest.join("&"));
    }
    // The reason names an option at most, never the password.
    let mut config = Config::from_str(&plain).map_err(|error| {
        let reason =
            std::error::Error::source(&error).map_or_else(String::new, |s| format!(": {s}"));
        StoreError::database(format!("the database URL cannot be read{reason}"))
    })?;
    let protection = match mode {
        Some("disable") => Protection::None,
        Some("require") => Protection::Encrypted,
        Some("verify-full") => Protection::Verified,
        Some(_) => {
            return Err(StoreError::database(
                "the database URL: sslmode is disable, require or verify-full",
            ));
        }
        None if config.get_hosts().iter().all(near) => Protection::None,
        None => Protection::Verified,
    };
    complete(&mut config, protection, password)?;
    Ok(Address {
        shown: shown(&config),
        config,
        protection,
        root,
    })
}

fn complete(
    config: &mut Config,
    protection: Protection,
    password: Option<&str>,
) -> Result<(), StoreError> {
    if config.get_hosts().is_empty() || config.get_dbname().is_none_or(str::is_empty) {
        return Err(StoreError::database(
            "the database URL needs a host and a database: postgres://USER@HOST/DATABASE",
        ));
    }
    if let (None, Some(password)) = (config.get_password(), password) {
        config.password(password);
    }
    config.ssl_mode(match protection {
        Protection::None => SslMode::Disable,
        Protection::Encrypted | Protection::Verified => SslMode::Require,
    });
    if config.get_application_name().is_none() {
        config.application_name("techpass");
    }
    // Decisions are read from the primary only; of several hosts the one that takes writes is meant.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    config.connect_timeout(CONNECT);
    config.tcp_user_timeout(SILENCE);
    config.keepalives_idle(Duration::from_secs(5));
    config.keepalives_interval(Duration::from_secs(2));
    config.keepalives_retries(3);
    Ok(())
}

/// Whether the way leaves this machine.
fn near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", Path::display(path)),
            }
        })
        .collect();
    let name = config.get_dbname().unwrap_or_default();
    format!("postgres://{}/{name}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tls_is_the_default_where_the_way_leaves_the_machine() {
        for (url, protection) in [
            ("postgres://a@db.example/techpass", Protection::Verified),
            ("postgresql://a@db.example/techpass", Protection::Verified),
            ("postgres://a@127.0.0.1:5433/techpass", Protection::None),
            (
                "postgres://a@%2Frun%2Fpostgresql/techpass",
                Protection::None,
            ),
            (
                "postgres://a@127.0.0.1,db.example/techpass",
                Protection::Verified,
            ),
            (
                "postgres://a@db.example/techpass?sslmode=disable",
                Protection::None,
            ),
            (
                "postgres://a@db.example/techpass?sslmode=require",
                Protection::Encrypted,
            ),
        ] {
            assert_eq!(parse(url, None).unwrap().protection, protection, "{url}");
        }
        let url =
            "postgres://a@db/t?application_name=x&sslmode=verify-full&sslrootcert=/etc/ca.pem";
        let address = parse(url, None).unwrap();
        assert_eq!(address.root.as_deref(), Some(Path::new("/etc/ca.pem")));
        assert_eq!(address.config.get_application_name(), Some("x"));
    }

    #[test]
    fn the_password_comes_from_the_url_or_beside_it_and_is_never_shown() {
        let beside = parse("postgres://a@db.example/t", Some("pw-beside")).unwrap();
        assert_eq!(beside.config.get_password(), Some(b"pw-beside".as_slice()));
        let within = parse("postgres://a:pw-within@db.example/t", Some("pw-beside")).unwrap();
        assert_eq!(within.config.get_password(), Some(b"pw-within".as_slice()));
        assert_eq!(within.shown, "postgres://db.example:5432/t");
        assert_eq!(format!("{within:?}"), within.shown);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_telling_the_password() {
        for (url, words) in [
            ("postgres://a:pw-within@db/t?sslmode=prefer", "sslmode"),
            ("postgres://a:pw-within@db/t?colour=red", "colour"),
            ("postgres://a:pw-within@db", "database"),
            ("postgres:///t", "host"),
        ] {
            let refused = parse(url, None).unwrap_err();
            let StoreError::Database(source) = refused else {
                panic!("{refused:?}");
            };
            let text = source.to_string();
            assert!(text.contains(words), "{url}: {text}");
            assert!(!text.contains("pw-within"), "{text}");
        }
    }
}
