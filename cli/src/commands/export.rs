//! `techpass export`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::say;
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
    said(&sum)?;
    Ok(Exit::Ok)
}

/// Counts and digest, the same for both directions.
///
/// # Errors
/// When they cannot be written.
pub fn said(sum: &transfer::Sum) -> Result<(), Failure> {
    for (table, rows) in &sum.rows {
        say!("{rows:>10}  {table}");
    }
    say!("{:>10}  rows, digest {}", sum.total(), sum.digest());
    Ok(())
}
