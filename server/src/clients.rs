//! Clients: made, changed, given new secrets and removed, by administrators or by themselves
//! (`oidc::registration`). What they may be is in `techpass_domain::oidc::registration`.

use crate::admin::AdminError;
use crate::app::{App, Error};
use crate::chance;
use crate::keys;
use crate::oidc::client_auth::seal_secret;
use crate::remote::{self, Purpose};
use crate::seal::hashed;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use techpass_domain::audit::Record;
use techpass_domain::client::{AuthMethod, Client, LogoutStyle, Profile, SECRETS_MAX, Secret};
use techpass_domain::id::ClientId;
use techpass_domain::oidc::error::{RegistrationError, RegistrationErrorCode};
use techpass_domain::oidc::registration::{self as rules, Policy};
use techpass_domain::time::{Seconds, Timestamp};
use techpass_store::{StoreError, Write};

/// Why a client cannot be as it is wanted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A rule is broken.
    #[error("{}", .0.description)]
    Rule(#[from] RegistrationError),
    /// Ours.
    #[error(transparent)]
    Failure(#[from] Error),
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        ClientError::Failure(error.into())
    }
}

impl From<ClientError> for AdminError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Rule(error) => AdminError::Refused(error.description.to_string()),
            ClientError::Failure(error) => AdminError::Failure(error),
        }
    }
}

/// What only an administrator says of a client; what is none stays as it is.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traits {
    /// Marked for automated tests.
    pub test: Option<bool>,
    /// Itself a sign-in server.
    pub broker: Option<bool>,
    /// In development.
    pub development: Option<bool>,
    /// Whether people are asked before it learns anything.
    pub consent: Option<bool>,
    /// Whether it may come without PKCE.
    pub pkce_optional: Option<bool>,
    /// Whether it is a resource server that may ask about every client's tokens.
    pub introspects_all: Option<bool>,
    /// What log-out does.
    pub logout: Option<LogoutStyle>,
    /// Which rules it is held to.
    pub profile: Option<Profile>,
}

impl Traits {
    fn apply(&self, client: Client) -> Client {
        Client {
            test: self.test.unwrap_or(client.test),
            broker: self.broker.unwrap_or(client.broker),
            development: self.development.unwrap_or(client.development),
            consent: self.consent.unwrap_or(client.consent),
            pkce_optional: self.pkce_optional.unwrap_or(client.pkce_optional),
            introspects_all: self.introspects_all.unwrap_or(client.introspects_all),
            logout: self.logout.unwrap_or(client.logout),
            profile: self.profile.unwrap_or(client.profile),
            ..client
        }
    }
}

/// A client as somebody wants it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Its id; a random one when left out.
    pub id: Option<String>,
    /// Its metadata, under the names of Dynamic Client Registration §2.
    pub metadata: Map<String, Value>,
    /// What is no metadata.
    pub traits: Traits,
}

/// A client and its secret, which is shown once.
pub struct Added {
    /// The client.
    pub client: Client,
    /// Its secret, when it has one.
    pub secret: Option<String>,
}

fn refused<T>(text: impl Into<String>) -> Result<T, AdminError> {
    Err(AdminError::Refused(text.into()))
}

/// The policy of administrators. Plain http is theirs to choose where a client is in development or marked for tests.
fn policy(app: &App, client: &Client) -> Policy {
    let allow_http = app.config.registration.allow_http || client.development || client.test;
    Policy::administrator(allow_http)
}

/// Registers a client with a fresh secret.
pub async fn add(app: &App, wanted: Wanted) -> Result<Added, AdminError> {
    let client = understood(app, wanted).await?;
    let secret = match client.auth_method.has_secret() {
        true => Some(new_secret()?),
        false => None,
    };
    keep(app, client, secret).await
}

/// Registers a client with a secret that its owner has already, unless a client of this id is there: for set-ups that
/// are run again.
pub async fn put(app: &App, wanted: Wanted, secret: &str) -> Result<(), AdminError> {
    if let Some(id) = &wanted.id
        && app
            .store
            .client(&ClientId::new(id.as_str()))
            .await?
            .is_some()
    {
        return Ok(());
    }
    let client = understood(app, wanted).await?;
    keep(app, client, Some(secret.to_owned())).await.map(|_| ())
}

