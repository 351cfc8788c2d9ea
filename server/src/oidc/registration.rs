//! Clients that register themselves (OpenID Connect Dynamic Client Registration 1.0, RFC 7591) and look after what they
//! registered (RFC 7592).

use super::{failure, for_any_origin, json};
use crate::app::{App, Error};
use crate::chance;
use crate::clients::{self, ClientError, unfit};
use crate::config;
use crate::seal::{hashed, same};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use std::sync::Arc;
use techpass_domain::client::{AuthMethod, Client, Registration};
use techpass_domain::id::ClientId;
use techpass_domain::oidc::bearer::{self, BearerError};
use techpass_domain::oidc::client_auth::living_secret;
use techpass_domain::oidc::discovery::path;
use techpass_domain::oidc::error::RegistrationError;
use techpass_domain::oidc::jwt;
use techpass_domain::oidc::registration::{self as rules, Policy};
use techpass_store::{StoreError, Write};

/// Members that an update must not send (RFC 7592 §2.2): they are this server's to say.
const OURS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// Who may register.
#[derive(Default)]
pub struct Gate {
    open: bool,
    initial_token_sha256: Option<String>,
}

impl Gate {
    /// As the configuration says.
    ///
    /// # Errors
    /// [`Error::System`] when the file with the initial access token cannot be read or holds a short one.
    pub fn of(config: &config::Registration) -> Result<Gate, Error> {
        let Some(file) = &config.initial_access_token_file else {
            return Ok(Gate {
                open: config.open,
                initial_token_sha256: None,
            });
        };
        let key = "registration.initial_access_token_file";
        let text = config::secret_file(key, file)?;
        let token = text.trim();
        if token.len() < 32 {
            let shown = file.display();
            let reason = format!("{shown} must hold a random token of at least 32 characters");
            return Err(config::ConfigError::Value { key, reason }.into());
        }
        Ok(Gate {
            open: config.open,
            initial_token_sha256: Some(hashed(token)),
        })
    }

    /// Whether anybody can register at all.
    pub fn exists(&self) -> bool {
        self.open || self.initial_token_sha256.is_some()
    }
}

/// Why nothing is registered, read, changed or removed.
enum Refused {
    /// A rule of registration.
    Rule(RegistrationError),
    /// The token.
    Bearer(BearerError),
    /// Nobody registers here, or nobody more.
    Closed(StatusCode, &'static str),
    /// Ours.
    Failure(Error),
}

impl From<RegistrationError> for Refused {
    fn from(error: RegistrationError) -> Self {
        Refused::Rule(error)
    }
}
impl From<BearerError> for Refused {
    fn from(error: BearerError) -> Self {
        Refused::Bearer(error)
    }
}
impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Failure(error)
    }
}
impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Refused::Failure(error.into())
    }
}
impl From<ClientError> for Refused {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Rule(error) => Refused::Rule(error),
            ClientError::Failure(error) => Refused::Failure(error),
        }
    }
}

fn answer(app: &App, outcome: Result<Response, Refused>) -> Response {
    for_any_origin(match outcome {
        Ok(response) => response,
        Err(Refused::Failure(error)) => failure(&error),
        Err(Refused::Rule(error)) => {
            tracing::info!(%error, "a registration is refused");
            json(400, &error.body())
        }
        Err(Refused::Closed(status, why)) => {
            let body = serde_json::json!({ "error": "access_denied", "error_description": why });
            json(status.as_u16(), &body)
        }
        Err(Refused::Bearer(error)) => unauthorized(app, error),
    })
}

