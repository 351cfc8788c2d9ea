//! Health and metrics, on a listener of their own that only operators reach.

use crate::app::App;
use crate::metrics;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long the database may take to say that it can be written.
const DATABASE_WAIT: Duration = Duration::from_secs(2);

/// Everything the management listener answers.
pub fn router(app: &App) -> Router {
    let state = Management {
        app: app.clone(),
        started: Arc::default(),
    };
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/startupz", get(started))
        .route("/healthz", get(health))
        .route("/metrics", get(measured))
        .with_state(state)
}

#[derive(Clone)]
struct Management {
    app: App,
    /// Whether it was ready once.
    started: Arc<AtomicBool>,
}

/// The program answers; on the public listener this says nothing more to anybody.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// A check, what it found, and how long that took.
struct Check {
    name: &'static str,
    found: Result<(), String>,
    took: Duration,
}

async fn check(name: &'static str, found: impl Future<Output = Result<(), String>>) -> Check {
    let begun = Instant::now();
    Check {
        name,
        found: found.await,
        took: begun.elapsed(),
    }
}

impl Management {
    async fn checks(&self) -> (bool, [Check; 4]) {
        let app = &self.app;
        // Together, so that all of it takes no longer than a probe waits.
        let (draining, keys, database, migrations) = tokio::join!(
            check("draining", async { draining(app) }),
            check("keys", async { keys(app) }),
            check("database", database(app)),
            check("migrations", migrations(app)),
        );
        let checks = [draining, keys, database, migrations];
        let ready = checks.iter().all(|check| check.found.is_ok());
        if ready {
            self.started.store(true, Ordering::Relaxed);
        }
        (ready, checks)
    }
}

fn status(good: bool) -> StatusCode {
    match good {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn said(found: Result<(), String>) -> String {
    found.err().unwrap_or_else(|| "ok".to_owned())
}

/// 200 when people can sign in here, else 503; with every check and what it found.
async fn ready(State(state): State<Management>) -> Response {
    let (ready, checks) = state.checks().await;
    let named = checks.into_iter();
    let named = named.map(|check| (check.name.to_owned(), Value::String(said(check.found))));
    let named: Map<String, Value> = named.collect();
    let body = Json(json!({ "ready": ready, "checks": named }));
    (status(ready), body).into_response()
}

/// 200 from the moment it was ready for the first time, whatever comes then; 503 before.
async fn started(State(state): State<Management>) -> Response {
    let started = state.started.load(Ordering::Relaxed) || state.checks().await.0;
    let text = if started { "ok\n" } else { "starting\n" };
    (status(started), text).into_response()
}

/// Like readiness, for people: `ok`, or with `?verbose` every check with its time.
async fn health(State(state): State<Management>, RawQuery(query): RawQuery) -> Response {
    let (ready, checks) = state.checks().await;
    let verbose = query.is_some_and(|query| {
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "verbose")
    });
    if !verbose {
        let text = if ready { "ok\n" } else { "not ready\n" };
        return (status(ready), text).into_response();
    }
    let checks = checks.into_iter().map(|check| {
        let took_ms = check.took.as_secs_f64() * 1000.0;
        let about = json!({ "found": said(check.found), "took_ms": took_ms });
        (check.name.to_owned(), about)
    });
    let checks: Map<String, Value> = checks.collect();
    let body = Json(json!({ "ready": ready, "checks": checks }));
    (status(ready), body).into_response()
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
    match tokio::time::timeout(DATABASE_WAIT, app.store.schema_version()).await {
        Ok(Ok(found)) if found == known => Ok(()),
        Ok(Ok(found)) => Err(format!("the schema is {found}, this program knows {known}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer within two seconds".to_owned()),
    }
}

async fn measured(State(state): State<Management>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let (ready, _) = state.checks().await;
    match metrics::scrape(&state.app, ready).await {
        Ok((text, missing)) => {
            if let Some(reason) = missing {
                tracing::warn!(reason, "metrics of the database are left out");
            }
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
            (kind, text).into_response()
        }
        Err(error) => {
            tracing::error!(error = %crate::web::page::chain(&error), "the metrics cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use techpass_domain::time::Timestamp;

    async fn asked(state: &Management) -> [u16; 3] {
        let state = || State(state.clone());
        let ready = ready(state()).await;
        let started = started(state()).await;
        let health = health(state(), RawQuery(Some("verbose".to_owned()))).await;
        [ready, started, health].map(|answer| answer.status().as_u16())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn while_the_database_is_away_metrics_are_those_that_need_none() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        let text = format!(
            "public_url = \"http://localhost:8081\"\nlisten = \"127.0.0.1:8081\"\n[database]\nurl = \"sqlite:{}\"\n\
             [secrets]\nmaster_key_file = \"{}\"\n[brand]\nname = \"TechPass\"\n",
            folder.path().join("techpass.db").display(),
            key.display()
        );
        let config = Config::parse(&text, "techpass.toml", std::iter::empty()).unwrap();
        let clock = Clock::stopped(Timestamp(1_800_000_000));
        let app = App::start(config, clock, true).await.unwrap();
        let fresh = || Management {
            app: app.clone(),
            started: Arc::default(),
        };
        let state = fresh();
        assert_eq!(asked(&state).await, [200, 200, 200]);
        let scraped = || async {
            let answer = measured(State(fresh())).await;
            assert_eq!(answer.status(), StatusCode::OK);
            let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
            String::from_utf8(body.unwrap().to_vec()).unwrap()
        };
        let of_database = ["techpass_migration_version", "techpass_outbox_waiting"];
        let text = scraped().await;
        assert!(of_database.iter().all(|name| text.contains(name)), "{text}");
        assert!(text.contains("techpass_ready 1"), "{text}");
        app.store.close().await.unwrap();
        // What was ready once has started, whatever came since.
        assert_eq!(asked(&state).await, [503, 200, 503]);
        assert_eq!(asked(&fresh()).await, [503, 503, 503]);
        let text = scraped().await;
        assert!(
            !of_database.iter().any(|name| text.contains(name)),
            "{text}"
        );
        assert!(text.contains("techpass_ready 0"), "{text}");
        assert!(
            text.contains("techpass_db_pieces") && text.ends_with("# EOF\n"),
            "{text}"
        );
    }
}
