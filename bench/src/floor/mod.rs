//! The floor: a bare program of the same parts that does only the unavoidable. axum answers, a client's secret is checked
//! by HMAC, JWTs are ES256 with parsed keys, and what must be durable is rows in a group commit.

mod keys;
mod rows;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use keys::Keys;
use rows::Rows;
use serde::Deserialize;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// The one client.
pub const CLIENT: &str = "machine";
/// Its secret.
pub const SECRET: &str = "FloorFloorFloorFloorFloorFloorFloorFloorFlo";
/// The row that reads look up, and the opaque token it stands for.
pub const TOKEN: &str = "tp_at_FloorFloorFloorFloorFloorFloorFloorFloorFlo";
/// Text of about the size of a sign-in page with its style.
const PAGE: &str = include_str!("page.html");

struct Inner {
    keys: Keys,
    rows: Rows,
    page: (String, String),
    waiting: Mutex<HashMap<String, mpsc::UnboundedSender<()>>>,
}

type Floor = Arc<Inner>;
type Outcome = Result<Response, Refused>;

struct Refused(StatusCode);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<anyhow::Error> for Refused {
    fn from(_: anyhow::Error) -> Self {
        Refused(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Serves until the process is ended.
pub async fn serve(port: u16, directory: &std::path::Path) -> Result<()> {
    let (before, after) = PAGE.split_once("{token}").context("the page has no mark")?;
    let floor = Arc::new(Inner {
        keys: Keys::new(CLIENT, SECRET)?,
        rows: Rows::open(&directory.join("floor.db"))?,
        page: (before.to_owned(), after.to_owned()),
        waiting: Mutex::default(),
    });
    let known = "{\"active\":true,\"client_id\":\"machine\",\"scope\":\"api\"}";
    floor
        .rows
        .add(vec![(TOKEN.to_owned(), known.to_owned())])
        .await?;
    let router = Router::new()
        .route("/plain", get(|| async { "ready" }))
        .route("/page", get(page))
        .route("/token", post(token))
        .route("/introspect", post(introspect))
        .route("/userinfo", get(userinfo))
        .route("/login/code", post(code))
        .route("/login/approve", post(approve))
        .route("/login/continue", get(go_on))
        .route("/wait/{id}/events", get(events))
        .route("/wait/{id}/answer", post(answer))
        .with_state(floor);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(tokio_nodelay(listener), router).await?;
    Ok(())
}

fn tokio_nodelay(
    listener: tokio::net::TcpListener,
) -> impl axum::serve::Listener<Addr = std::net::SocketAddr> {
    axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    })
}

async fn page(State(floor): State<Floor>) -> Outcome {
    let token = keys::secret()?;
    let (before, after) = &floor.page;
    let mut body = String::with_capacity(before.len() + token.len() + after.len());
    body.push_str(before);
    body.push_str(&token);
    body.push_str(after);
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    Ok((html, body).into_response())
}

/// What a request for a token should cost: rows in its commit (none, and nothing is committed) and signatures.
#[derive(Deserialize)]
struct Cost {
    rows: usize,
    signs: usize,
}

fn client(floor: &Inner, headers: &HeaderMap) -> Result<(), Refused> {
    let refused = || Refused(StatusCode::UNAUTHORIZED);
    let value = headers.get(header::AUTHORIZATION).ok_or_else(refused)?;
    let text = value.to_str().map_err(|_| refused())?;
    let encoded = text.strip_prefix("Basic ").ok_or_else(refused)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| refused())?;
    let pair = std::str::from_utf8(&decoded).map_err(|_| refused())?;
    let (id, secret) = pair.split_once(':').ok_or_else(refused)?;
    if floor.keys.fits(id, secret) {
        Ok(())
    } else {
        Err(refused())
    }
}

async fn token(
    State(floor): State<Floor>,
    Query(cost): Query<Cost>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    client(&floor, &headers)?;
    let form: HashMap<_, _> = url::form_urlencoded::parse(&body).collect();
    if !form.contains_key("grant_type") {
        return Err(Refused(StatusCode::BAD_REQUEST));
    }
    let mut tokens = Vec::with_capacity(cost.signs);
    for _ in 0..cost.signs {
        tokens.push(floor.keys.token("acc_floor")?);
    }
    commit(&floor, cost.rows).await?;
    let mut tokens = tokens.into_iter();
    let body = serde_json::json!({
        "access_token": tokens.next(),
        "id_token": tokens.next(),
        "token_type": "Bearer",
        "expires_in": 600,
    });
    Ok(axum::Json(body).into_response())
}

