//! `techpass demo`: two servers, a portal and a phone on this computer. Nothing in it is anything but what an operator
//! sets up: two configuration files, accounts and clients as commands add them, phones enrolled over HTTP.

mod browser;
mod check;
mod configs;
mod control;
mod made_for;
mod moved;
mod people;
mod tls;
mod world;

pub use world::new_master_key;

use crate::exit::{Exit, Failure};
use crate::say::{note, say};
use crate::stop::Asked;
use std::path::PathBuf;
use std::time::Instant;
use techpass_server::outbound::names_loopback;
use world::World;

/// Options of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The first of five ports: portal, TechPass, WOG, Authenticator, control.
    #[arg(long, default_value_t = 8080)]
    port_base: u16,
    /// Keep everything in this directory (default: a temporary one).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use this name instead of localhost in all five addresses.
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    host: String,
    /// Serve HTTPS with a certificate authority made in the data directory (ca.pem).
    #[arg(long)]
    tls: bool,
    /// Print one line of JSON when ready.
    #[arg(long)]
    json: bool,
    /// Play the story against itself, print a line per step, and end with 0 or 1.
    #[arg(long, conflicts_with = "json")]
    check: bool,
}

/// The addresses of a demonstration.
#[derive(Clone, Debug)]
pub struct Origins {
    scheme: &'static str,
    host: String,
    base: u16,
}

impl Origins {
    fn new(args: &Args) -> Result<Origins, Failure> {
        if args.port_base > u16::MAX - 4 || args.port_base == 0 {
            return Err(Failure::usage("--port-base must leave room for five ports"));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        if args.host.is_empty() || !args.host.bytes().all(plain) {
            return Err(Failure::usage("--host takes a host name"));
        }
        Ok(Origins {
            scheme: if args.tls { "https" } else { "http" },
            host: args.host.to_lowercase(),
            base: args.port_base,
        })
    }

    fn at(&self, offset: u16) -> String {
        let port = self.base + offset;
        format!("{}://{}:{port}", self.scheme, self.host)
    }
    /// Docs portal.
    pub fn docs_portal(&self) -> String {
        self.at(0)
    }
    /// TechPass.
    pub fn techpass(&self) -> String {
        self.at(1)
    }
    /// WOG.
    pub fn wog(&self) -> String {
        self.at(2)
    }
    /// Authenticator.
    pub fn authenticator(&self) -> String {
        self.at(3)
    }
    /// Demo control.
    pub fn control(&self) -> String {
        self.at(4)
    }
    /// Where to listen; on loopback only, whatever the host is called.
    pub fn listen(&self, offset: u16) -> String {
        format!("127.0.0.1:{}", self.base + offset)
    }
}

/// The parts of a demonstration call each other by its name, so it must lead here.
async fn leads_here(origins: &Origins) -> Result<(), Failure> {
    let host = &origins.host;
    let found = tokio::net::lookup_host((host.as_str(), origins.base)).await;
    let here = found.is_ok_and(|mut all| all.any(|address| address.ip().is_loopback()));
    if here {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{host} does not lead to this computer; add the line `127.0.0.1 {host}` to /etc/hosts"
    )))
}

/// A story that was not played to its end has not been seen to hold.
fn interrupted() -> Failure {
    Failure::failed("stopped before the story was over")
}

/// Browsers give the phone's web app what it needs for its keys over HTTPS and at names of this computer alone.
fn phone_keeps_keys(origins: &Origins) -> bool {
    let url = url::Url::parse(&origins.authenticator());
    origins.scheme == "https" || url.is_ok_and(|url| names_loopback(&url))
}

fn warn_of_the_phone(origins: &Origins) {
    if !phone_keeps_keys(origins) {
        note!(
            "Over plain HTTP the Authenticator works in a browser at localhost only: at {} it cannot keep keys. Add --tls, \
             or use the phone on the command line.",
            origins.authenticator()
        );
    }
}

/// Runs the demonstration until it is stopped, or the check until it is done.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let mut asked = Asked::listen()?;
    let origins = Origins::new(&args)?;
    leads_here(&origins).await?;
    if let Some(dir) = &args.data {
        made_for::same(dir, &origins)?;
    }
    warn_of_the_phone(&origins);
    let temporary = match &args.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(Failure::system)?),
    };
    let data = match (&args.data, &temporary) {
        (Some(dir), _) => dir.clone(),
        (None, Some(dir)) => dir.path().to_owned(),
        (None, None) => return Err(Failure::failed("there is no data directory")),
    };
    let world = tokio::select! {
        started = World::start(&origins, &data, args.tls) => started?,
        () = asked.again() => return match args.check {
            true => Err(interrupted()),
            false => Ok(Exit::Ok),
        },
    };
    let ready_ms = begun.elapsed().as_millis();
    if args.check {
        let passed = tokio::select! {
            played = check::run(&world) => played,
            () = asked.again() => Err(interrupted()),
        };
        world.stop().await;
        return Ok(if passed? { Exit::Ok } else { Exit::Failed });
    }
    if args.json {
        let ready = world.describe(u64::try_from(ready_ms).unwrap_or(u64::MAX));
        say!("{ready}");
    } else {
        world.greet();
    }
    tokio::select! {
        () = asked.again() => {}
        error = world.ended() => return Err(error),
    }
    world.stop().await;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_this_computer_alone_keeps_keys_over_plain_http() {
        for (scheme, host, expected) in [
            ("http", "localhost", true),
            ("http", "pass.localhost", true),
            ("http", "127.0.0.1", true),
            ("http", "pass.example", false),
            ("https", "pass.example", true),
        ] {
            let origins = Origins {
                scheme,
                host: host.to_owned(),
                base: 8080,
            };
            assert_eq!(phone_keeps_keys(&origins), expected, "{scheme} {host}");
        }
    }
}
