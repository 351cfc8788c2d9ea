//! Tokens: who gets which, what they are worth, and how they end.

use super::{SECRET, World, error, json_of, mei};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, header};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use techpass_domain::account::Status;
use techpass_domain::client::{AuthMethod, GrantType, SigningAlg};
use techpass_store::Write;

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_redemptions_at_once_one_succeeds() {
    let world = std::sync::Arc::new(World::start().await);
    let client = world.client("docs", |_| {}).await;
    let browser = world.browser().await;
    let code = world.code(&client, &browser, "openid").await;
    let tries = (0..1_000).map(|_| {
        let (world, client, code) = (world.clone(), client.clone(), code.clone());
        tokio::spawn(async move { world.redeem(&client, &code).await })
    });
    let mut won = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        let answer = tried.await.unwrap();
        match answer.0 {
            200 => won.push(answer.1),
            // A full house says so, and burns nothing.
            503 => {}
            _ => assert_eq!(error(&answer), (400, "invalid_grant")),
        }
    }
    assert_eq!(won.len(), 1);
    // Whoever came second was right to come: the code is in two hands, so the grant has ended.
    assert_eq!(world.userinfo(&won[0]["access_token"]).await, 401);
}

#[tokio::test]
async fn each_client_gets_what_it_is_registered_for() {
    let world = World::start().await;
    let browser = world.browser().await;
    let plain = world
        .client("plain", |c| {
            c.grant_types = vec![GrantType::AuthorizationCode]
        })
        .await;
    let tokens = world.tokens(&plain, &browser, "openid").await;
    assert_eq!(tokens.get("refresh_token"), None);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "tp_rt_x"),
    ];
    let refused = world.post("/token", &plain, &form).await;
    assert_eq!(error(&refused), (400, "unauthorized_client"));
    let machine = [("grant_type", "client_credentials")];
    let refused = world.post("/token", &plain, &machine).await;
    assert_eq!(error(&refused), (400, "unauthorized_client"));
    let device = [
        ("grant_type", GrantType::DeviceCode.as_str()),
        ("device_code", "x"),
    ];
    let refused = world.post("/token", &plain, &device).await;
    assert_eq!(error(&refused), (400, "unsupported_grant_type"));
    let public = world
        .client("public", |c| {
            c.auth_method = AuthMethod::None;
            c.secrets.clear();
            c.grant_types = vec![GrantType::ClientCredentials];
        })
        .await;
    let refused = world.post("/token", &public, &machine).await;
    assert_eq!(error(&refused), (400, "unauthorized_client"));
}

#[tokio::test]
async fn malformed_requests_are_answered_as_json_that_nobody_keeps() {
    let world = World::start().await;
    let client = world.client("docs", |_| {}).await;
    for form in [
        vec![],
        vec![("grant_type", "authorization_code")],
        vec![
            ("grant_type", "refresh_token"),
            ("grant_type", "refresh_token"),
        ],
        vec![("grant_type", "authorization_code"), ("code", "")],
    ] {
        let answer = world.post("/token", &client, &form).await;
        assert_eq!(error(&answer), (400, "invalid_request"), "{form:?}");
    }
    let unknown = world
        .post("/token", &client, &[("grant_type", "password")])
        .await;
    assert_eq!(error(&unknown), (400, "unsupported_grant_type"));
    for path in ["/token", "/introspect", "/revoke"] {
        let kind = [("content-type", "application/json")];
        let response = world.send(Method::GET, path, &[], &kind).await;
        assert_eq!(response.status(), 405, "{path}");
        let request = http::Request::post(path)
            .header("host", "localhost:4000")
            .header("content-type", "application/json")
            .body(axum::body::Body::from("{}"))
            .unwrap();
        let response = tower::ServiceExt::oneshot(world.router.clone(), request).await;
        let response = response.unwrap();
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::PRAGMA], "no-cache");
        let answer = (response.status().as_u16(), json_of(response).await);
        assert_eq!(error(&answer), (400, "invalid_request"), "{path}");
    }
    let wrong = [
        ("client_id", "docs"),
        ("client_secret", "wrong"),
        ("token", "x"),
    ];
    for path in ["/token", "/introspect", "/revoke"] {
        let response = world.send(Method::POST, path, &wrong, &[]).await;
        let answer = (response.status().as_u16(), json_of(response).await);
        assert_eq!(error(&answer), (401, "invalid_client"), "{path}");
    }
}

