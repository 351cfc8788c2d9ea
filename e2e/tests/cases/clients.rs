//! What a registered client may ask for, from registration to the answer.

use crate::support::application::{Application, REDIRECT_URI, text};
use crate::support::browser::{Browser, client};
use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::elsewhere::Elsewhere;
use crate::support::people::{PASSWORD, PROBE};
use crate::support::registered::Registered;
use crate::support::wait::until;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

/// The claims of a compact JWS, unchecked.
fn claims(jws: &str) -> Value {
    let payload = jws.split('.').nth(1).expect("a compact JWS");
    let bytes = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn redeemed(app: &Registered, code: &str) -> Value {
    let header = Some((app.text("client_id"), app.text("client_secret")));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
    ];
    let (status, tokens, _) = app.token(header, &form).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

async fn userinfo(issuer: &str, token: &str) -> reqwest::Response {
    let url = format!("{issuer}/userinfo");
    let answer = client().get(url).bearer_auth(token).send().await;
    answer.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_allowed_is_remembered_until_it_is_taken_back() {
    let demo = Demo::start();
    consent_is_kept_at(&demo.techpass()).await;
}

/// The same whatever database the issuer has.
pub async fn consent_is_kept_at(issuer: &str) {
    let app = Registered::new(issuer, json!({ "client_name": "Room planner" })).await;
    let known = Application::known(app.text("client_id"), issuer);
    let plain = [("code_challenge", None), ("code_challenge_method", None)];
    let mut browser = Browser::default();
    let page = browser.open(&known.request(&plain)).await;
    let page = browser.identify(page, PROBE).await;
    let page = browser
        .press(&page, "Sign in", &[("password", PASSWORD)])
        .await;
    page.expect_heading("Allow Room planner to use your account?");
    let page = browser.press(&page, "Allow", &[]).await;
    let tokens = redeemed(&app, &known.code_of(&page)).await;

    // The second time nobody is asked, not even where nobody could be.
    let silent = [plain[0], plain[1], ("prompt", Some("none"))];
    known.code_of(&browser.open(&known.request(&silent)).await);

    let applications = format!("{issuer}/account/applications");
    let page = browser.open(&applications).await;
    assert!(page.body.contains("Room planner"), "{page:?}");
    browser.press(&page, "Remove access", &[]).await;
    let page = browser.open(&applications).await;
    assert!(!page.body.contains("Room planner"), "{page:?}");
    let told = userinfo(issuer, text(&tokens, "access_token")).await;
    assert_eq!(told.status(), 401);
    let page = browser.open(&known.request(&silent)).await;
    assert_eq!(page.parameter("error").as_deref(), Some("consent_required"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pairwise_subject_is_the_same_everywhere_and_says_nothing() {
    let demo = Demo::start();
    subjects_are_pairwise_at(&demo.techpass()).await;
}

/// The same whatever database the issuer has.
pub async fn subjects_are_pairwise_at(issuer: &str) {
    let public = Registered::new(issuer, json!({})).await;
    let pairwise = json!({ "subject_type": "pairwise" });
    let own = Registered::new(issuer, pairwise.clone()).await;
    let same_sector = Registered::new(issuer, pairwise).await;
    let mut subjects = Vec::new();
    for app in [&public, &own, &same_sector] {
        let code = app.code(&mut Browser::default(), &[]).await;
        let tokens = redeemed(app, &code).await;
        let signed = claims(text(&tokens, "id_token"))["sub"].clone();
        let info = userinfo(issuer, text(&tokens, "access_token")).await;
        let info: Value = info.json().await.expect("JSON");
        assert_eq!(info["sub"], signed, "OpenID Connect Core 5.3.2");
        subjects.push(signed);
    }
    assert_eq!(subjects[1], subjects[2], "one sector, one subject");
    assert_ne!(subjects[0], subjects[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_information_is_signed_for_who_asked_for_it() {
    let demo = Demo::start();
    let signed = json!({ "userinfo_signed_response_alg": "ES256" });
    let app = Registered::new(&demo.techpass(), signed).await;
    let code = app.code(&mut Browser::default(), &[]).await;
    let tokens = redeemed(&app, &code).await;
    let answer = userinfo(&demo.techpass(), text(&tokens, "access_token")).await;
    assert_eq!(answer.headers()["content-type"], "application/jwt");
    let said = claims(&answer.text().await.expect("text"));
    assert_eq!(said["iss"], demo.techpass());
    assert_eq!(said["aud"], app.text("client_id"));
    assert_eq!(said["sub"], claims(text(&tokens, "id_token"))["sub"]);
    assert_eq!(said["email"], "probe@mail.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_fetched_only_from_where_the_client_said() {
    let demo = Demo::start();
    let place = Elsewhere::start(String::new()).await;
    let app = Registered::new(
        &demo.techpass(),
        json!({ "request_uris": [place.url], "request_object_signing_alg": "none" }),
    )
    .await;
    let id = app.text("client_id");
    let object = json!({
        "client_id": id, "response_type": "code", "redirect_uri": REDIRECT_URI,
        "scope": "openid", "state": "state-of-the-tests", "prompt": "none",
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    place.put(format!(
        "{}.{}.",
        part(&json!({ "alg": "none" })),
        part(&object)
    ));
    let asks = |uri: &str| {
        let base = format!("{}/authorize", demo.techpass());
        let pairs = [
            ("client_id", id),
            ("response_type", "code"),
            ("scope", "openid"),
            ("request_uri", uri),
        ];
        Url::parse_with_params(&base, pairs).expect("an address")
    };
    let page = Browser::default().open(asks(&place.url).as_str()).await;
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    assert_eq!(
        page.parameter("state").as_deref(),
        Some("state-of-the-tests")
    );
    let asked = place.asked();
    let other = place.url.replace("/document", "/other");
    let page = Browser::default().open(asks(&other).as_str()).await;
    assert!(
        page.parameter("code").is_none() && page.status == 400,
        "{page:?}"
    );
    assert_eq!(
        place.asked(),
        asked,
        "what is not registered is not fetched"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_may_send_its_person_on_to_another_origin() {
    let demo = Demo::start();
    let place = Elsewhere::start("{}".to_owned()).await;
    let home = place.url.replace("/document", "/home");
    place.send_on(home.clone());
    // The same port under another name: another origin.
    let callback = home
        .replace("127.0.0.1", "localhost")
        .replace("/home", "/cb");
    let wanted = json!({ "redirect_uris": [callback], "post_logout_redirect_uris": [callback] });
    let app = Registered::new(&demo.techpass(), wanted).await;
    let known = Application::known(app.text("client_id"), &demo.techpass());
    let computer = Chromium::start(Setup::default()).await;
    for mode in ["query", "form_post"] {
        let changes = [
            ("code_challenge", None),
            ("code_challenge_method", None),
            ("response_mode", Some(mode)),
            ("redirect_uri", Some(callback.as_str())),
            ("prompt", Some("login consent")),
        ];
        computer.open(&known.request(&changes)).await;
        if mode == "query" {
            computer.fill("Email or TechPass ID", PROBE).await;
            computer.press("Next").await;
        }
        computer.fill("Password", PASSWORD).await;
        computer.press("Sign in").await;
        computer.press("Allow").await;
        computer.lands_at(&home).await;
    }
    let query = [
        ("client_id", app.text("client_id")),
        ("post_logout_redirect_uri", callback.as_str()),
    ];
    let base = format!("{}/logout", demo.techpass());
    let logout = Url::parse_with_params(&base, query).expect("an address");
    computer.open(logout.as_str()).await;
    computer.choose(PROBE).await;
    computer.press("Log out").await;
    computer.lands_at(&home).await;
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_loads_the_page_of_the_application_in_the_browser() {
    let demo = Demo::start();
    let place = Elsewhere::start("{}".to_owned()).await;
    let uri = |path: &str| place.url.replace("/document", path);
    let app = Registered::new(
        &demo.techpass(),
        json!({
            "redirect_uris": [uri("/cb")],
            "frontchannel_logout_uri": uri("/out?place=1"),
            "frontchannel_logout_session_required": true,
        }),
    )
    .await;
    let known = Application::known(app.text("client_id"), &demo.techpass());
    let back = uri("/cb");
    let changes = [
        ("code_challenge", None),
        ("code_challenge_method", None),
        ("redirect_uri", Some(back.as_str())),
    ];
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&known.request(&changes)).await;
    computer.fill("Email or TechPass ID", PROBE).await;
    computer.press("Next").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    computer.press("Allow").await;
    computer.lands_at(&uri("")).await;

    computer.open(&format!("{}/logout", demo.techpass())).await;
    computer.heading("Log out").await;
    computer.choose(PROBE).await;
    computer.press("Log out").await;
    computer.heading("You are logged out").await;
    let target = until("the application's page to be loaded", || async {
        let targets = place.targets();
        let out = targets.iter().find(|target| target.starts_with("/out?"));
        out.cloned().ok_or_else(|| format!("{targets:?}"))
    })
    .await;
    let url = Url::parse(&uri(&target)).expect("an address");
    let names: Vec<_> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(
        names,
        ["place", "iss", "sid"],
        "Front-Channel Logout 1.0 section 2"
    );
    computer.quit().await;
}