async fn understood(app: &App, wanted: Wanted) -> Result<Client, AdminError> {
    let now = app.now();
    let id = match wanted.id {
        Some(id)
            if id.is_empty() || id.len() > 100 || !id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            return refused("a client id has 1 to 100 visible ASCII characters");
        }
        Some(id) => id,
        None => chance::row_id("cli", now.0).map_err(Error::from)?,
    };
    if !wanted.metadata.contains_key("client_name") {
        return refused("give a name of 1 to 100 characters");
    }
    let base = Client::new(ClientId::new(id), String::new(), now);
    let base = wanted.traits.apply(base);
    let policy = policy(app, &base);
    Ok(checked(app, &wanted.metadata, base, &policy).await?)
}

/// The client that the metadata describes, with its sector's document fetched and compared, and a key of every algorithm
/// that its tokens are signed with.
///
/// # Errors
/// The rule that is broken; `invalid_client_metadata` when the document cannot be fetched.
pub async fn checked(
    app: &App,
    metadata: &Map<String, Value>,
    base: Client,
    policy: &Policy,
) -> Result<Client, ClientError> {
    let client = rules::read(metadata, base, policy)?;
    if client.auth_method == AuthMethod::None && client.pkce_optional {
        let why = "none cannot go with pkce_optional: a public client always uses PKCE";
        return Err(unfit("token_endpoint_auth_method", why).into());
    }
    if let Some(uri) = &client.sector_identifier_uri {
        let fetched = remote::document(app, uri, Purpose::Sector).await;
        let document =
            fetched.map_err(|error| unfit("sector_identifier_uri", &error.to_string()))?;
        rules::sector_permits(&document, &client)?;
    }
    // What it is signed with stands in the key set before the first token does.
    let algs = std::iter::once(client.id_token_signed_response_alg);
    for alg in algs.chain(client.userinfo_signed_response_alg) {
        keys::ready(app, alg).await?;
    }
    Ok(client)
}

/// `invalid_client_metadata` about a member.
pub fn unfit(member: &str, why: &str) -> RegistrationError {
    RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, member, why)
}

/// A fresh secret, with a prefix that secret scanners find.
pub fn new_secret() -> Result<String, Error> {
    Ok(chance::prefixed("tp_cs_")?)
}

/// A secret as it is kept: hashed, and sealed where an HMAC needs it.
pub fn kept(app: &App, client: &Client, secret: &str) -> Result<Secret, Error> {
    let sealed = match client.auth_method {
        AuthMethod::ClientSecretJwt => Some(seal_secret(app, &client.id, secret)?),
        _ => None,
    };
    Ok(Secret {
        sha256: hashed(secret),
        sealed,
        created_at: app.now(),
        expires_at: None,
    })
}

/// The audit record of something that happened to a client.
pub fn record(app: &App, kind: &str, client: &ClientId, detail: Value) -> Result<Write, Error> {
    app.audit(Record {
        at: app.now(),
        kind: kind.to_owned(),
        account: None,
        client: Some(client.clone()),
        reference: None,
        detail,
    })
}

async fn keep(app: &App, client: Client, secret: Option<String>) -> Result<Added, AdminError> {
    let secrets = secret.as_deref().map(|secret| kept(app, &client, secret));
    let client = Client {
        secrets: secrets.transpose()?.into_iter().collect(),
        ..client
    };
    let writes = vec![
        Write::AddClient(client.clone()),
        record(app, "client.added", &client.id, json!({}))?,
    ];
    match app.store.commit(writes).await {
        Ok(()) => Ok(Added { client, secret }),
        Err(StoreError::Conflict(_)) => refused(format!("there is a client {} already", client.id)),
        Err(error) => Err(error.into()),
    }
}

/// The client of this id.
pub async fn find(app: &App, id: &str) -> Result<Client, AdminError> {
    match app.store.client(&ClientId::new(id)).await? {
        Some(client) => Ok(Arc::unwrap_or_clone(client)),
        None => refused(format!("there is no client {id}")),
    }
}

