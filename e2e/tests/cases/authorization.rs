//! What an application may ask of the authorization endpoint, and how the answer travels.

use crate::support::application::{Application, REDIRECT_URI, text};
use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::page::{Page, Sending};
use crate::support::people::PROBE;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A field of the form that a page would post to the application.
fn field(form: &Sending, name: &str) -> Option<String> {
    let fields = form.fields.as_ref().expect("a form");
    let found = fields.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value.clone())
}

/// The form of a page that goes back to the application.
fn posted(page: &Page) -> Sending {
    page.expect_heading("Going back to Test application");
    assert_eq!(page.status, 200);
    let form = page.sends("Continue");
    assert_eq!(form.url.as_str(), REDIRECT_URI);
    form
}

fn error(page: &Page) -> String {
    assert!(
        page.url.as_str().starts_with(REDIRECT_URI),
        "no answer: {page:?}"
    );
    page.parameter("error").unwrap_or_default()
}

/// The claims of a token, for reading; the domain's tests verify how tokens are made.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

/// A request object that is not signed.
fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({"alg": "none"})), part(claims))
}

async fn sign_in(browser: &mut Browser, url: &str) -> Page {
    let page = browser.open(url).await;
    let page = browser.identify(page, PROBE).await;
    browser.password(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_by_form_needs_no_script_and_permits_one() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mode = ("response_mode", Some("form_post"));
    // Errors travel the same way.
    let page = Browser::default()
        .open(&app.request(&[mode, ("prompt", Some("none"))]))
        .await;
    let form = posted(&page);
    assert_eq!(field(&form, "error").as_deref(), Some("login_required"));
    let page = Browser::default()
        .open(&app.request(&[mode, ("scope", Some("email"))]))
        .await;
    assert_eq!(
        field(&posted(&page), "error").as_deref(),
        Some("invalid_scope")
    );
    // A state of several thousand characters, of which some mean something in HTML.
    let state = format!("\"<&'é {}", "x".repeat(4000));
    let mut browser = Browser::default();
    let request = app.request(&[mode, ("state", Some(&state))]);
    let page = sign_in(&mut browser, &request).await;
    let form = posted(&page);
    assert_eq!(field(&form, "state"), Some(state));
    assert_eq!(field(&form, "iss"), Some(demo.techpass()));
    let policy = page.headers["content-security-policy"]
        .to_str()
        .expect("text");
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
    assert!(
        policy.contains("form-action 'self' http://localhost:9"),
        "{policy}"
    );
    let code = field(&form, "code").expect("a code");
    assert_eq!(app.redeem(&code).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_allowed_is_listed_and_taken_back() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut browser = Browser::default();
    let request = app.request(&[("prompt", Some("consent"))]);
    let asked = sign_in(&mut browser, &request).await;
    asked.expect_heading("Allow Test application to use your account?");
    assert!(asked.body.contains("See your email address"));
    let refused = browser.press(&asked, "Don't allow", &[]).await;
    assert_eq!(error(&refused), "access_denied");
    let asked = sign_in(&mut browser, &request).await;
    asked.expect_heading("Allow Test application to use your account?");
    let allowed = browser.press(&asked, "Allow", &[]).await;
    let (_, tokens) = app.redeem(&app.code_of(&allowed)).await;
    assert_eq!(app.userinfo(text(&tokens, "access_token")).await, 200);
    // Asked for again, although it was allowed: `prompt=consent`.
    let asked = browser.open(&request).await;
    asked.expect_heading("Allow Test application to use your account?");
    let list = format!("{}/account/applications", demo.techpass());
    let page = browser.open(&list).await;
    page.expect_heading("Applications you allowed");
    let page = browser.press(&page, "Remove access", &[]).await;
    assert!(!page.offers("Remove access"), "{page:?}");
    assert_eq!(app.userinfo(text(&tokens, "access_token")).await, 401);
    let refresh = app.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(
        (refresh.0, &refresh.1["error"]),
        (400, &json!("invalid_grant"))
    );
    // Another site cannot take anything back, and a stranger has nothing to take.
    let page = Browser::default().open(&list).await;
    assert!(page.body.contains("Nobody is signed in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_come_where_they_were_asked_for() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let wanted = json!({
        "userinfo": {"nickname": {"essential": true}, "phone_number": null, "no_such": null},
        "id_token": {"email": {"essential": true}, "auth_time": {"essential": true}},
    });
    let wanted = wanted.to_string();
    let request = app.request(&[("scope", Some("openid")), ("claims", Some(&wanted))]);
    let page = sign_in(&mut Browser::default(), &request).await;
    let (_, tokens) = app.redeem(&app.code_of(&page)).await;
    let token = claims(text(&tokens, "id_token"));
    assert!(
        token["email"].is_string() && token["auth_time"].is_i64(),
        "{token}"
    );
    assert!(token.get("name").is_none() && token.get("nickname").is_none());
    let (status, kind, body) = app.told_by_userinfo(text(&tokens, "access_token")).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let told: Value = serde_json::from_str(&body).expect("JSON");
    assert!(
        told["nickname"].is_string() && told["phone_number"].is_string(),
        "{told}"
    );
    assert_eq!(told["sub"], token["sub"]);
    assert!(told.get("email").is_none() && told.get("no_such").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_object_takes_the_place_of_the_request() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let inside = json!({
        "iss": "probe-app", "aud": demo.techpass(), "redirect_uri": REDIRECT_URI, "state": "inside",
        "prompt": "none",
    });
    let ask = |object: String, changes: Vec<(&'static str, Option<&'static str>)>| {
        let mut all = vec![("request", Some(object.as_str()))];
        all.extend(changes);
        app.request(&all)
    };
    // The redirect URI inside the object counts after the object was verified, and its `prompt` and `state` do.
    let url = ask(
        unsigned(&inside),
        vec![("redirect_uri", None), ("state", None)],
    );
    let page = Browser::default().open(&url).await;
    assert_eq!(error(&page), "login_required");
    assert_eq!(page.parameter("state").as_deref(), Some("inside"));
    // One that does not count is answered to the address outside, or with a page where there is none.
    for bad in [
        json!({"client_id": "other"}),
        json!({"aud": "https://other.example"}),
        json!({"request_uri": "https://docs.example/r"}),
        json!({"exp": 1}),
    ] {
        let page = Browser::default().open(&ask(unsigned(&bad), vec![])).await;
        assert_eq!(error(&page), "invalid_request_object", "{bad}");
        assert_eq!(
            page.parameter("state").as_deref(),
            Some("state-of-the-tests")
        );
    }
    let evil = json!({"redirect_uri": "https://evil.example/cb", "exp": 1});
    let url = ask(unsigned(&evil), vec![("redirect_uri", None)]);
    let page = Browser::default().open(&url).await;
    page.expect_problem(400, "REQ-103");
    let url = app.request(&[("request_uri", Some("https://docs.example/r.jwt"))]);
    assert_eq!(
        error(&Browser::default().open(&url).await),
        "invalid_request_uri"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_and_classes_are_answered_by_their_own_errors() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut browser = Browser::default();
    let page = sign_in(&mut browser, &app.request(&[])).await;
    let (_, tokens) = app.redeem(&app.code_of(&page)).await;
    let id_token = text(&tokens, "id_token");
    let none = ("prompt", Some("none"));
    let acr = |essential: bool, value: &str| {
        json!({"id_token": {"acr": {"essential": essential, "values": [value]}}}).to_string()
    };
    let number = "urn:techpass:acr:number-match";
    let of_subject = |sub: &str| json!({"id_token": {"sub": {"value": sub}}}).to_string();
    let subject = claims(id_token)["sub"]
        .as_str()
        .expect("a subject")
        .to_owned();
    for (changes, expected) in [
        (vec![none, ("id_token_hint", Some(id_token))], ""),
        (
            vec![none, ("id_token_hint", Some("a.b.c"))],
            "login_required",
        ),
        (vec![none, ("login_hint", Some("%%% <script>"))], ""),
        (
            vec![none, ("login_hint", Some("nobody@nowhere.example"))],
            "",
        ),
        (vec![none, ("claims", Some(&of_subject(&subject)))], ""),
        (
            vec![none, ("claims", Some(&of_subject("somebody else")))],
            "login_required",
        ),
        (vec![none, ("max_age", Some("0"))], "login_required"),
        (vec![none, ("max_age", Some("10000"))], ""),
        (vec![none, ("acr_values", Some("nobody knows this"))], ""),
        (
            vec![none, ("claims", Some(&acr(true, "nobody-knows-this")))],
            "unmet_authentication_requirements",
        ),
        (vec![none, ("claims", Some(&acr(false, number)))], ""),
        (vec![none, ("claims", Some("{"))], "invalid_request"),
        (vec![("prompt", Some("none login"))], "invalid_request"),
        (vec![("prompt", Some("create"))], "invalid_request"),
    ] {
        let page = browser.open(&app.request(&changes)).await;
        assert_eq!(error(&page), expected, "{changes:?}");
        assert_eq!(
            page.parameter("code").is_some(),
            expected.is_empty(),
            "{changes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_demands_is_asked_although_somebody_is_signed_in() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut browser = Browser::default();
    sign_in(&mut browser, &app.request(&[])).await;
    let none = ("prompt", Some("none"));
    let number = "urn:techpass:acr:number-match";
    let demanded =
        json!({"id_token": {"acr": {"essential": true, "values": [number]}}}).to_string();
    // A class that the session does not have is reached by the number, or not at all.
    let silent = [none, ("claims", Some(demanded.as_str()))];
    let page = browser.open(&app.request(&silent)).await;
    assert_eq!(error(&page), "interaction_required");
    let page = browser
        .open(&app.request(&[("claims", Some(&demanded))]))
        .await;
    let page = browser.approve(&demo, &page, PROBE).await;
    let (_, tokens) = app.redeem(&app.code_of(&page)).await;
    assert_eq!(claims(text(&tokens, "id_token"))["acr"], number);
    // A hint of somebody whom the browser does not know asks who it is.
    let hint = ("login_hint", Some("nobody@nowhere.example"));
    browser
        .open(&app.request(&[hint]))
        .await
        .expect_heading("Sign in");
    // Each of these asks although somebody is signed in.
    let page = browser
        .open(&app.request(&[("prompt", Some("login"))]))
        .await;
    assert!(page.offers("Sign in"), "{page:?}");
    let page = browser
        .open(&app.request(&[("prompt", Some("select_account"))]))
        .await;
    page.expect_heading("Pick an account");
    let page = browser
        .open(&app.request(&[("prompt", Some("login consent")), ("max_age", Some("10"))]))
        .await;
    let page = browser.password(&page).await;
    page.expect_heading("Allow Test application to use your account?");
}
