//! `techpass migrate`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::say;
use techpass_store::{Open, Store};

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Brings the schema up to date, whatever `database.migrate` says, and says what was done.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let config = args.config.read()?;
    let open = Open {
        migrate: true,
        ..config.database.opening(false)?
    };
    let (store, applied) = Store::migrated(&config.database.url, open)
        .await
        .map_err(techpass_server::app::Error::from)?;
    let schema = techpass_store::schema_known();
    match applied {
        count if args.json => {
            say!(
                "{}",
                serde_json::json!({ "schema": schema, "applied": count })
            );
        }
        0 => say!("schema {schema}: nothing to do"),
        count => say!("schema {schema}: applied {count}"),
    }
    let _ = store.close().await;
    Ok(Exit::Ok)
}
