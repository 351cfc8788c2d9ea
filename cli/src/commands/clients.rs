//! `techpass clients`.

mod fields;

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say::{note, say};
use crate::terminal::printable;
use fields::Fields;
pub use fields::{jwks, known};
use serde_json::{Value, json};
use techpass_domain::client::Client;
use techpass_domain::time::{Seconds, Timestamp};
use techpass_server::app::App;
use techpass_server::clients::{self, Wanted};

/// Verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register an application.
    Add(Box<Add>),
    /// Show one application, with its secrets' ages and last uses.
    Show(One),
    /// List applications.
    List(List),
    /// Change what is named; the rest stays. A list is replaced as a whole.
    Update(Box<Update>),
    /// Give an application a fresh secret; the present one stays good for a while.
    RotateSecret(RotateSecret),
    /// Remove an application; everything it was given stops working at once.
    Remove(One),
}

/// A new client.
#[derive(Debug, clap::Args)]
pub struct Add {
    #[command(flatten)]
    config: ConfigArg,
    /// The name people see.
    #[arg(long)]
    name: String,
    /// Its client_id (default: a random one).
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A changed client.
#[derive(Debug, clap::Args)]
pub struct Update {
    #[command(flatten)]
    config: ConfigArg,
    /// Its client_id.
    id: String,
    /// The name people see.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// A member that goes back to its default, such as jwks_uri; may be given several times.
    #[arg(long, value_name = "MEMBER")]
    clear: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A fresh secret.
#[derive(Debug, clap::Args)]
pub struct RotateSecret {
    #[command(flatten)]
    config: ConfigArg,
    /// Its client_id.
    id: String,
    /// How much longer the present secret is good: 7d, 12h, 30m, 0.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    old_expires: String,
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
        Command::Add(add) => self::add(*add).await?,
        Command::Update(update) => self::update(*update).await?,
        Command::RotateSecret(rotate) => rotate_secret(rotate).await?,
        Command::Show(one) => {
            let app = one.config.open().await?;
            let client = clients::find(&app, &one.id).await?;
            say!("{}", with_secrets(&app, &client).await?);
        }
        Command::Remove(one) => {
            let app = one.config.open().await?;
            clients::remove(&app, &one.id).await?;
            note!(
                "{} is removed; what it was given has stopped working.",
                one.id
            );
        }
        Command::List(list) => {
            let app = list.config.open().await?;
            for client in app.store.clients().await.map_err(Failure::system)? {
                if list.json {
                    say!("{}", shown(&client));
                } else {
                    say!("{}  {}", client.id, printable(&client.name));
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

/// The same, with when each secret was made, ends, and was last used, in Unix seconds.
async fn with_secrets(app: &App, client: &Client) -> Result<Value, Failure> {
    let mut value = shown(client);
    let secrets = secrets(app, client).await?;
    if let Some(members) = value.as_object_mut() {
        members.insert("secrets".to_owned(), secrets);
        let own = client.registration.is_some();
        members.insert("registered_itself".to_owned(), own.into());
    }
    Ok(value)
}

async fn secrets(app: &App, client: &Client) -> Result<Value, Failure> {
    let uses = app.store.secret_uses(&client.id).await;
    let uses = uses.map_err(Failure::system)?;
    let last_use = |sha256: &str| -> Option<Timestamp> {
        let mut found = uses.iter().filter(|(secret, _)| secret == sha256);
        found.next().map(|(_, at)| *at)
    };
    let kept = client.secrets.iter().map(|secret| {
        json!({
            "created_at": secret.created_at,
            "expires_at": secret.expires_at,
            "last_used_at": last_use(&secret.sha256),
        })
    });
    Ok(kept.collect())
}

async fn add(add: Add) -> Result<(), Failure> {
    let app = add.config.open().await?;
    let (mut metadata, traits) = add.fields.wanted()?;
    metadata.insert("client_name".to_owned(), add.name.into());
    let wanted = Wanted {
        id: add.id,
        metadata,
        traits,
    };
    let added = clients::add(&app, wanted).await?;
    let client = &added.client;
    if add.json {
        say!(
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
        say!("client_id      {}", client.id);
        print_secret(added.secret.as_deref())?;
        say!("issuer         {}", app.issuer);
    }
    Ok(())
}

fn print_secret(secret: Option<&str>) -> Result<(), Failure> {
    if let Some(secret) = secret {
        say!("client_secret  {secret}");
        note!("The secret is shown this once.");
    }
    Ok(())
}

async fn update(update: Update) -> Result<(), Failure> {
    let app = update.config.open().await?;
    let (mut metadata, traits) = update.fields.wanted()?;
    metadata.extend(
        update
            .name
            .map(|name| ("client_name".to_owned(), name.into())),
    );
    for name in update.clear {
        fields::known(&name)?;
        metadata.insert(name, Value::Null);
    }
    let wanted = Wanted {
        id: None,
        metadata,
        traits,
    };
    let updated = clients::update(&app, &update.id, wanted).await?;
    if update.json {
        let mut value = with_secrets(&app, &updated.client).await?;
        if let (Some(secret), Some(members)) = (updated.secret, value.as_object_mut()) {
            members.insert("client_secret".to_owned(), secret.into());
        }
        say!("{value}");
    } else {
        say!("client_id      {}", updated.client.id);
        print_secret(updated.secret.as_deref())?;
    }
    Ok(())
}

async fn rotate_secret(rotate: RotateSecret) -> Result<(), Failure> {
    let lifetime_s = seconds(&rotate.old_expires)
        .ok_or_else(|| Failure::usage("--old-expires takes a time such as 7d, 12h, 30m or 0"))?;
    let app = rotate.config.open().await?;
    let before = clients::find(&app, &rotate.id).await?;
    let last_used = secrets(&app, &before).await?;
    let last_used = last_used.as_array().and_then(|kept| kept.last());
    let last_used = last_used.and_then(|kept| kept.get("last_used_at")).cloned();
    let (secret, old_until) = clients::rotate_secret(&app, &rotate.id, lifetime_s).await?;
    if rotate.json {
        say!(
            "{}",
            json!({
                "client_id": rotate.id,
                "client_secret": secret,
                "old_expires_at": old_until,
                "old_last_used_at": last_used,
            })
        );
        return Ok(());
    }
    say!("client_id      {}", rotate.id);
    print_secret(Some(&secret))?;
    match old_until {
        Some(end) => note!("The old secret is good until {}.", moment(end)),
        None => note!("The old secret is not good any more."),
    }
    match last_used.and_then(|at| at.as_i64()) {
        Some(at) => note!(
            "It was last used in the hour from {}.",
            moment(Timestamp(at))
        ),
        None => note!("It has never been used."),
    }
    Ok(())
}

/// A number of seconds, minutes, hours or days.
fn seconds(text: &str) -> Option<Seconds> {
    let (number, unit_s) = match text.trim() {
        text if text.ends_with('d') => (text.trim_end_matches('d'), 24 * 60 * 60),
        text if text.ends_with('h') => (text.trim_end_matches('h'), 60 * 60),
        text if text.ends_with('m') => (text.trim_end_matches('m'), 60),
        text => (text.trim_end_matches('s'), 1),
    };
    let number: u32 = number.parse().ok()?;
    Some(Seconds::from(number) * unit_s)
}

/// A moment as people and programs read it, in UTC.
fn moment(at: Timestamp) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(at.0).ok();
    let text = moment.and_then(|m| {
        m.format(&time::format_description::well_known::Rfc3339)
            .ok()
    });
    text.unwrap_or_else(|| at.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("7d", Some(604_800)),
            ("12h", Some(43_200)),
            ("30m", Some(1_800)),
            ("90s", Some(90)),
            ("0", Some(0)),
            ("", None),
            ("-1d", None),
            ("soon", None),
            ("1w", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
