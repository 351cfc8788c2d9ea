//! `techpass clients`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use serde_json::{Value, json};
use techpass_domain::client::{AuthMethod, Client, SigningAlg};
use techpass_domain::id::ClientId;
use techpass_server::admin::{self, NewClient};

/// Verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register an application.
    Add(Add),
    /// Show one application.
    Show(One),
    /// List applications.
    List(List),
}

/// A new client.
#[derive(Debug, clap::Args)]
pub struct Add {
    #[command(flatten)]
    config: ConfigArg,
    /// The name people see.
    #[arg(long)]
    name: String,
    /// Where answers go; may be given several times.
    #[arg(long, value_name = "URI", required = true)]
    redirect_uri: Vec<String>,
    /// client_secret_basic, client_secret_post or none.
    #[arg(long, value_name = "METHOD", default_value = "client_secret_basic")]
    auth: String,
    /// Its client_id (default: a random one).
    #[arg(long)]
    id: Option<String>,
    /// Where people may go after log-out; may be given several times.
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// Where logout tokens go.
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// Where "Start again" leads.
    #[arg(long, value_name = "URI")]
    initiate_login_uri: Option<String>,
    /// What ID tokens are signed with: ES256 or RS256.
    #[arg(long, default_value = "ES256")]
    alg: String,
    /// A confidential client of the plain OpenID Connect profile that sends no PKCE.
    #[arg(long)]
    pkce_optional: bool,
    /// Marked for automated tests.
    #[arg(long)]
    test: bool,
    /// Itself a sign-in server whose answers travel on.
    #[arg(long)]
    broker: bool,
    /// In development: error pages show what was sent beside what is registered.
    #[arg(long)]
    development: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One client.
#[derive(Debug, clap::Args)]
pub struct One {
    #[command(flatten)]
    config: ConfigArg,
    /// Its client_id.
    id: String,
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
        Command::Add(add) => return self::add(add).await,
        Command::Show(one) => {
            let app = one.config.open().await?;
            let client = app.store.client(&ClientId::new(one.id.as_str())).await;
            match client.map_err(Failure::system)? {
                Some(client) => println!("{}", shown(&client)),
                None => return Err(Failure::refused(format!("there is no client {}", one.id))),
            }
        }
        Command::List(list) => {
            let app = list.config.open().await?;
            for client in app.store.clients().await.map_err(Failure::system)? {
                if list.json {
                    println!("{}", shown(&client));
                } else {
                    println!("{}  {}", client.id, client.name);
                }
            }
        }
    }
    Ok(Exit::Ok)
}

/// Everything but the secrets' hashes.
fn shown(client: &Client) -> Value {
    let mut value = json!(client);
    if let Some(members) = value.as_object_mut() {
        members.remove("registration");
        members.remove("secrets");
    }
    value
}

async fn add(add: Add) -> Result<Exit, Failure> {
    let auth_method = AuthMethod::parse(&add.auth).ok_or_else(|| {
        Failure::usage("--auth takes client_secret_basic, client_secret_post or none")
    })?;
    let alg = SigningAlg::parse(&add.alg)
        .ok_or_else(|| Failure::usage("--alg takes ES256, RS256, PS256 or EdDSA"))?;
    let app = add.config.open().await?;
    let new = NewClient {
        id: add.id,
        name: add.name,
        redirect_uris: add.redirect_uri,
        post_logout_redirect_uris: add.post_logout_redirect_uri,
        backchannel_logout_uri: add.backchannel_logout_uri,
        initiate_login_uri: add.initiate_login_uri,
        auth_method,
        alg,
        pkce_optional: add.pkce_optional,
        test: add.test,
        broker: add.broker,
        development: add.development,
    };
    let added = admin::add_client(&app, new).await?;
    let client = &added.client;
    if add.json {
        println!(
            "{}",
            json!({
                "client_id": client.id,
                "client_secret": added.secret,
                "client_name": client.name,
                "redirect_uris": client.redirect_uris,
                "token_endpoint_auth_method": client.auth_method,
                "issuer": app.issuer,
            })
        );
    } else {
        println!("client_id      {}", client.id);
        if let Some(secret) = &added.secret {
            println!("client_secret  {secret}");
            eprintln!("The secret is shown this once.");
        }
        println!("issuer         {}", app.issuer);
    }
    Ok(Exit::Ok)
}
