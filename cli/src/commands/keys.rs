//! `techpass keys`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::{note, say};
use serde_json::json;
use techpass_domain::keys::{KeyLife, KeyState};
use techpass_domain::time::Timestamp;
use techpass_server::app::App;
use techpass_server::keys;

/// Verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List signing keys.
    List(List),
    /// Publish new signing keys; they sign once they have been published long enough. The present ones stay published
    /// until their last token is dead.
    Rotate(Rotate),
    /// Put a key in wrong hands out of use: nothing it signed is believed from now on, and another signs at once.
    Revoke(Revoke),
}

/// Options of `list`.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    config: ConfigArg,
    /// Print JSON, an object a line.
    #[arg(long)]
    json: bool,
}

/// Options of `rotate`.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    #[command(flatten)]
    config: ConfigArg,
    /// Sign with the new keys at once, before everybody has fetched them.
    #[arg(long)]
    now: bool,
}

/// Options of `revoke`.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    #[command(flatten)]
    config: ConfigArg,
    /// The key, as `keys list` names it.
    kid: String,
}

/// Carries a verb out. A running server takes changes up within seconds.
pub async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List(args) => {
            let app = args.config.open().await?;
            let rows = app.store.keys().await.map_err(Failure::system)?;
            let lives = keys::lives(&rows);
            match args.json {
                true => print_json(&app, &lives)?,
                false => show(&app, &lives)?,
            }
        }
        Command::Rotate(args) => {
            let app = args.config.open().await?;
            let changed = keys::rotate(&app, args.now).await?;
            if changed.is_empty() {
                note!("the next keys are published already; --now signs with them at once");
                show(
                    &app,
                    &keys::lives(&app.store.keys().await.map_err(Failure::system)?),
                )?;
            }
            show(&app, &changed)?;
        }
        Command::Revoke(args) => {
            let app = args.config.open().await?;
            match keys::revoke(&app, &args.kid).await? {
                Some(changed) => show(&app, &changed)?,
                None => {
                    return Err(Failure::refused(format!(
                        "there is no key {} that is in use; `techpass keys list` names them",
                        args.kid
                    )));
                }
            }
        }
    }
    Ok(Exit::Ok)
}

/// One key a line: name, algorithm, what it is for, and since or from when.
fn show(app: &App, keys: &[KeyLife]) -> Result<(), Failure> {
    for key in keys {
        let when = match (key.state, key.retired_at) {
            (KeyState::Next, _) => {
                let from = app.config.keys.signs_from(key.created_at);
                format!("signs from {}", clock(from))
            }
            (KeyState::Active, _) => format!("made {}", clock(key.created_at)),
            (_, Some(at)) => format!("until {}", clock(at)),
            (_, None) => String::new(),
        };
        say!(
            "{}  {:5}  {:7}  {when}",
            key.kid,
            key.alg.as_str(),
            key.state.as_str()
        );
    }
    Ok(())
}

/// One key a line, with times in Unix seconds.
fn print_json(app: &App, keys: &[KeyLife]) -> Result<(), Failure> {
    for key in keys {
        let from = app.config.keys.signs_from(key.created_at);
        let next = key.state == KeyState::Next;
        let line = json!({
            "kid": key.kid,
            "alg": key.alg.as_str(),
            "state": key.state.as_str(),
            "created_at": key.created_at,
            "signs_from": next.then_some(from),
            "retired_at": key.retired_at,
        });
        say!("{line}");
    }
    Ok(())
}

fn clock(at: Timestamp) -> String {
    techpass_server::clock::utc(at)
}
