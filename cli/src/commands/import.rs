//! `techpass import FILE`: accounts and applications from a TOML file, or a whole instance from an export.

use super::ConfigArg;
use super::clients::{jwks, known};
use crate::exit::{Exit, Failure};
use crate::say;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use techpass_domain::account::Kind;
use techpass_server::admin::{self, NewAccount};
use techpass_server::clients::{self, Traits, Wanted};
use techpass_server::transfer;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// A TOML file with `[[users]]` and `[[clients]]`, or a file of `techpass export`.
    file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    clients: Vec<ClientEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    login_id: String,
    name: String,
    email: Option<String>,
    organisation: Option<String>,
    kind: Option<Kind>,
    upstream_subject: Option<String>,
}

/// An application: its id, what only an administrator says, and members of Dynamic Client Registration.
#[derive(Deserialize)]
struct ClientEntry {
    id: Option<String>,
    jwks_file: Option<PathBuf>,
    #[serde(flatten)]
    members: toml::Table,
}

/// Short names that stand for longer ones.
const SHORT: [(&str, &str); 3] = [
    ("name", "client_name"),
    ("auth", "token_endpoint_auth_method"),
    ("alg", "id_token_signed_response_alg"),
];
/// What is no member of the metadata.
const TRAITS: [&str; 8] = [
    "test",
    "broker",
    "development",
    "consent",
    "pkce_optional",
    "introspects_all",
    "logout",
    "profile",
];

impl ClientEntry {
    /// What the entry asks for; an unknown key is an error. A key file's path counts from the file's own folder.
    fn wanted(self, folder: &Path) -> Result<Wanted, Failure> {
        let (mut metadata, mut traits) = (Map::new(), toml::Table::new());
        for (name, value) in self.members {
            if TRAITS.contains(&name.as_str()) {
                traits.insert(name, value);
                continue;
            }
            let long = SHORT.iter().find(|(short, _)| *short == name);
            let name = long.map_or(name.as_str(), |(_, long)| long);
            known(name)?;
            let value: Value = serde_json::to_value(value).map_err(Failure::system)?;
            metadata.insert(name.to_owned(), value);
        }
        if let Some(file) = self.jwks_file {
            metadata.insert("jwks".to_owned(), jwks(&folder.join(file))?);
        }
        let traits: Traits = traits
            .try_into()
            .map_err(|error: toml::de::Error| Failure::failed(error.to_string()))?;
        Ok(Wanted {
            id: self.id,
            metadata,
            traits,
        })
    }
}

/// Adds what the file holds. It stops at the first entry that is refused and says which; those before it stand. It does
/// not stop when nobody reads what it says.
/// A file that `techpass export` wrote fills an empty database, or changes nothing that was there.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    if transfer::is_one(&args.file) {
        let sum = transfer::import(&args.config.read()?, &args.file).await?;
        super::export::said(&sum)?;
        return Ok(Exit::Ok);
    }
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        Failure::failed(format!("cannot read {}: {error}", args.file.display()))
    })?;
    let file: File = toml::from_str(&text)
        .map_err(|error| Failure::failed(format!("{}: {error}", args.file.display())))?;
    let app = args.config.open().await?;
    let mut said = Ok(());
    for user in file.users {
        let login_id = user.login_id.clone();
        let new = NewAccount {
            login_id: user.login_id,
            name: user.name,
            email: user.email,
            organisation: user.organisation,
            kind: user.kind,
            upstream_subject: user.upstream_subject,
            ..NewAccount::default()
        };
        let added = admin::add_account(&app, new).await;
        added.map_err(|error| Failure::refused(format!("user {login_id}: {error}")))?;
        said = said.and_then(|()| say::result(format_args!("user    {login_id}\n")));
    }
    let folder = args.file.parent().unwrap_or(Path::new(""));
    for entry in file.clients {
        let name = entry.id.clone().or_else(|| {
            let name = entry
                .members
                .get("name")
                .or_else(|| entry.members.get("client_name"));
            name.and_then(|name| name.as_str()).map(str::to_owned)
        });
        let refused = |error: String| {
            Failure::refused(format!(
                "client {}: {error}",
                name.as_deref().unwrap_or("?")
            ))
        };
        let wanted = entry
            .wanted(folder)
            .map_err(|error| refused(error.to_string()))?;
        let added = clients::add(&app, wanted).await;
        let added = added.map_err(|error| refused(error.to_string()))?;
        let (id, secret) = (added.client.id, added.secret.unwrap_or_default());
        said = said.and_then(|()| say::result(format_args!("client  {id}  {secret}\n")));
    }
    said.map(|()| Exit::Ok)
}
