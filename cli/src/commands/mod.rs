//! Administration: one noun a file, each verb a function of `techpass_server::admin`.

pub mod audit;
pub mod backup;
pub mod clients;
pub mod devices;
pub mod doctor;
pub mod export;
pub mod healthcheck;
pub mod import;
pub mod init;
pub mod keys;
pub mod migrate;
pub mod outbox;
pub mod restore;
pub mod serve;
pub mod snippet;
pub mod users;

use crate::exit::Failure;
use crate::say::note;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use techpass_server::app::App;
use techpass_server::clock::Clock;
use techpass_server::config::Config;
use zeroize::Zeroizing;

/// The configuration a command works on.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArg {
    /// The server's configuration file.
    #[arg(short, long, value_name = "FILE", env = "TECHPASS_CONFIG")]
    pub config: PathBuf,
}

impl ConfigArg {
    /// Reads it, with the environment laid over.
    pub fn read(&self) -> Result<Config, Failure> {
        Ok(Config::read(&self.config, std::env::vars_os())?)
    }

    /// Opens the instance beside a server that may be running.
    pub async fn open(&self) -> Result<App, Failure> {
        Ok(App::start(self.read()?, Clock::system(), false).await?)
    }
}

/// A secret from a file, or from standard input for `-`. Never from the command line, where others can read it.
pub fn secret_from(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed =
        |error: std::io::Error| Failure::failed(format!("cannot read {}: {error}", path.display()));
    let text = if path == Path::new("-") {
        typed().map_err(failed)?
    } else {
        std::fs::read_to_string(path).map_err(failed)?
    };
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// Standard input: one line that is not shown while it is typed on a terminal, else everything.
fn typed() -> std::io::Result<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return std::io::read_to_string(stdin);
    }
    crate::say::aside(format_args!("Password: "));
    let _unseen = Unseen::begin()?;
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    Ok(line)
}

/// While it lives, a terminal does not show what is typed.
struct Unseen(rustix::termios::Termios);

impl Unseen {
    fn begin() -> std::io::Result<Unseen> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
        Ok(Unseen(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
        // The end of the line was not shown either.
        note!("");
    }
}
