use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use crate::support::{PORTAL, World, encode};

#[tokio::test]
async fn a_person_logs_in_and_is_greeted() {
    let world = World::new().await;
    let mut browser = world.browser();
    let home = browser.get("/").await;
    assert!(home.body.contains(">Log in</a>"), "{}", home.body);
    assert!(!home.body.contains("account-menu"));

    let chooser = browser.get("/login?next=/guides/run-it").await;
    assert!(
        chooser.body.contains("<h1>Log in to the Docs portal</h1>"),
        "{}",
        chooser.body
    );
    assert!(
        chooser.body.contains(">Log in with TechPass</a>"),
        "{}",
        chooser.body
    );
    assert!(
        chooser
            .body
            .contains("href=\"/auth/start?next=%2Fguides%2Frun-it\"")
    );

    let answer = world.log_in(&mut browser, "/guides/run-it").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.location(), "/guides/run-it");
    let cookie = answer.set_cookie("docs_session").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");

    let page = browser.get("/guides/run-it").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("data-testid=\"account-menu\""));
    assert!(page.body.contains("Mei Tan (AGENCY)"));
    assert!(page.body.contains("mei.tan@agency.example"));
    assert!(
        page.body
            .contains("<button class=\"quiet\">Log Out</button>")
    );
    assert!(!page.body.contains(">Log in<"));
    assert_eq!(browser.get("/login?next=/about").await.location(), "/about");
}

#[tokio::test]
async fn the_authorization_request_is_complete_and_fresh() {
    let world = World::new().await;
    let mut browser = world.browser();
    let mut params = Vec::new();
    for _ in 0..2 {
        let start = browser
            .get("/auth/start?next=/about&login_hint=mei.tan@agency.example")
            .await;
        let url = Url::parse(&start.location()).unwrap();
        params.push(url.query_pairs().into_owned().collect::<HashMap<_, _>>());
    }
    let first = &params[0];
    assert_eq!(first["response_type"], "code");
    assert_eq!(first["client_id"], "docs-portal");
    assert_eq!(first["redirect_uri"], format!("{PORTAL}/auth/callback"));
    assert_eq!(first["scope"], "openid profile email");
    assert_eq!(first["code_challenge_method"], "S256");
    assert_eq!(first["login_hint"], "mei.tan@agency.example");
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(first[name].len(), 43, "{name}");
        assert_ne!(first[name], params[1][name], "{name}");
    }
}

#[tokio::test]
async fn two_tabs_finish_in_any_order() {
    let world = World::new().await;
    let mut browser = world.browser();
    let first = world.callback(&mut browser, "/about").await;
    let second = world.callback(&mut browser, "/guides").await;
    assert_eq!(browser.get(&second).await.location(), "/guides");
    assert_eq!(browser.get(&first).await.location(), "/about");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn an_answer_works_once() {
    let world = World::new().await;
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "/about").await;
    assert_eq!(browser.get(&callback).await.location(), "/about");
    // Back or reload while signed in.
    let again = browser.get(&callback).await;
    assert_eq!((again.status, again.location().as_str()), (303, "/"));
    assert!(again.set_cookie("docs_session").is_none());
    // And after the log-out.
    browser.post("/logout", "").await;
    let late = browser.get(&callback).await;
    assert_eq!(late.status, 400);
    assert!(
        late.body
            .contains("This log-in was already used or expired"),
        "{}",
        late.body
    );
    assert!(
        late.body.contains("href=\"/login\">Log in</a>"),
        "{}",
        late.body
    );
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let world = World::new().await;
    let (mut mallory, mut mei) = (world.browser(), world.browser());
    let callback = world.callback(&mut mallory, "/").await;
    let without_cookie = mei.get(&callback).await;
    assert_eq!(without_cookie.status, 400);
    assert!(
        without_cookie.body.contains("SES-202"),
        "{}",
        without_cookie.body
    );
    world.callback(&mut mei, "/").await;
    let with_cookie = mei.get(&callback).await;
    assert_eq!(with_cookie.status, 400);
    assert!(with_cookie.body.contains("SES-201"), "{}", with_cookie.body);
    assert!(!mei.is_signed_in().await);
}

