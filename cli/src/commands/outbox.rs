//! `techpass outbox`: what is to be delivered to applications and people, and what was given up.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::say;
use serde_json::{Value, json};
use techpass_server::clock::utc;
use techpass_store::keeping::OutboxRow;
use techpass_store::{StoreError, Write};

/// Verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List what is not delivered, newest first: name, kind, since when, tries, and why the last one failed.
    List(List),
    /// Deliver again what failed, with all its tries.
    Retry(Retry),
}

/// Options of `list`.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    config: ConfigArg,
    /// Only what failed last.
    #[arg(long)]
    failed: bool,
    /// At most so many lines.
    #[arg(long, default_value_t = 100)]
    limit: i64,
    /// Print JSON, an object a line.
    #[arg(long)]
    json: bool,
}

/// Options of `retry`.
#[derive(Debug, clap::Args)]
pub struct Retry {
    #[command(flatten)]
    config: ConfigArg,
    /// The name that `outbox list` shows.
    id: String,
}

/// Carries a verb out. A running server delivers within seconds.
pub async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List(args) => {
            let app = args.config.open().await?;
            let rows = app.store.undelivered(args.failed, args.limit).await;
            for row in rows.map_err(Failure::system)? {
                if args.json {
                    say!("{}", as_json(&row));
                    continue;
                }
                let standing = match (row.done_at, row.last_error) {
                    (Some(_), Some(error)) => format!("given up: {error}"),
                    (None, Some(error)) => format!("tried again soon: {error}"),
                    (_, None) => "waiting".to_owned(),
                };
                let since = utc(row.created_at);
                say!(
                    "{}  {}  {since}  {}  {standing}",
                    row.id,
                    row.kind,
                    row.attempts
                );
            }
        }
        Command::Retry(args) => {
            let app = args.config.open().await?;
            let write = Write::DeliverAgain {
                id: args.id.clone(),
                at: app.now(),
            };
            match app.store.commit(vec![write]).await {
                Ok(()) => {}
                Err(StoreError::Conflict(_)) => {
                    return Err(Failure::refused(format!(
                        "nothing that failed is called {}; `techpass outbox list --failed` names it",
                        args.id
                    )));
                }
                Err(error) => return Err(Failure::system(error)),
            }
        }
    }
    Ok(Exit::Ok)
}

/// A row without what it holds, which may be somebody's; times in Unix seconds.
fn as_json(row: &OutboxRow) -> Value {
    let standing = match (row.done_at, &row.last_error) {
        (Some(_), Some(_)) => "given_up",
        (None, Some(_)) => "tried_again",
        (_, None) => "waiting",
    };
    json!({
        "id": row.id,
        "kind": row.kind,
        "created_at": row.created_at,
        "attempts": row.attempts,
        "standing": standing,
        "error": row.last_error,
    })
}
