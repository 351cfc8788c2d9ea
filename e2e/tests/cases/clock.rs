//! A clock that is far ahead, and is set right. What was ended meanwhile stays ended.

use crate::support::application::{Application, text};
use crate::support::browser::Browser;
use crate::support::demo::Demo;
use serde_json::Value;

/// How far it is ahead.
const AHEAD_S: i64 = 200 * 24 * 60 * 60;

/// Somebody signed in: the browser, and the application's tokens.
async fn signed_in(app: &Application) -> (Browser, Value) {
    let mut browser = Browser::default();
    let code = app.code(&mut browser).await;
    let (status, tokens) = app.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    (browser, tokens)
}

/// What a browser is told that asks without a page.
async fn asked_silently(browser: &mut Browser, app: &Application) -> Option<String> {
    let silent = app.request(&[("prompt", Some("none"))]);
    browser.open(&silent).await.parameter("error")
}

/// Nothing of it works, not even for somebody who kept the cookies.
async fn is_over(what: &str, app: &Application, mut kept: Browser, tokens: &Value) {
    let error = asked_silently(&mut kept, app).await;
    assert_eq!(error.as_deref(), Some("login_required"), "{what}");
    let access = text(tokens, "access_token");
    assert_eq!(app.userinfo(access).await, 401, "{what}");
    let refreshed = app.refresh(text(tokens, "refresh_token")).await;
    assert_eq!(refreshed.0, 400, "{what}: {}", refreshed.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_while_the_clock_is_ahead_holds_when_it_is_set_right() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let logout = format!("{}/logout", demo.techpass());
    let (mut asks, tokens_1) = signed_in(&app).await;
    let (mut confirms, tokens_2) = signed_in(&app).await;
    let (mut removes, tokens_3) = signed_in(&app).await;
    let (mut stays, tokens_4) = signed_in(&app).await;
    let kept = [asks.clone(), confirms.clone(), removes.clone()];
    let form = confirms.open(&logout).await;
    let (name, chosen) = form.radio("Probe");

    demo.advance(AHEAD_S).await;
    let page = asks.open(&logout).await;
    assert_eq!(page.heading(), "You are logged out", "{page:?}");
    let page = confirms.press(&form, "Log out", &[(&name, &chosen)]).await;
    assert_eq!(page.heading(), "You are logged out", "{page:?}");
    let page = removes.open(&app.request(&[])).await;
    let page = removes
        .press(&page, "Remove Probe from this list", &[])
        .await;
    assert_eq!(page.status, 200, "{page:?}");
    demo.advance(-AHEAD_S).await;

    let [asked, confirmed, removed] = kept;
    is_over("asked for", &app, asked, &tokens_1).await;
    is_over("confirmed", &app, confirmed, &tokens_2).await;
    is_over("removed from the list", &app, removed, &tokens_3).await;
    // Whoever did nothing meanwhile is signed in as before.
    assert_eq!(asked_silently(&mut stays, &app).await, None);
    let refreshed = app.refresh(text(&tokens_4, "refresh_token")).await;
    assert_eq!(refreshed.0, 200, "{}", refreshed.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_while_the_clock_is_ahead_is_dead_when_it_is_set_right() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let (_, tokens) = signed_in(&app).await;
    let access = text(&tokens, "access_token");
    assert_eq!(app.userinfo(access).await, 200);
    demo.advance(60 * 60).await;
    assert_eq!(app.revoke(access).await, 200);
    demo.advance(-60 * 60).await;
    assert_eq!(app.userinfo(access).await, 401);
}
