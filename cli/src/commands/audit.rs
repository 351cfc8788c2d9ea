//! `techpass audit`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::say;
use serde_json::{Value, json};

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Only what belongs to this reference, such as 7K4M-2Q9X.
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// At most so many lines, newest first.
    #[arg(long, default_value_t = 50)]
    limit: i64,
}

/// Prints lines of JSON.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let app = args.config.open().await?;
    let reference = args.reference.map(|text| text.to_uppercase());
    let rows = app.store.audit(reference.as_deref(), args.limit).await;
    for row in rows.map_err(Failure::system)? {
        let detail: Value = serde_json::from_str(&row.detail).unwrap_or(Value::Null);
        say!(
            "{}",
            json!({
                "at": row.at, "kind": row.kind, "account": row.account, "client": row.client,
                "reference": row.reference, "detail": detail,
            })
        );
    }
    Ok(Exit::Ok)
}
