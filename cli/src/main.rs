//! The program `techpass`: serve, demo, authenticator, administration.

// `say!` and `note!` do not panic when nobody listens.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod commands;
mod demo;
mod exit;
mod logging;
mod notify;
mod phone;
mod say;
mod stop;
mod terminal;

use clap::{CommandFactory, Parser, Subcommand};
use exit::{Exit, Failure};
use say::{note, say};
use std::process::ExitCode;

/// The commit this was built from; `build.rs` asks for it.
const COMMIT: &str = env!("TECHPASS_COMMIT");
/// Version and commit.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("TECHPASS_COMMIT"),
    ")"
);

/// Sign-in server with number matching, several accounts in one browser, and device rules.
#[derive(Parser)]
#[command(name = "techpass", version = VERSION, about, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 ok · 1 failed · 2 usage · 3 configuration · 4 cannot reach the server · 5 refused"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Portal, sign-in servers and a phone on this computer.
    Demo(demo::Args),
    /// Start the server.
    Serve(commands::serve::Args),
    /// Write a configuration and a master key to begin with.
    Init(commands::init::Args),
    /// A phone on the command line.
    Authenticator(phone::Args),
    /// Accounts: add, show, list, set a password, enrol a phone, release from hold.
    #[command(subcommand)]
    Users(commands::users::Command),
    /// Applications: add, list.
    #[command(subcommand)]
    Clients(commands::clients::Command),
    /// Computers: make a registration link, list.
    #[command(subcommand)]
    Devices(commands::devices::Command),
    /// Signing keys: list, rotate, revoke.
    #[command(subcommand)]
    Keys(commands::keys::Command),
    /// Deliveries: list, retry.
    #[command(subcommand)]
    Outbox(commands::outbox::Command),
    /// Add accounts and applications from a file, or fill an empty database from an export.
    Import(commands::import::Args),
    /// Write everything the database holds into a file, to move to another database.
    Export(commands::export::Args),
    /// Bring the database's schema up to date.
    Migrate(commands::migrate::Args),
    /// How to integrate an application, with a client's values: rust, apache, browser, curl.
    Snippet(commands::snippet::Args),
    /// The audit record.
    Audit(commands::audit::Args),
    /// Write a copy of the database while it is in use, and check it.
    Backup(commands::backup::Args),
    /// Put a copy back; every session in it ends.
    Restore(commands::restore::Args),
    /// Check configuration, secrets, database, disk, clock, TLS and upstreams.
    Doctor(commands::doctor::Args),
    /// Whether a running server is ready, for container probes.
    Healthcheck(commands::healthcheck::Args),
    /// Print what makes a shell complete this program's words.
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
    /// Print the version and the commit.
    Version {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let said = error.print();
            if error.use_stderr() {
                return Exit::Usage.into();
            }
            let said = said.map_err(|error| say::failure(&error));
            return ended(said.map(|()| Exit::Ok.into()));
        }
    };
    techpass_server::built_from(COMMIT);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (log, traces) = match &cli.command {
        Command::Serve(args) => args.log(),
        _ => Default::default(),
    };
    let _logging = logging::start(&log, &traces);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            note!("error: {error}");
            return Exit::Failed.into();
        }
    };
    ended(runtime.block_on(run(cli.command)))
}

/// The exit code of a command, with a sentence when it did not succeed.
fn ended(outcome: Result<ExitCode, Failure>) -> ExitCode {
    outcome.unwrap_or_else(|failure| {
        if failure.exit != Exit::Ok {
            note!("error: {failure}");
        }
        failure.exit.into()
    })
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    let exit = match command {
        Command::Demo(args) => demo::run(args).await?,
        Command::Serve(args) => commands::serve::run(args).await?,
        Command::Init(args) => commands::init::run(&args)?,
        Command::Authenticator(args) => return Ok(phone::run(args).await),
        Command::Users(command) => commands::users::run(command).await?,
        Command::Clients(command) => commands::clients::run(command).await?,
        Command::Devices(command) => commands::devices::run(command).await?,
        Command::Keys(command) => commands::keys::run(command).await?,
        Command::Outbox(command) => commands::outbox::run(command).await?,
        Command::Import(args) => commands::import::run(args).await?,
        Command::Export(args) => commands::export::run(args).await?,
        Command::Migrate(args) => commands::migrate::run(args).await?,
        Command::Snippet(args) => commands::snippet::run(args).await?,
        Command::Audit(args) => commands::audit::run(args).await?,
        Command::Backup(args) => commands::backup::run(args).await?,
        Command::Restore(args) => commands::restore::run(args).await?,
        Command::Doctor(args) => commands::doctor::run(args).await?,
        Command::Healthcheck(args) => commands::healthcheck::run(args).await?,
        Command::Completions { shell } => {
            let mut words = Cli::command();
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut words, "techpass", &mut text);
            say::result(format_args!("{}", String::from_utf8_lossy(&text)))?;
            Exit::Ok
        }
        Command::Version { json: true } => {
            let version = env!("CARGO_PKG_VERSION");
            say!(
                "{}",
                serde_json::json!({ "version": version, "commit": COMMIT })
            );
            Exit::Ok
        }
        Command::Version { json: false } => {
            say!("techpass {VERSION}");
            Exit::Ok
        }
    };
    Ok(exit.into())
}
