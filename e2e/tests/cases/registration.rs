//! Clients that register themselves, and clients as administrators keep them.

use crate::support::application::{REDIRECT_URI, text};
use crate::support::browser::{Browser, client};
use crate::support::demo::Demo;
use crate::support::elsewhere::Elsewhere;
use crate::support::program;
use crate::support::registered::{Registered, call, try_to};
use crate::support::server::Server;
use reqwest::Method;
use serde_json::{Value, json};

async fn userinfo(issuer: &str, token: &str) -> u16 {
    let url = format!("{issuer}/userinfo");
    call(Method::GET, &url, Some(token), None).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_registers_itself_and_signs_people_in_until_it_is_removed() {
    let demo = Demo::start();
    let issuer = demo.techpass();
    let grants = json!({ "grant_types": ["authorization_code", "refresh_token"] });
    let app = Registered::new(&issuer, grants).await;
    for (name, value) in [
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("id_token_signed_response_alg", json!("RS256")),
        ("response_types", json!(["code"])),
        ("client_secret_expires_at", json!(0)),
        ("redirect_uris", json!([REDIRECT_URI])),
    ] {
        assert_eq!(app.body[name], value, "{name}");
    }
    let code = app.code(&mut Browser::default(), &[]).await;
    let header = Some((app.text("client_id"), app.text("client_secret")));
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
    ];
    let (status, tokens, _) = app.token(header, &redeem).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(userinfo(&issuer, text(&tokens, "access_token")).await, 200);

    let (status, read) = app.manage(Method::GET, None).await;
    assert_eq!((status, &read["client_id"]), (200, &app.body["client_id"]));
    assert_eq!(
        read["registration_access_token"],
        app.body["registration_access_token"]
    );

    let (status, _) = app.manage(Method::DELETE, None).await;
    assert_eq!(status, 204);
    assert_eq!(app.manage(Method::GET, None).await.0, 401);
    assert_eq!(app.manage(Method::DELETE, None).await.0, 401);
    assert_eq!(userinfo(&issuer, text(&tokens, "access_token")).await, 401);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")),
    ];
    let (status, _, challenged) = app.token(header, &refresh).await;
    assert_eq!((status, challenged), (401, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_replaces_what_was_registered_and_keeps_the_secret() {
    let demo = Demo::start();
    let app = Registered::new(
        &demo.techpass(),
        json!({ "client_name": "Before", "default_max_age": 9 }),
    )
    .await;
    let other = Registered::new(&demo.techpass(), json!({})).await;
    let mut wanted = app.metadata();
    wanted["client_name"] = json!("After");
    wanted["default_max_age"] = Value::Null;
    let (status, after) = app.manage(Method::PUT, Some(&wanted)).await;
    assert_eq!(
        (status, &after["client_name"]),
        (200, &json!("After")),
        "{after}"
    );
    assert!(after.get("default_max_age").is_none() && after.get("client_secret").is_none());
    let header = Some((app.text("client_id"), app.text("client_secret")));
    let (status, answer, _) = app.token(header, &[("grant_type", "none")]).await;
    assert_eq!(
        (status, text(&answer, "error")),
        (400, "unsupported_grant_type")
    );

    for (name, value) in [
        ("client_id", json!("other")),
        ("client_id", Value::Null),
        ("client_secret", json!("wrong")),
        ("registration_access_token", json!("x")),
        ("redirect_uris", json!(["https://app.example/#"])),
    ] {
        let mut wanted = app.metadata();
        wanted[name] = value;
        let (status, answer) = app.manage(Method::PUT, Some(&wanted)).await;
        assert_eq!(status, 400, "{name} {answer}");
        assert!(
            text(&answer, "error_description").starts_with(name),
            "{answer}"
        );
    }
    // Nobody manages another one's registration, and nobody without a token.
    let place = app.text("registration_client_uri");
    let token = other.text("registration_access_token");
    for token in [Some(token), Some("x"), None] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let (status, _) = call(method, place, token, Some(&app.metadata())).await;
            assert_eq!(status, 401);
        }
    }
    // Another method needs another secret, or none.
    for (method, expected) in [
        ("none", false),
        ("client_secret_jwt", true),
        ("client_secret_post", false),
    ] {
        let mut wanted = app.metadata();
        wanted["token_endpoint_auth_method"] = json!(method);
        wanted.as_object_mut().unwrap().remove("client_secret");
        let (status, after) = app.manage(Method::PUT, Some(&wanted)).await;
        assert_eq!(status, 200, "{after}");
        assert_eq!(after.get("client_secret").is_some(), expected, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let demo = Demo::start();
    let issuer = demo.techpass();
    for (metadata, error, member) in [
        (json!({}), "invalid_redirect_uri", "redirect_uris"),
        (
            json!({ "redirect_uris": ["https://app.example/#x"] }),
            "invalid_redirect_uri",
            "redirect_uris",
        ),
        (
            json!({ "redirect_uris": [REDIRECT_URI], "response_types": ["id_token"] }),
            "invalid_client_metadata",
            "response_types",
        ),
        (
            json!({ "redirect_uris": [REDIRECT_URI], "software_statement": "x" }),
            "invalid_software_statement",
            "software_statement",
        ),
        (json!([]), "invalid_client_metadata", "The body"),
    ] {
        let (status, answer) = try_to(&issuer, &metadata).await;
        assert_eq!((status, text(&answer, "error")), (400, error), "{metadata}");
        assert!(
            text(&answer, "error_description").starts_with(member),
            "{answer}"
        );
    }
    let url = format!("{issuer}/register");
    for (kind, body) in [
        (
            "text/plain",
            r#"{"redirect_uris":["https://app.example/"]}"#,
        ),
        (
            "application/json",
            r#"{"redirect_uris":[],"redirect_uris":["https://app.example/"]}"#,
        ),
        ("application/json", "{"),
    ] {
        let request = client().post(&url).header("content-type", kind).body(body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 400, "{kind} {body}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sector_lists_every_redirect_uri() {
    let demo = Demo::start();
    let uris = json!(["https://one.example/cb", "https://two.example/cb"]);
    let list = Elsewhere::start(uris.to_string()).await;
    let asked = json!({ "redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": list.url });
    let (status, answer) = try_to(&demo.techpass(), &asked).await;
    assert_eq!(status, 201, "{answer}");
    list.put(json!(["https://one.example/cb"]).to_string());
    let (status, answer) = try_to(&demo.techpass(), &asked).await;
    assert_eq!(
        (status, text(&answer, "error")),
        (400, "invalid_client_metadata")
    );
    let without = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
    assert_eq!(try_to(&demo.techpass(), &without).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_where_that_is_not_switched_on_or_without_the_initial_token() {
    let metadata = json!({ "redirect_uris": ["https://app.example/cb"] });
    let closed = Server::start("http://localhost:1", "secret").await;
    assert_eq!(try_to(&closed.issuer, &metadata).await.0, 403);
    let discovery = |issuer: &str| format!("{issuer}/.well-known/openid-configuration");
    let (_, document) = call(Method::GET, &discovery(&closed.issuer), None, None).await;
    assert!(document.get("registration_endpoint").is_none());

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    let token = "initial-access-token-of-the-tests-0123456789";
    std::fs::write(&file, token).expect("written");
    let further = format!(
        "[registration]\ninitial_access_token_file = \"{}\"\n",
        file.display()
    );
    let gated = Server::start_with("http://localhost:1", "secret", &further).await;
    let url = format!("{}/register", gated.issuer);
    let (_, document) = call(Method::GET, &discovery(&gated.issuer), None, None).await;
    assert_eq!(text(&document, "registration_endpoint"), url);
    for (sent, expected) in [(None, 401), (Some("wrong"), 401), (Some(token), 201)] {
        let (status, answer) = call(Method::POST, &url, sent, Some(&metadata)).await;
        assert_eq!(status, expected, "{answer}");
    }
    // Here plain http is for loopback only.
    let plain = json!({ "redirect_uris": ["http://app.example/cb"] });
    let (status, answer) = call(Method::POST, &url, Some(token), Some(&plain)).await;
    assert_eq!(
        (status, text(&answer, "error")),
        (400, "invalid_redirect_uri")
    );
}

fn command(demo: &Demo, words: &[&str]) -> Value {
    let config = demo.config("techpass");
    let (verb, rest) = words.split_first().expect("a verb");
    program::json(&[&["clients", *verb, "--config", &config], rest].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_changes_a_client_gives_it_a_new_secret_and_removes_it() {
    let demo = Demo::start();
    let app = Registered::new(&demo.techpass(), json!({})).await;
    let id = app.text("client_id").to_owned();
    let good = [("grant_type", "none")];
    let old = app.text("client_secret").to_owned();
    assert_eq!(app.token(Some((&id, &old)), &good).await.0, 400);
    let shown = command(&demo, &["show", &id]);
    assert!(shown["secrets"][0]["last_used_at"].is_number(), "{shown}");

    let rotated = command(
        &demo,
        &["rotate-secret", &id, "--old-expires", "1h", "--json"],
    );
    let new = text(&rotated, "client_secret").to_owned();
    for secret in [&old, &new] {
        assert_eq!(app.token(Some((&id, secret)), &good).await.0, 400);
    }
    demo.advance(3601).await;
    assert_eq!(app.token(Some((&id, &old)), &good).await.0, 401);
    assert_eq!(app.token(Some((&id, &new)), &good).await.0, 400);

    let updated = command(
        &demo,
        &[
            "update",
            &id,
            "--name",
            "Renamed",
            "--auth",
            "client_secret_post",
            "--json",
        ],
    );
    assert_eq!(text(&updated, "name"), "Renamed");
    assert_eq!(app.token(Some((&id, &new)), &good).await.0, 401);
    let config = demo.config("techpass");
    for (words, code) in [
        (
            vec!["update", &id, "--redirect-uri", "https://app.example/#"],
            5,
        ),
        (
            vec![
                "update",
                &id,
                "--auth",
                "none",
                "--grant-type",
                "client_credentials",
            ],
            5,
        ),
        (vec!["update", &id, "--logout", "never"], 2),
        (vec!["update", &id, "--clear", "no_such_member"], 2),
        (vec!["update", "no-such-client", "--name", "x"], 5),
        (vec!["rotate-secret", &id, "--old-expires", "soon"], 2),
        (vec!["remove", &id], 0),
        (vec!["remove", &id], 5),
    ] {
        let (verb, rest) = words.split_first().expect("a verb");
        let output = program::run(&[&["clients", *verb, "--config", &config], rest].concat());
        assert_eq!(output.status.code(), Some(code), "{words:?}");
    }
    assert_eq!(app.manage(Method::GET, None).await.0, 401);
}