#[tokio::test]
async fn a_planted_cookie_is_not_taken_over() {
    let world = World::new().await;
    let mut browser = world.browser();
    let planted = "A".repeat(43);
    browser
        .cookies
        .insert("docs_login".to_owned(), planted.clone());
    browser.get("/auth/start").await;
    assert_ne!(browser.cookies["docs_login"], planted);
}

#[tokio::test]
async fn a_wrong_state_is_refused() {
    let world = World::new().await;
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "/").await;
    let state = callback
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let wrong = callback.replace(state, &"x".repeat(43));
    assert_eq!(browser.get(&wrong).await.status, 400);
    let without = callback.replace("state=", "estate=");
    assert_eq!(browser.get(&without).await.status, 400);
    assert!(!browser.is_signed_in().await);
    // The right answer still works: a wrong one has not used it up.
    assert_eq!(browser.get(&callback).await.status, 303);
}

#[tokio::test]
async fn an_answer_must_name_the_provider() {
    let world = World::new().await;
    let mut browser = world.browser();
    for change in ["", "&iss=https%3A%2F%2Fother.example"] {
        let callback = world.callback(&mut browser, "/").await;
        let (start, _) = callback.split_once("&iss=").unwrap();
        let answer = browser.get(&format!("{start}{change}")).await;
        assert_eq!(answer.status, 400, "{change}");
        assert!(
            answer.body.contains("You were not logged in"),
            "{}",
            answer.body
        );
        assert_eq!(
            browser.get(&callback).await.status,
            400,
            "the attempt is used up"
        );
    }
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn repeated_parameters_are_refused() {
    let world = World::new().await;
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "/").await;
    for extra in [
        "&code=other",
        "&state=other",
        "&iss=https%3A%2F%2Fother.example",
    ] {
        let answer = browser.get(&format!("{callback}{extra}")).await;
        assert_eq!(answer.status, 400, "{extra}");
    }
    assert_eq!(browser.get(&callback).await.status, 303);
}

#[tokio::test]
async fn an_attempt_expires() {
    let world = World::new().await;
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "/").await;
    world.advance(30 * 60);
    let answer = browser.get(&callback).await;
    assert!(
        answer.body.contains("already used or expired"),
        "{}",
        answer.body
    );
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_refusal_is_shown_calmly_and_escaped() {
    let world = World::new().await;
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "/guides/run-it").await;
    let (_, rest) = callback.split_once("&state=").unwrap();
    let description = encode("DEV-501 <script>alert(1)</script>");
    let answer = browser
        .get(&format!(
            "/auth/callback?error=access_denied&error_description={description}&state={rest}"
        ))
        .await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("<h1>You were not logged in</h1>"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("access_denied"));
    assert!(answer.body.contains("DEV-501"));
    assert!(!answer.body.contains("<script"), "{}", answer.body);
    assert!(
        answer
            .body
            .contains("href=\"/login?next=%2Fguides%2Frun-it\">Log in</a>")
    );
}

#[tokio::test]
async fn a_log_in_never_leads_away() {
    let world = World::new().await;
    for next in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/.//evil.example",
    ] {
        let answer = world.log_in(&mut world.browser(), next).await;
        assert_eq!(answer.location(), "/", "{next}");
        let page = world
            .browser()
            .get(&format!("/login?next={}", encode(next)))
            .await;
        assert!(page.body.contains("href=\"/auth/start\""), "{next}");
    }
}