async fn commit(floor: &Inner, rows: usize) -> Result<(), Refused> {
    if rows == 0 {
        return Ok(());
    }
    let mut all = Vec::with_capacity(rows);
    for _ in 0..rows {
        all.push((keys::secret()?, keys::CLAIMS.to_owned()));
    }
    Ok(floor.rows.add(all).await?)
}

async fn introspect(State(floor): State<Floor>, headers: HeaderMap, body: Bytes) -> Outcome {
    client(&floor, &headers)?;
    let mut form = url::form_urlencoded::parse(&body);
    let token = form.find(|(name, _)| name == "token");
    let token = token.ok_or(Refused(StatusCode::BAD_REQUEST))?.1;
    let found = floor.rows.find(&token)?;
    let body = found.unwrap_or_else(|| "{\"active\":false}".to_owned());
    Ok(json(body))
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn userinfo(State(floor): State<Floor>, headers: HeaderMap) -> Outcome {
    let refused = || Refused(StatusCode::UNAUTHORIZED);
    let value = headers.get(header::AUTHORIZATION).ok_or_else(refused)?;
    let text = value.to_str().map_err(|_| refused())?;
    let token = text.strip_prefix("Bearer ").ok_or_else(refused)?;
    if !floor.keys.verifies(token) {
        return Err(refused());
    }
    let found = floor.rows.find(TOKEN)?;
    Ok(json(found.unwrap_or_default()))
}

/// A verification code: one HMAC for each step that may be meant, and a durable row.
async fn code(State(floor): State<Floor>, body: Bytes) -> Outcome {
    floor.keys.code(&body);
    commit(&floor, 1).await?;
    Ok(see_other("/login/number"))
}

/// An approval: the phone's signature, and a durable row.
async fn approve(State(floor): State<Floor>, body: Bytes) -> Outcome {
    signed(&floor, &body)?;
    commit(&floor, 1).await?;
    Ok(json("{\"result\":\"approved\"}".to_owned()))
}

fn signed(floor: &Inner, body: &[u8]) -> Result<(), Refused> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    if floor.keys.verifies(text) {
        return Ok(());
    }
    Err(Refused(StatusCode::FORBIDDEN))
}

/// The browser goes on with a code, which is durable before it is given.
async fn go_on(State(floor): State<Floor>) -> Outcome {
    let found = floor.rows.find(TOKEN)?;
    if found.is_none() {
        return Err(Refused(StatusCode::FORBIDDEN));
    }
    commit(&floor, 1).await?;
    Ok(see_other(&format!("/callback?code={}", keys::secret()?)))
}

fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

async fn events(State(floor): State<Floor>, Path(id): Path<String>) -> Response {
    let (wake, woken) = mpsc::unbounded_channel();
    let mut waiting = floor.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.insert(id, wake);
    let stream = stream::unfold(woken, |mut woken| async move {
        woken.recv().await?;
        let event = Event::default().event("changed").data("1");
        Some((Ok::<_, Infallible>(event), woken))
    });
    Sse::new(stream)
        .keep_alive(KeepAlive::default())
        .into_response()
}

async fn answer(State(floor): State<Floor>, Path(id): Path<String>, body: Bytes) -> Outcome {
    signed(&floor, &body)?;
    commit(&floor, 1).await?;
    let waiting = floor.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(wake) = waiting.get(&id) {
        let _ = wake.send(());
    }
    Ok(json("{\"result\":\"approved\"}".to_owned()))
}

/// A message signed with the floor's published key, as its phone would sign it.
pub fn phone_message() -> Result<String> {
    keys::fixed()?.token("phn_floor")
}

/// A token of the floor.
pub fn access_token() -> Result<String> {
    keys::fixed()?.token("acc_floor")
}

/// A nonsense verifier, so that forms have the usual size.
pub fn verifier() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(keys::bytes::<32>()?))
}
