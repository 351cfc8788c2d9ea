//! `techpass restore`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::{self, note};
use std::path::PathBuf;
use techpass_server::backup;
use techpass_server::clock::Clock;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Move a database that is there aside.
    #[arg(long)]
    force: bool,
}

/// Puts the backup back, and says what to look at.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let config = args.config.read()?;
    let now = Clock::system().now();
    let restored = backup::restore(&config, &args.from, args.force, now).await?;
    let from = args.from.display();
    // What is to be looked at is said in any case.
    let said = say::result(format_args!("restored from {from}\n"));
    for (table, rows) in &restored.inside.rows {
        note!("  {rows:>10}  {table}");
    }
    if let Some(path) = restored.moved_to {
        note!("The database that was there is now {}.", path.display());
    }
    note!(
        "Every session, code, refresh token, link and open login has ended. Look through what happened since the backup: \
         accounts that were disabled or put on hold may sign in again, passwords that were changed are the old ones, phones \
         and computers that were registered are not, and applications that were added are missing."
    );
    said.map(|()| Exit::Ok)
}
