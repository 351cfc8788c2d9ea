//! What is written down of clients, and what is not.

use super::{REDIRECT_URI, SECRET, World, error};
use axum::http::header;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Lines of the level that is logged where nothing is configured, field by field.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join("\n")
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_client_that_fails_to_prove_itself_is_in_the_log_and_its_secret_is_not() {
    let world = World::start().await;
    let docs = world.client("docs", |_| {}).await;
    let browser = world.browser().await;
    let code = world.code(&docs, &browser, "openid").await;
    let heard = Heard::default();
    let _listening = tracing::subscriber::set_default(heard.clone());
    let long = format!("docs\u{1b}[31m\n{}", "x".repeat(5_000));
    for (id, named) in [
        ("docs", "docs"),
        ("nobody", "nobody"),
        (&long, "docs[31mxxx"),
    ] {
        let form = [
            ("client_id", id),
            ("client_secret", "a-wrong-secret"),
            ("grant_type", "authorization_code"),
            ("code", &code),
        ];
        let response = world.send(http::Method::POST, "/token", &form, &[]).await;
        assert_eq!(response.status(), 401);
        let line = heard.take();
        assert!(line.contains("client authentication failed"), "{line}");
        assert!(line.contains(named) && line.contains("reason"), "{line}");
        assert!(line.len() < 400 && !line.contains("\\u{1b}"), "{line}");
        for secret in ["a-wrong-secret", SECRET, &code] {
            assert!(!line.contains(secret), "{line}");
        }
    }
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", &"v".repeat(43)),
    ];
    let refused = world.post("/token", &docs, &form).await;
    assert_eq!(error(&refused), (400, "invalid_grant"));
    let line = heard.take();
    assert!(line.contains("docs") && line.contains("PKCE"), "{line}");
    assert!(!line.contains(&code) && !line.contains("vvvv"), "{line}");
}

#[tokio::test]
async fn the_record_says_which_application_and_from_where() {
    let world = World::start_with("[registration]\nopen = true\n").await;
    let wanted = serde_json::json!({ "redirect_uris": [REDIRECT_URI] });
    let (status, registered) = world.register("POST", "/register", "", &wanted).await;
    assert_eq!(status, 201, "{registered}");
    let rows = world.app.store.audit(None, 10).await.unwrap();
    let row = rows
        .iter()
        .find(|row| row.kind == "client.registered")
        .unwrap();
    assert_eq!(row.client.as_deref(), registered["client_id"].as_str());
    let docs = world.client("docs", |_| {}).await;
    let browser = world.browser().await;
    let pairs = [
        ("client_id", "docs"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid"),
        ("prompt", "none"),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let silent = format!("/authorize?{query}");
    let response = world.open(&silent, &browser).await;
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    assert!(location.contains("code="), "{location}");
    let rows = world.app.store.audit(None, 10).await.unwrap();
    let row = rows.iter().find(|row| row.kind == "login.granted").unwrap();
    assert_eq!(row.client.as_deref(), Some(docs.id.as_str()));
    let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap();
    // In process a request comes from no address.
    assert_eq!(detail["address"], "Unknown");
    assert!(detail["rule"].is_string());
}