fn unauthorized(app: &App, error: BearerError) -> Response {
    let body = match error.code() {
        Some(code) => serde_json::json!({
            "error": code.as_str(),
            "error_description": error.to_string(),
        }),
        None => serde_json::json!({}),
    };
    let mut response = json(error.status(), &body);
    if let Ok(value) = HeaderValue::from_str(&error.www_authenticate(&app.issuer)) {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// `OPTIONS`: applications in browsers may call; what proves a right here is a token, never a cookie.
pub async fn preflight() -> Response {
    let allowed = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, PUT, DELETE"),
        (
            "access-control-allow-headers",
            "authorization, content-type",
        ),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

/// `POST /register`.
pub async fn post(app: &App, headers: &HeaderMap, body: &[u8]) -> Response {
    answer(app, register(app, headers, body).await)
}

/// `GET /register/{client_id}` (RFC 7592 §2.1).
pub async fn get(app: &App, headers: &HeaderMap, id: &str) -> Response {
    let read = async {
        let (client, token) = owner(app, headers, id).await?;
        Ok(json(200, &shown(app, &client, token, None)))
    };
    answer(app, read.await)
}

/// `PUT /register/{client_id}` (RFC 7592 §2.2).
pub async fn put(app: &App, headers: &HeaderMap, id: &str, body: &[u8]) -> Response {
    answer(app, replace(app, headers, id, body).await)
}

/// `DELETE /register/{client_id}` (RFC 7592 §2.3).
pub async fn delete(app: &App, headers: &HeaderMap, id: &str) -> Response {
    let remove = async {
        let (client, _) = owner(app, headers, id).await?;
        match app.store.commit(clients::removing(app, &client.id)?).await {
            Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
            Err(StoreError::Conflict(_)) => Err(BearerError::Invalid.into()),
            Err(error) => Err(error.into()),
        }
    };
    answer(app, remove.await)
}

fn token(headers: &HeaderMap) -> Result<&str, BearerError> {
    let header = headers.get(header::AUTHORIZATION);
    let header = header.map(|value| value.to_str().unwrap_or_default());
    bearer::access_token(header, None, None)
}

/// The body as one JSON object without repeated members.
fn members(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, RegistrationError> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let bare = kind.split(';').next().unwrap_or_default().trim();
    if !bare.eq_ignore_ascii_case("application/json") {
        return Err(unfit("The body", "must be application/json"));
    }
    jwt::object(body).map_err(|_| {
        unfit(
            "The body",
            "must be one JSON object in which no member is there twice",
        )
    })
}

/// What a client that registers itself is beside its metadata: people are asked, since nobody here has approved it; and
/// it is a plain OpenID Connect client, which may come without PKCE when it has other proof of itself.
fn base(app: &App, id: ClientId) -> Client {
    let config = &app.config.registration;
    Client {
        consent: true,
        test: config.test,
        development: config.development,
        ..Client::new(id, String::new(), app.now())
    }
}

async fn read(
    app: &App,
    metadata: &Map<String, Value>,
    base: Client,
) -> Result<Client, ClientError> {
    let policy = Policy::dynamic(app.config.registration.allow_http);
    let base = Client {
        pkce_optional: false,
        ..base
    };
    let client = clients::checked(app, metadata, base, &policy).await?;
    Ok(Client {
        pkce_optional: client.auth_method != AuthMethod::None,
        ..client
    })
}

async fn admit(app: &App, headers: &HeaderMap) -> Result<(), Refused> {
    let gate = &app.registration;
    if !gate.exists() {
        let why = "Clients cannot register themselves here; ask an administrator.";
        return Err(Refused::Closed(StatusCode::FORBIDDEN, why));
    }
    if !gate.open {
        let sent = hashed(token(headers)?);
        let good = gate.initial_token_sha256.as_deref();
        if !good.is_some_and(|good| same(good, &sent)) {
            return Err(BearerError::Invalid.into());
        }
    }
    if app.store.clients_count().await? >= app.config.registration.clients_max {
        let why = "There are as many clients as this server takes; ask an administrator.";
        return Err(Refused::Closed(StatusCode::SERVICE_UNAVAILABLE, why));
    }
    Ok(())
}

async fn register(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refused> {
    admit(app, headers).await?;
    let metadata = members(headers, body)?;
    let id = chance::row_id("cli", app.now().0).map_err(Error::from)?;
    let mut client = read(app, &metadata, base(app, ClientId::new(id))).await?;
    let token = chance::prefixed("tp_rat_").map_err(Error::from)?;
    client.registration = Some(Registration {
        access_token_sha256: hashed(&token),
    });
    let secret = match client.auth_method.has_secret() {
        true => Some(clients::new_secret()?),
        false => None,
    };
    if let Some(secret) = &secret {
        client.secrets = vec![clients::kept(app, &client, secret)?];
    }
    let writes = vec![
        Write::AddClient(client.clone()),
        clients::record(app, "client.registered", &client.id, serde_json::json!({}))?,
    ];
    app.store.commit(writes).await?;
    Ok(json(201, &shown(app, &client, &token, secret.as_deref())))
}

/// The client whose registration access token was sent. An unknown client and a wrong token are refused alike.
async fn owner<'a>(
    app: &App,
    headers: &'a HeaderMap,
    id: &str,
) -> Result<(Client, &'a str), Refused> {
    let token = token(headers)?;
    let sent = hashed(token);
    let client = app.store.client(&ClientId::new(id)).await?;
    let owned = client.filter(|client| {
        let kept = client.registration.as_ref();
        kept.is_some_and(|kept| same(&kept.access_token_sha256, &sent))
    });
    match owned {
        Some(client) => Ok((Arc::unwrap_or_clone(client), token)),
        None => Err(BearerError::Invalid.into()),
    }
}

async fn replace(
    app: &App,
    headers: &HeaderMap,
    id: &str,
    body: &[u8],
) -> Result<Response, Refused> {
    let (before, token) = owner(app, headers, id).await?;
    let metadata = members(headers, body)?;
    if metadata.get("client_id").and_then(Value::as_str) != Some(id) {
        return Err(unfit("client_id", "must be the client's own").into());
    }
    if let Some(ours) = OURS.into_iter().find(|name| metadata.contains_key(*name)) {
        return Err(unfit(ours, "must not be sent with an update").into());
    }
    if let Some(secret) = metadata.get("client_secret") {
        let sent = hashed(secret.as_str().unwrap_or_default());
        if living_secret(&before, &sent, app.now()).is_none() {
            return Err(unfit("client_secret", "is not the client's present one").into());
        }
    }
    let after = read(app, &metadata, before.clone()).await?;
    let (after, secret) = clients::with_fitting_secret(app, &before, after)?;
    let detail = serde_json::json!({ "changed": clients::changed(&before, &after) });
    let writes = vec![
        Write::UpdateClient(after.clone()),
        clients::record(app, "client.updated", &after.id, detail)?,
    ];
    match app.store.commit(writes).await {
        Ok(()) => Ok(json(200, &shown(app, &after, token, secret.as_deref()))),
        Err(StoreError::Conflict(_)) => Err(BearerError::Invalid.into()),
        Err(error) => Err(error.into()),
    }
}

/// The client information response (RFC 7591 §3.2.1): everything as it is registered. A secret is shown when it is made,
/// and never again.
fn shown(app: &App, client: &Client, token: &str, secret: Option<&str>) -> Value {
    let mut all = rules::metadata(client);
    let mut add = |name: &str, value: Value| all.insert(name.to_owned(), value);
    add("client_id", client.id.as_str().into());
    add("client_id_issued_at", client.created_at.0.into());
    add("registration_access_token", token.into());
    let place = format!("{}{}/{}", app.issuer, path::REGISTER, client.id);
    add("registration_client_uri", place.into());
    if let Some(secret) = secret {
        add("client_secret", secret.into());
        add("client_secret_expires_at", 0.into());
    }
    Value::Object(all)
}
