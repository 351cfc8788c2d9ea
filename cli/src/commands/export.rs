//! `techpass export`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use std::path::PathBuf;
use techpass_server::transfer;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Writes the file, and says what is in it.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let sum = transfer::export(&args.config.read()?, &args.to).await?;
    said(&sum);
    Ok(Exit::Ok)
}

/// Counts and digest, the same for both directions.
pub fn said(sum: &transfer::Sum) {
    for (table, rows) in &sum.rows {
        println!("{rows:>10}  {table}");
    }
    println!("{:>10}  rows, digest {}", sum.total(), sum.digest());
}
