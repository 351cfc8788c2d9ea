//! `techpass devices`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::{note, say};
use crate::terminal::printable;
use serde_json::json;
use techpass_domain::device::DeviceClass;
use techpass_server::admin;
use techpass_server::devices::{self, LINK_LIFETIME_S, Ticket};

/// Verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a link that registers the browser that opens it.
    EnrolLink(EnrolLink),
    /// List computers.
    List(List),
}

/// A link.
#[derive(Debug, clap::Args)]
pub struct EnrolLink {
    #[command(flatten)]
    config: ConfigArg,
    /// non-se-gsib, gmd or se-gsib.
    #[arg(long)]
    class: String,
    /// The login ID of the person whose computer it is (default: nobody's, a shared one).
    #[arg(long)]
    person: Option<String>,
    /// A name for lists, such as an asset number.
    #[arg(long, default_value = "")]
    name: String,
}

/// A list.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    config: ConfigArg,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Carries a verb out.
pub async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::EnrolLink(args) => {
            let class = DeviceClass::parse(&args.class)
                .ok_or_else(|| Failure::usage("--class takes non-se-gsib, gmd or se-gsib"))?;
            let app = args.config.open().await?;
            let owner = match &args.person {
                Some(login_id) => Some(admin::account(&app, login_id).await?.id),
                None => None,
            };
            let ticket = Ticket {
                class: Some(class),
                owner,
                name: args.name,
                then: None,
            };
            say!("{}", devices::link(&app, &ticket).await?);
            note!(
                "Open it in that computer's browser within {} minutes.",
                LINK_LIFETIME_S / 60
            );
        }
        Command::List(list) => {
            let app = list.config.open().await?;
            for device in app.store.devices().await.map_err(Failure::system)? {
                if list.json {
                    say!("{}", json!(device));
                } else {
                    let (class, name) = (device.class.as_str(), printable(&device.name));
                    say!("{}  {class}  {name}", device.id);
                }
            }
        }
    }
    Ok(Exit::Ok)
}
