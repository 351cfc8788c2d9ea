//! The command `techpass authenticator`.

use super::answer::{is_number, waiting_still};
use super::{Decision, Phone, Request, file};
use crate::exit::Exit;
use crate::say;
use crate::terminal::printable;
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// A phone on the command line, for tests and for people without one.
#[derive(clap::Args)]
pub struct Args {
    /// The phone file; it is made when the first profile is enrolled
    #[arg(long, value_name = "FILE")]
    phone: PathBuf,
    /// A PEM file with certificate authorities to trust besides the computer's own; the phone file keeps it for a server
    /// that is enrolled with it
    #[arg(long, value_name = "FILE", env = "TECHPASS_CA", global = true)]
    ca: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

/// What the phone is to do.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a profile by an enrolment link
    Enrol {
        /// The whole link, with everything after the # sign
        link: String,
        /// What the phone is called in the account's list
        #[arg(long, value_name = "TEXT", default_value = "Command line")]
        name: String,
    },
    /// List the profiles
    Accounts {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the current verification code
    Code {
        /// The login ID
        #[arg(long, value_name = "A")]
        account: String,
        /// The profile's label, where the account has several profiles
        #[arg(long, value_name = "LABEL")]
        profile: Option<String>,
    },
    /// List the requests that wait for an answer
    Requests {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Wait for the first request up to this long
        #[arg(long, value_name = "SECONDS")]
        wait: Option<u64>,
    },
    /// Approve a request with the number that the browser shows
    Approve {
        /// The login ID
        #[arg(long, value_name = "A")]
        account: String,
        /// The two digits
        #[arg(long, value_name = "NN")]
        number: String,
        /// The request's id; without it the newest is answered
        #[arg(long, value_name = "ID")]
        request: Option<String>,
    },
    /// Decline a request
    Decline {
        /// The login ID
        #[arg(long, value_name = "A")]
        account: String,
        /// Say that somebody else made the request; the account is put on hold
        #[arg(long)]
        report: bool,
        /// The request's id; without it the newest is answered
        #[arg(long, value_name = "ID")]
        request: Option<String>,
    },
}

/// The exit status of a command that was called wrongly, the same as for options that do not parse.
const USAGE: u8 = 2;

/// Does what the command says. Exit status 0: done. 1: refused, with the reason on standard error. 2: called wrongly.
pub async fn run(args: Args) -> ExitCode {
    if let Some(complaint) = misuse(&args.command) {
        complain(complaint);
        return ExitCode::from(USAGE);
    }
    match act(args).await {
        Ok(output) => print(&output),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the values of a command. The sentence repeats none of them: they may be secrets.
fn misuse(command: &Command) -> Option<&'static str> {
    match command {
        Command::Approve { number, .. } if !is_number(number) => {
            Some("--number takes the two digits that the browser shows")
        }
        Command::Enrol { link, .. } if super::link::Link::read(link).is_err() => Some(
            "this is not an enrolment link: copy the whole link, with everything after the # sign, in quotes",
        ),
        _ => None,
    }
}

/// What to print.
async fn act(args: Args) -> Result<String> {
    if !matches!(args.command, Command::Enrol { .. }) {
        file::must_be_there(&args.phone)?;
    }
    let mut phone = match &args.ca {
        None => Phone::open(&args.phone)?,
        ca => Phone::open_trusting(&args.phone, ca.as_deref())?,
    };
    match args.command {
        Command::Enrol { link, name } => {
            let profile = phone.enrol(&link, &name).await?;
            let text = format!("{}: {} enrolled", profile.label, profile.account);
            Ok(line(&text))
        }
        Command::Accounts { json } => accounts(&phone, json),
        Command::Code { account, profile } => {
            Ok(line(&phone.code(&account, profile.as_deref()).await?))
        }
        Command::Requests { json, wait } => {
            let requests = phone.requests(wait).await?;
            if json {
                as_json(&requests)
            } else {
                Ok(table(&requests))
            }
        }
        Command::Approve {
            account,
            number,
            request,
        } => {
            let decision = Decision::Approve(&number);
            answer(&phone, &account, request.as_deref(), decision).await?;
            Ok(line("approved"))
        }
        Command::Decline {
            account,
            report,
            request,
        } => {
            let decision = if report {
                Decision::Report
            } else {
                Decision::Decline
            };
            answer(&phone, &account, request.as_deref(), decision).await?;
            Ok(line(if report {
                "declined and reported"
            } else {
                "declined"
            }))
        }
    }
}

/// Answers; when others wait than the one that was not named, a person should know.
async fn answer(
    phone: &Phone,
    account: &str,
    request: Option<&str>,
    decision: Decision<'_>,
) -> Result<()> {
    let others = phone.answer(account, request, decision).await?;
    if request.is_none() && !others.is_empty() {
        complain(&waiting_still(account, &others));
    }
    Ok(())
}

fn accounts(phone: &Phone, json: bool) -> Result<String> {
    let profiles = phone.accounts();
    if json {
        return as_json(&profiles);
    }
    let rows = profiles.iter();
    let rows = rows.map(|one| line(&format!("{}  {}  {}", one.label, one.account, one.issuer)));
    Ok(rows.collect())
}

fn table(requests: &[Request]) -> String {
    let mut text = String::new();
    if requests.len() > 1 {
        text.push_str("Several requests are waiting. Somebody else may have made one of them.\n");
    }
    for one in requests {
        let life_s = one.expires_at.saturating_sub(one.created_at);
        let row = format!(
            "{}  {}  {}  {}  {}  {}  (answer within {life_s} s)",
            one.id, one.account, one.issuer, one.app, one.location, one.device
        );
        text.push_str(&line(&row));
    }
    text
}

fn as_json(value: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    Ok(text)
}

fn line(text: &str) -> String {
    let mut line = printable(text);
    line.push('\n');
    line
}

fn print(output: &str) -> ExitCode {
    let Err(failure) = say::result(format_args!("{output}")) else {
        return ExitCode::SUCCESS;
    };
    if failure.exit != Exit::Ok {
        complain(&failure.to_string());
    }
    failure.exit.into()
}

fn complain(text: &str) {
    let mut shown = String::new();
    for row in text.lines() {
        let _ = writeln!(shown, "{}", printable(row));
    }
    say::aside(format_args!("{shown}"));
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &str) -> Result<Args, clap::Error> {
        let words = ["authenticator", "--phone", "mei.phone"]
            .into_iter()
            .chain(words.split(' '));
        Program::try_parse_from(words).map(|program| program.args)
    }

    #[test]
    fn the_commands_of_the_stable_interface_parse() {
        for words in [
            "enrol https://phone.example/enrol#issuer=https%3A%2F%2Fa.example&token=t",
            "enrol https://phone.example/enrol#issuer=https%3A%2F%2Fa.example&token=t --name Phone",
            "accounts",
            "accounts --json",
            "code --account mei@agency.example",
            "code --account mei@agency.example --profile WOG",
            "requests",
            "requests --json --wait 20",
            "approve --account mei@agency.example --number 52",
            "approve --account mei@agency.example --number 52 --request chl_1",
            "decline --account mei@agency.example",
            "decline --account mei@agency.example --report --ca ca.pem",
        ] {
            let args = parse(words).unwrap_or_else(|error| panic!("{words}: {error}"));
            assert_eq!(misuse(&args.command), None, "{words}");
        }
        for words in [
            "",
            "approve --number 52",
            "code",
            "requests --wait soon",
            "remove",
        ] {
            assert_eq!(
                parse(words).err().map(|error| error.exit_code()),
                Some(2),
                "{words}"
            );
        }
    }

    #[test]
    fn wrong_values_are_misuse_and_are_not_repeated() {
        for words in [
            "approve --account mei@agency.example --number 5",
            "approve --account mei@agency.example --number 521",
            "approve --account mei@agency.example --number 5x",
            "enrol https://phone.example/secret",
        ] {
            let complaint = misuse(&parse(words).unwrap().command).unwrap();
            assert!(!complaint.contains("521") && !complaint.contains("secret"));
        }
    }

    #[test]
    fn a_terminal_is_safe_from_what_servers_say() {
        assert_eq!(line("Agency\u{1b}[2J\nx"), "Agency[2Jx\n");
    }
}
