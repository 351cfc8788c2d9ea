//! `techpass keys`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use techpass_server::keys;

/// Verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List signing keys.
    List(Args),
    /// Make new signing keys; the present ones stay published until their last token is dead.
    Rotate(Args),
}

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
}

/// Carries a verb out. A running server takes new keys up within seconds.
pub async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List(args) => {
            let app = args.config.open().await?;
            for key in app.store.keys().await.map_err(Failure::system)? {
                println!("{}  {}  {}", key.kid, key.alg, key.state);
            }
        }
        Command::Rotate(args) => {
            let app = args.config.open().await?;
            for kid in keys::rotate(&app).await? {
                println!("{kid}");
            }
        }
    }
    Ok(Exit::Ok)
}
