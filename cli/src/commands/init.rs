//! `techpass init`: a master key and a commented configuration.

use crate::demo::{new_master_key, write_private};
use crate::exit::{Exit, Failure};
use crate::say::{note, say};
use std::path::PathBuf;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the files go; made when it is not there.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// `techpass` (accounts of its own, officers from an upstream) or `home` (a home organisation like WOG).
    #[arg(long, default_value = "techpass", value_parser = ["techpass", "home"])]
    role: String,
}

const TECHPASS: &str = include_str!("../../../docs/examples/techpass.toml");
const HOME: &str = include_str!("../../../docs/examples/home-organisation.toml");

/// Writes `master.key` and `techpass.toml`; never over files that are there.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    std::fs::create_dir_all(&args.dir)
        .map_err(|error| Failure::failed(format!("cannot make {}: {error}", args.dir.display())))?;
    let key = args.dir.join("master.key");
    let config = args.dir.join("techpass.toml");
    for file in [&key, &config] {
        if file.exists() {
            return Err(Failure::refused(format!(
                "{} is there already",
                file.display()
            )));
        }
    }
    write_private(&key, new_master_key()?.as_bytes())?;
    let text = if args.role == "home" { HOME } else { TECHPASS };
    let dir = args.dir.display().to_string();
    let text = text
        .replace("/etc/techpass", &dir)
        .replace("/var/lib/techpass", &dir);
    std::fs::write(&config, text).map_err(Failure::system)?;
    say!("{}\n{}", key.display(), config.display());
    note!("Keep the master key apart from the database and its backups.");
    Ok(Exit::Ok)
}
