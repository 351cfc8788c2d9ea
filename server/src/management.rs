//! Health and metrics, on a listener of their own that only operators reach.

use crate::app::App;
use crate::metrics;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long the database may take to say that it can be written.
const DATABASE_WAIT: Duration = Duration::from_secs(2);

/// Everything the management listener answers.
pub fn router(app: &App) -> Router {
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .with_state(app.clone())
}

/// The event loop answers.
async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when people can sign in here, else 503; with every check and what it found.
async fn ready(State(app): State<App>) -> Response {
    let checks = [
        ("draining", draining(&app)),
        ("keys", keys(&app)),
        ("database", database(&app).await),
        ("migrations", migrations(&app).await),
    ];
    let ready = checks.iter().all(|(_, found)| found.is_ok());
    let named = checks.into_iter().map(|(name, found)| {
        let text = found.err().unwrap_or_else(|| "ok".to_owned());
        (name.to_owned(), Value::String(text))
    });
    let named: Map<String, Value> = named.collect();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": ready, "checks": named }))).into_response()
}

fn draining(app: &App) -> Result<(), String> {
    if app.drain.has_begun() {
        return Err("the server is stopping".to_owned());
    }
    Ok(())
}

fn keys(app: &App) -> Result<(), String> {
    let ring = app.keys();
    let always = &app.config.keys.algorithms;
    let missing = always.iter().find(|alg| !ring.can_sign(**alg));
    match missing {
        Some(alg) => Err(format!("there is no active {} key", alg.as_str())),
        None => Ok(()),
    }
}

async fn database(app: &App) -> Result<(), String> {
    match tokio::time::timeout(DATABASE_WAIT, app.store.writable()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer within two seconds".to_owned()),
    }
}

async fn migrations(app: &App) -> Result<(), String> {
    let known = techpass_store::schema_known();
    match app.store.schema_version().await {
        Ok(found) if found == known => Ok(()),
        Ok(found) => Err(format!("the schema is {found}, this program knows {known}")),
        Err(error) => Err(error.to_string()),
    }
}

async fn measured(State(app): State<App>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics::scrape(&app).await {
        Ok(text) => (
            [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(error = %crate::web::page::chain(&error), "the metrics cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