#[tokio::test]
async fn a_machines_token_is_its_own_and_ends_by_revocation() {
    let world = World::start().await;
    let batch = world
        .client("batch", |c| {
            c.grant_types = vec![GrantType::ClientCredentials]
        })
        .await;
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "reports.read"),
    ];
    let (status, tokens) = world.post("/token", &batch, &form).await;
    assert_eq!(status, 200, "{tokens}");
    let names: BTreeSet<&str> = tokens
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let all = ["access_token", "expires_in", "scope", "token_type"];
    assert_eq!(names, BTreeSet::from(all));
    let token = &tokens["access_token"];
    let said = claims(token);
    assert_eq!(said["sub"], "batch");
    assert_eq!(said["client_id"], "batch");
    assert_eq!(world.userinfo(token).await, 401, "it speaks of nobody");
    let known = world.introspected(&batch, token).await;
    assert_eq!(known["active"], true);
    assert_eq!(known["scope"], "reports.read");
    assert_eq!(known.get("username"), None);
    let refused = [("grant_type", "client_credentials"), ("scope", "openid")];
    let refused = world.post("/token", &batch, &refused).await;
    assert_eq!(error(&refused), (400, "invalid_scope"));
    let form = [
        ("token", token.as_str().unwrap()),
        ("token_type_hint", "refresh_token"),
    ];
    assert_eq!(world.post("/revoke", &batch, &form).await.0, 200);
    assert_eq!(
        world.post("/revoke", &batch, &form).await.0,
        200,
        "once more"
    );
    let known = world.introspected(&batch, token).await;
    assert_eq!(known, json!({ "active": false }));
}

#[tokio::test]
async fn who_learns_what_of_a_token() {
    let world = World::start().await;
    let browser = world.browser().await;
    let docs = world.client("docs", |_| {}).await;
    let other = world.client("other", |_| {}).await;
    let api = world.client("api", |c| c.introspects_all = true).await;
    let public = world
        .client("public", |c| {
            c.auth_method = AuthMethod::None;
            c.secrets.clear();
        })
        .await;
    let tokens = world.tokens(&docs, &browser, "openid profile").await;
    let token = &tokens["access_token"];
    for asker in [&docs, &api] {
        let known = world.introspected(asker, token).await;
        let said = claims(token);
        for name in [
            "sub",
            "aud",
            "iss",
            "exp",
            "iat",
            "jti",
            "client_id",
            "scope",
            "acr",
            "auth_time",
        ] {
            assert_eq!(known[name], said[name], "{name}");
        }
        assert_eq!(known["username"], mei().login_id);
        assert_eq!(known["token_type"], "Bearer");
        let known = world.introspected(asker, &tokens["refresh_token"]).await;
        assert_eq!(known["active"], true);
        assert_eq!(known["client_id"], "docs");
    }
    for name in ["access_token", "refresh_token", "id_token"] {
        let known = world.introspected(&other, &tokens[name]).await;
        assert_eq!(known, json!({ "active": false }), "{name}");
    }
    let known = world.introspected(&docs, &tokens["id_token"]).await;
    assert_eq!(
        known,
        json!({ "active": false }),
        "an ID token is no access token"
    );
    let form = [("token", token.as_str().unwrap())];
    let refused = world.post("/introspect", &public, &form).await;
    assert_eq!(error(&refused), (401, "invalid_client"));
    // What a token rests on ends, and so does the token.
    let disabled = Write::SetStatus {
        account: mei().id,
        from: Status::Active,
        to: Status::Disabled,
    };
    world.commit(vec![disabled]).await;
    for name in ["access_token", "refresh_token"] {
        let known = world.introspected(&docs, &tokens[name]).await;
        assert_eq!(known, json!({ "active": false }), "{name}");
    }
}

