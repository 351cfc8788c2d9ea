//! `techpass users`.

use super::{ConfigArg, secret_from};
use crate::exit::{Exit, Failure};
use crate::say::say;
use crate::terminal::printable;
use std::path::PathBuf;
use techpass_domain::account::{Account, Kind};
use techpass_domain::consent::Consent;
use techpass_server::admin::{self, NewAccount};
use techpass_server::authenticator::enrol;

/// Verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add an account.
    Add(Add),
    /// Show one account.
    Show(One),
    /// List accounts.
    List(List),
    /// Set a password.
    SetPassword(SetPassword),
    /// Make a link that enrols a phone.
    EnrolLink(One),
    /// Take an account off hold, enable it again, or let it try anew after too many failures.
    Release(WithReason),
    /// Disable an account and end its sessions.
    Disable(WithReason),
    /// List what an account allowed applications to have.
    Consents(One),
    /// Take back what an account allowed an application; its tokens are dead at once.
    Withdraw(Withdraw),
}

/// A new account.
#[derive(Debug, clap::Args)]
pub struct Add {
    #[command(flatten)]
    config: ConfigArg,
    /// What the person types: an e-mail address or a TechPass ID.
    #[arg(long)]
    login_id: String,
    /// The name shown.
    #[arg(long)]
    name: String,
    /// The contact address.
    #[arg(long)]
    email: Option<String>,
    /// The organisation shown.
    #[arg(long)]
    organisation: Option<String>,
    /// officer, vendor, temp, other, product or operator (default: the server's usual kind).
    #[arg(long)]
    kind: Option<String>,
    /// Whether the account may administer its tenant.
    #[arg(long)]
    tenant_administrator: bool,
    /// The upstream's `sub`, for an account whose home is elsewhere.
    #[arg(long)]
    upstream_subject: Option<String>,
    /// Read a password from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One account.
#[derive(Debug, clap::Args)]
pub struct One {
    #[command(flatten)]
    config: ConfigArg,
    /// The login ID.
    login_id: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A list.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    config: ConfigArg,
    /// Begin after this login ID.
    #[arg(long, default_value = "")]
    after: String,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: i64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A password.
#[derive(Debug, clap::Args)]
pub struct SetPassword {
    #[command(flatten)]
    config: ConfigArg,
    /// The login ID.
    login_id: String,
    /// Read it from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE", default_value = "-")]
    password_file: PathBuf,
}

/// What is to be taken back.
#[derive(Debug, clap::Args)]
pub struct Withdraw {
    #[command(flatten)]
    config: ConfigArg,
    /// The login ID.
    login_id: String,
    /// The application's client_id.
    #[arg(long)]
    client: String,
}

/// A change with a reason.
#[derive(Debug, clap::Args)]
pub struct WithReason {
    #[command(flatten)]
    config: ConfigArg,
    /// The login ID.
    login_id: String,
    /// Why; it goes into the audit record.
    #[arg(long)]
    reason: String,
}

/// Carries a verb out.
pub async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Add(add) => return self::add(add).await,
        Command::Show(one) => {
            let app = one.config.open().await?;
            print(&admin::account(&app, &one.login_id).await?, one.json)?;
        }
        Command::List(list) => {
            let app = list.config.open().await?;
            let accounts = app.store.accounts(&list.after, list.limit).await;
            for account in accounts.map_err(Failure::system)? {
                print(&account, list.json)?;
            }
        }
        Command::SetPassword(set) => {
            let app = set.config.open().await?;
            let password = secret_from(&set.password_file)?;
            admin::set_password(&app, &set.login_id, password).await?;
        }
        Command::EnrolLink(one) => {
            let app = one.config.open().await?;
            let account = admin::account(&app, &one.login_id).await?;
            let link = enrol::link(&app, &account.id, enrol::LINK_LIFETIME_S).await?;
            if one.json {
                say!(
                    "{}",
                    serde_json::json!({ "link": link, "expires_in_s": enrol::LINK_LIFETIME_S })
                );
            } else {
                say!("{link}");
            }
        }
        Command::Release(with) => {
            let app = with.config.open().await?;
            admin::release(&app, &with.login_id, &with.reason).await?;
        }
        Command::Disable(with) => {
            let app = with.config.open().await?;
            admin::disable(&app, &with.login_id, &with.reason).await?;
        }
        Command::Consents(one) => {
            let app = one.config.open().await?;
            for consent in admin::consents(&app, &one.login_id).await? {
                print_consent(&consent, one.json)?;
            }
        }
        Command::Withdraw(with) => {
            let app = with.config.open().await?;
            admin::withdraw(&app, &with.login_id, &with.client).await?;
        }
    }
    Ok(Exit::Ok)
}

fn print_consent(consent: &Consent, json: bool) -> Result<(), Failure> {
    if json {
        say!("{}", serde_json::json!(consent));
        return Ok(());
    }
    let claims: Vec<&str> = consent.claims.iter().map(String::as_str).collect();
    say!(
        "{}  {}  {}",
        consent.client,
        consent.scope,
        claims.join(" ")
    );
    Ok(())
}

async fn add(add: Add) -> Result<Exit, Failure> {
    let kind = match add.kind.as_deref().map(|text| (text, Kind::parse(text))) {
        Some((text, None)) => {
            return Err(Failure::usage(format!(
                "--kind {text}: write officer, vendor, temp, other, product or operator"
            )));
        }
        Some((_, kind)) => kind,
        None => None,
    };
    let password = add.password_file.as_deref().map(secret_from).transpose()?;
    let app = add.config.open().await?;
    let new = NewAccount {
        login_id: add.login_id,
        name: add.name,
        email: add.email,
        organisation: add.organisation,
        kind,
        tenant_administrator: add.tenant_administrator,
        upstream_subject: add.upstream_subject,
        ..NewAccount::default()
    };
    let account = admin::add_account_with(&app, new, password).await?;
    print(&account, add.json)?;
    Ok(Exit::Ok)
}

fn print(account: &Account, json: bool) -> Result<(), Failure> {
    if json {
        say!("{}", serde_json::json!(account));
    } else {
        let (login_id, name) = (printable(&account.login_id), printable(&account.name));
        say!("{login_id}  {}  {name}", account.id);
    }
    Ok(())
}