#[tokio::test]
async fn the_portal_works_before_its_provider_does() {
    let world = World::new().await;
    let mut browser = world.browser();
    world.provider.change(|state| {
        state.discovery = Some(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    });
    assert_eq!(browser.get("/").await.status, 200);
    let answer = browser.get("/auth/start?next=/about").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer
            .body
            .contains("Logging in is not available at the moment")
    );
    assert!(
        answer
            .body
            .contains("href=\"/auth/start?next=%2Fabout\">Try again</a>")
    );
    world.provider.change(|state| state.discovery = None);
    assert_eq!(
        world.log_in(&mut browser, "/about").await.location(),
        "/about"
    );
    // Known once, the provider's documents may be away for a while.
    world.provider.change(|state| {
        state.discovery = Some(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    });
    world.advance(2 * 60 * 60);
    assert_eq!(world.log_in(&mut browser, "/").await.status, 303);
}

#[tokio::test]
async fn a_strange_discovery_is_not_believed() {
    let world = World::new().await;
    let mut browser = world.browser();
    let strange: [fn(Value) -> Response; 4] = [
        |_| Redirect::to("/elsewhere").into_response(),
        |document| {
            let json = [("content-type", "application/json")];
            (json, format!("{document}{}", " ".repeat(1024 * 1024))).into_response()
        },
        |_| Json(json!({ "issuer": "https://other.example" })).into_response(),
        |mut document| {
            document["issuer"] = json!("https://other.example");
            Json(document).into_response()
        },
    ];
    for answer in strange {
        world
            .provider
            .change(|state| state.discovery = Some(answer));
        assert_eq!(browser.get("/auth/start").await.status, 503);
    }
    world.provider.change(|state| {
        state.discovery = Some(|document| document.to_string().into_response());
    });
    assert_eq!(
        browser.get("/auth/start").await.status,
        503,
        "text is not JSON"
    );
    world.provider.change(|state| {
        state.discovery = Some(|document| Json(document).into_response());
    });
    assert_eq!(browser.get("/auth/start").await.status, 303);
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_is_told_apart() {
    let world = World::new().await;
    let cases = [
        (400, json!({ "error": "invalid_grant" }), 502),
        (401, json!({ "error": "invalid_client" }), 502),
        (500, json!({ "error": "server_error" }), 503),
        (
            200,
            json!({ "access_token": "a", "token_type": "Bearer" }),
            502,
        ),
        (
            200,
            json!({ "access_token": "a", "token_type": "Bearer", "id_token": "x.y" }),
            502,
        ),
    ];
    for (status, error, expected) in cases {
        world
            .provider
            .change(|state| state.token_error = Some((status, error.clone())));
        let mut browser = world.browser();
        let answer = world.log_in(&mut browser, "/").await;
        assert_eq!(answer.status, expected, "{error}: {}", answer.body);
        assert!(answer.body.contains("Reference"), "{}", answer.body);
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn every_log_in_has_its_own_session() {
    let world = World::new().await;
    let mut browser = world.signed_in("sid-1").await;
    let mut left_behind = browser.clone();
    let first = browser.cookies["docs_session"].clone();
    world.log_in(&mut browser, "/").await;
    assert_ne!(browser.cookies["docs_session"], first);
    assert!(browser.is_signed_in().await);
    assert!(!left_behind.is_signed_in().await);
}

#[tokio::test]
async fn a_session_ends_and_the_person_is_told_once() {
    let world = World::with(|config| config.signed_in_for_s = 600).await;
    let mut browser = world.signed_in("sid-1").await;
    world.advance(599);
    assert!(browser.is_signed_in().await);
    world.advance(1);
    let notice = "You were logged out. Log in again to continue.";
    let page = browser.get("/guides/how-officers-sign-in").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(notice), "{}", page.body);
    assert!(
        page.body
            .contains("/login?next=%2Fguides%2Fhow-officers-sign-in")
    );
    assert!(!browser.get("/").await.body.contains(notice));
    assert!(!world.browser().get("/").await.body.contains(notice));
}

#[tokio::test]
async fn a_log_in_may_begin_elsewhere() {
    let world = World::new().await;
    let iss = encode(&world.provider.issuer);
    let target = encode(&format!("{PORTAL}/guides?x=1"));
    let query = format!("iss={iss}&login_hint=mei%40agency.example&target_link_uri={target}");
    let expected = "/auth/start?next=%2Fguides%3Fx%3D1&login_hint=mei%40agency.example";
    let get = world
        .browser()
        .get(&format!("/auth/initiate?{query}"))
        .await;
    assert_eq!((get.status, get.location().as_str()), (303, expected));
    let foreign = [
        ("origin", world.provider.issuer.as_str()),
        ("sec-fetch-site", "cross-site"),
    ];
    let post = world
        .browser()
        .post_with("/auth/initiate", &query, &foreign)
        .await;
    assert_eq!((post.status, post.location().as_str()), (303, expected));

    let away = format!("/auth/initiate?iss={iss}&target_link_uri=https%3A%2F%2Fevil.example%2F");
    assert_eq!(world.browser().get(&away).await.location(), "/auth/start");
    for wrong in [
        "",
        "?iss=https%3A%2F%2Fother.example",
        &format!("?iss={iss}&iss={iss}"),
    ] {
        let answer = world.browser().get(&format!("/auth/initiate{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
}
