//! `techpass import FILE.toml`: accounts and applications from one file.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use serde::Deserialize;
use std::path::PathBuf;
use techpass_domain::account::Kind;
use techpass_domain::client::{AuthMethod, SigningAlg};
use techpass_server::admin::{self, NewAccount, NewClient};

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// The file, with `[[users]]` and `[[clients]]`.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientEntry {
    id: Option<String>,
    name: String,
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    backchannel_logout_uri: Option<String>,
    initiate_login_uri: Option<String>,
    auth: Option<AuthMethod>,
    alg: Option<SigningAlg>,
    #[serde(default)]
    pkce_optional: bool,
    #[serde(default)]
    test: bool,
}

/// Adds what the file holds. It stops at the first entry that is refused and says which; those before it stand.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        Failure::failed(format!("cannot read {}: {error}", args.file.display()))
    })?;
    let file: File = toml::from_str(&text)
        .map_err(|error| Failure::failed(format!("{}: {error}", args.file.display())))?;
    let app = args.config.open().await?;
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
        println!("user    {login_id}");
    }
    for entry in file.clients {
        let name = entry.name.clone();
        let new = NewClient {
            id: entry.id,
            name: entry.name,
            redirect_uris: entry.redirect_uris,
            post_logout_redirect_uris: entry.post_logout_redirect_uris,
            backchannel_logout_uri: entry.backchannel_logout_uri,
            initiate_login_uri: entry.initiate_login_uri,
            auth_method: entry.auth.unwrap_or(AuthMethod::ClientSecretBasic),
            alg: entry.alg.unwrap_or(SigningAlg::ES256),
            pkce_optional: entry.pkce_optional,
            test: entry.test,
            broker: false,
            development: false,
        };
        let added = admin::add_client(&app, new).await;
        let added = added.map_err(|error| Failure::refused(format!("client {name}: {error}")))?;
        println!(
            "client  {}  {}",
            added.client.id,
            added.secret.unwrap_or_default()
        );
    }
    Ok(Exit::Ok)
}
