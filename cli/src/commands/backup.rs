//! `techpass backup`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::{note, say};
use serde_json::json;
use std::path::PathBuf;
use techpass_server::backup;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Writes the backup, and says what is in it.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let app = args.config.open().await?;
    let made = backup::make(&app, &args.to).await?;
    if args.json {
        let rows: serde_json::Map<String, serde_json::Value> = made
            .inside
            .rows
            .iter()
            .map(|(table, rows)| (table.clone(), (*rows).into()))
            .collect();
        say!(
            "{}",
            json!({ "file": args.to, "sha256": made.sha256, "bytes": made.bytes, "schema": made.inside.schema, "rows": rows })
        );
    } else {
        say!("{}  {}", made.sha256, args.to.display());
        note!(
            "schema {}, {} bytes, checked",
            made.inside.schema,
            made.bytes
        );
        for (table, rows) in &made.inside.rows {
            note!("  {rows:>10}  {table}");
        }
    }
    note!(
        "The master key {} is not in it; keep a copy of it somewhere else.",
        app.config.secrets.master_key_file.display()
    );
    app.store.close().await.map_err(Failure::system)?;
    Ok(Exit::Ok)
}