/// Changes what is named and leaves the rest; a member that is null goes back to its default. The same rules hold as at
/// registration. A method that needs another secret gives a fresh one.
pub async fn update(app: &App, id: &str, wanted: Wanted) -> Result<Added, AdminError> {
    let before = find(app, id).await?;
    let mut metadata = rules::metadata(&before);
    // They follow from the grant types unless they are named.
    metadata.remove("response_types");
    metadata.extend(wanted.metadata);
    if wanted.id.is_some_and(|other| other != id) {
        return refused("a client keeps its id; add another one");
    }
    let base = wanted.traits.apply(before.clone());
    let policy = policy(app, &base);
    let after = checked(app, &metadata, base, &policy).await?;
    let (after, secret) = with_fitting_secret(app, &before, after)?;
    let writes = vec![
        Write::UpdateClient(after.clone()),
        record(
            app,
            "client.updated",
            &after.id,
            json!({ "changed": changed(&before, &after) }),
        )?,
    ];
    commit_existing(app, writes, id).await?;
    Ok(Added {
        client: after,
        secret,
    })
}

/// The names of the members that differ.
pub fn changed(before: &Client, after: &Client) -> Vec<String> {
    let (before, after) = (json!(before), json!(after));
    let names = after.as_object().map(|members| members.keys().cloned());
    let differs = |name: &String| *name != "secrets" && before.get(name) != after.get(name);
    names.into_iter().flatten().filter(differs).collect()
}

/// A client whose method changed keeps its secrets where they serve it, gets a fresh one where none does, and has none
/// where it needs none.
pub fn with_fitting_secret(
    app: &App,
    before: &Client,
    after: Client,
) -> Result<(Client, Option<String>), Error> {
    let now = app.now();
    let serves = |secret: &Secret| {
        secret.alive(now)
            && (after.auth_method != AuthMethod::ClientSecretJwt || secret.sealed.is_some())
    };
    let secrets: Vec<Secret> = match after.auth_method.has_secret() {
        true => before
            .secrets
            .iter()
            .filter(|s| serves(s))
            .cloned()
            .collect(),
        false => Vec::new(),
    };
    if !after.auth_method.has_secret() || !secrets.is_empty() {
        return Ok((Client { secrets, ..after }, None));
    }
    let secret = new_secret()?;
    let secrets = vec![kept(app, &after, &secret)?];
    Ok((Client { secrets, ..after }, Some(secret)))
}

/// Gives a client a fresh secret. The present one is good so many seconds longer, so that the application can change
/// over; of older ones nothing stays.
pub async fn rotate_secret(
    app: &App,
    id: &str,
    old_lifetime_s: Seconds,
) -> Result<(String, Option<Timestamp>), AdminError> {
    let mut client = find(app, id).await?;
    if !client.auth_method.has_secret() {
        return refused(format!(
            "{id} authenticates with {} and has no secret",
            client.auth_method.as_str()
        ));
    }
    let now = app.now();
    let end = now.plus(old_lifetime_s.max(0));
    let living: Vec<Secret> = client.living_secrets(now).cloned().collect();
    let older = living.len().saturating_sub(SECRETS_MAX - 1);
    let mut secrets: Vec<Secret> = living.into_iter().skip(older).collect();
    for secret in &mut secrets {
        secret.expires_at = Some(secret.expires_at.map_or(end, |earlier| earlier.min(end)));
    }
    secrets.retain(|secret| secret.alive(now));
    let old_until = secrets.first().and_then(|secret| secret.expires_at);
    let fresh = new_secret()?;
    secrets.push(kept(app, &client, &fresh)?);
    client.secrets = secrets;
    let detail = json!({ "old_expires_at": old_until });
    let writes = vec![
        record(app, "client.secret_rotated", &client.id, detail)?,
        Write::UpdateClient(client),
    ];
    commit_existing(app, writes, id).await?;
    Ok((fresh, old_until))
}

/// Removes a client. What it was given stops working with the same commit.
pub async fn remove(app: &App, id: &str) -> Result<(), AdminError> {
    let id = ClientId::new(id);
    let writes = removing(app, &id)?;
    commit_existing(app, writes, id.as_str()).await
}

/// What removes a client, to be committed together.
pub fn removing(app: &App, id: &ClientId) -> Result<Vec<Write>, Error> {
    Ok(vec![
        Write::RemoveClient {
            id: id.clone(),
            at: app.now(),
        },
        record(app, "client.removed", id, json!({}))?,
    ])
}

async fn commit_existing(app: &App, writes: Vec<Write>, id: &str) -> Result<(), AdminError> {
    match app.store.commit(writes).await {
        Ok(()) => Ok(()),
        Err(StoreError::Conflict(_)) => refused(format!("there is no client {id}")),
        Err(error) => Err(error.into()),
    }
}