#[tokio::test]
async fn what_a_client_revokes_and_what_not() {
    let world = World::start().await;
    let browser = world.browser().await;
    let docs = world.client("docs", |_| {}).await;
    let other = world.client("other", |_| {}).await;
    let tokens = world.tokens(&docs, &browser, "openid").await;
    let (access, refresh) = (&tokens["access_token"], &tokens["refresh_token"]);
    let form = |token: &str| vec![("token".to_owned(), token.to_owned())];
    let revoke = async |client, token: &str| {
        let form = form(token);
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        world.post("/revoke", client, &form).await.0
    };
    for token in [access, refresh] {
        assert_eq!(revoke(&other, token.as_str().unwrap()).await, 200);
    }
    assert_eq!(revoke(&docs, "nonsense").await, 200);
    assert_eq!(revoke(&docs, "tp_rt_nonsense").await, 200);
    assert_eq!(revoke(&docs, "a.b.c").await, 200);
    assert_eq!(world.userinfo(access).await, 200, "nobody else ends it");
    assert_eq!(revoke(&docs, access.as_str().unwrap()).await, 200);
    assert_eq!(world.userinfo(access).await, 401);
    let known = world.introspected(&docs, refresh).await;
    assert_eq!(known["active"], true, "the refresh token goes on");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str().unwrap()),
    ];
    let (status, second) = world.post("/token", &docs, &form).await;
    assert_eq!(status, 200);
    assert_eq!(world.userinfo(&second["access_token"]).await, 200);
    assert_eq!(
        revoke(&docs, second["refresh_token"].as_str().unwrap()).await,
        200
    );
    assert_eq!(world.userinfo(&second["access_token"]).await, 401);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", second["refresh_token"].as_str().unwrap()),
    ];
    let refused = world.post("/token", &docs, &form).await;
    assert_eq!(error(&refused), (400, "invalid_grant"));
}

#[tokio::test]
async fn a_refresh_repeats_who_and_when() {
    let world = World::start().await;
    let browser = world.browser().await;
    for alg in SigningAlg::ALL {
        let docs = world
            .client(alg.as_str(), |c| c.id_token_signed_response_alg = alg)
            .await;
        let tokens = world.tokens(&docs, &browser, "openid").await;
        let first = claims(&tokens["id_token"]);
        world.clock.advance(100);
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ("client_secret", SECRET),
        ];
        let (status, refreshed) = world.post("/token", &docs, &form[..2]).await;
        assert_eq!(status, 200, "{refreshed}");
        let second = claims(&refreshed["id_token"]);
        for name in ["iss", "sub", "aud", "auth_time", "sid"] {
            assert_eq!(first[name], second[name], "{name}");
        }
        assert_eq!(first["nonce"], "n-1");
        assert_eq!(second.get("nonce"), None);
        assert!(second["iat"].as_i64() > first["iat"].as_i64());
        let twice = world.post("/token", &docs, &form).await;
        assert_eq!(
            error(&twice),
            (400, "invalid_request"),
            "a secret sent twice"
        );
    }
}

#[tokio::test]
async fn the_metadata_of_both_specifications_are_one() {
    let world = World::start_with("[device_grant]\nenabled = true\n").await;
    let mut documents = Vec::new();
    for path in ["openid-configuration", "oauth-authorization-server"] {
        let path = format!("/.well-known/{path}");
        let response = world.send(Method::GET, &path, &[], &[]).await;
        let etag = response.headers()[header::ETAG]
            .to_str()
            .unwrap()
            .to_owned();
        documents.push(json_of(response).await);
        let known = [("if-none-match", etag.as_str())];
        let again = world.send(Method::GET, &path, &[], &known).await;
        assert_eq!(again.status(), 304);
    }
    assert_eq!(documents[0], documents[1]);
    let grants = documents[0]["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!(GrantType::DeviceCode.as_str())));
}
