//! `techpass init`: a master key and a commented configuration.

use crate::demo::new_master_key;
use crate::exit::{Exit, Failure};
use crate::say::{note, say};
use std::path::{Path, PathBuf};
use techpass_server::files;

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
    // The configuration must mean the same from wherever the server is started.
    let dir = std::path::absolute(&args.dir).map_err(Failure::system)?;
    let (key, config) = (dir.join("master.key"), dir.join("techpass.toml"));
    for file in [&key, &config] {
        if file.exists() {
            return Err(Failure::refused(format!(
                "{} is there already",
                file.display()
            )));
        }
    }
    let example = if args.role == "home" { HOME } else { TECHPASS };
    let text = configuration(example, &dir)?;
    // The key comes last: what is left when there is no room is a configuration, which anybody may remove.
    write(&config, text.as_bytes())?;
    if let Err(failure) = write(&key, new_master_key()?.as_bytes()) {
        let _ = std::fs::remove_file(&config);
        return Err(failure);
    }
    say!("{}\n{}", key.display(), config.display());
    note!("Keep the master key apart from the database and its backups.");
    Ok(Exit::Ok)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::failed(format!("cannot write {}: {error}", path.display()));
    files::write_new(path, bytes).map_err(failed)
}

/// An example with its files in this directory.
fn configuration(example: &str, dir: &Path) -> Result<String, Failure> {
    let dir = dir
        .to_str()
        .ok_or_else(|| Failure::usage("--dir must be text in UTF-8"))?;
    // Within a basic string of TOML, which escapes as JSON does.
    let quoted = serde_json::to_string(dir).map_err(Failure::system)?;
    let within = quoted.trim_start_matches('"');
    let within = within.strip_suffix('"').unwrap_or(within);
    let mut text = String::with_capacity(example.len());
    let mut rest = example;
    // One walk, so that nothing that was put in is replaced again.
    while let Some((at, found)) = ["/etc/techpass", "/var/lib/techpass"]
        .iter()
        .filter_map(|found| Some((rest.find(found)?, found)))
        .min()
    {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        text.push_str(within);
        rest = after.strip_prefix(*found).unwrap_or(after);
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use techpass_server::config::Config;

    #[test]
    fn any_directory_makes_a_configuration_that_names_it() {
        for dir in [
            "/etc/techpass",
            "/srv/var/lib/techpass/x",
            "/a \"quoted\" one",
            "/it's \"both\"",
            "/back\\slash",
        ] {
            for example in [TECHPASS, HOME] {
                let text = configuration(example, Path::new(dir)).unwrap();
                let config = Config::parse(&text, "techpass.toml", std::iter::empty()).unwrap();
                let key = Path::new(dir).join("master.key");
                assert_eq!(config.secrets.master_key_file, key, "{dir}");
                let database = Path::new(dir).join("techpass.db");
                assert_eq!(config.database_file(), Some(database.as_path()), "{dir}");
            }
        }
    }
}
