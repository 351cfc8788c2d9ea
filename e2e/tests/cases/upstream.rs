//! A home organisation that is down, slow, or lies. People see that it is not their fault; nobody is ever signed in.

use crate::support::application::Application;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::MEI;
use crate::support::program;
use crate::support::provider::{Provider, SECRET, SUBJECT, Trick};
use crate::support::server::Server;
use std::time::{Duration, Instant};

/// Everything that is the organisation's fault.
const LIES: [Trick; 25] = [
    Trick::Issuer,
    Trick::IssuerSlash,
    Trick::Audience,
    Trick::AuthorizedParty,
    Trick::Nonce,
    Trick::NoNonce,
    Trick::Expired,
    Trick::Future,
    Trick::Stale,
    Trick::NoSubject,
    Trick::NumberSubject,
    Trick::AccessToken,
    Trick::Key,
    Trick::UnknownKey,
    Trick::None,
    Trick::Hs256,
    Trick::Confused,
    Trick::NoIdToken,
    Trick::Text,
    Trick::Broken,
    Trick::Moved,
    Trick::Huge,
    Trick::AnswerIssuer,
    Trick::NoAnswerIssuer,
    Trick::ServerError,
];

async fn world() -> (Provider, Server, Application) {
    let port = program::ports(1);
    let provider = Provider::start(port).await;
    let server = Server::start(&format!("http://localhost:{port}"), SECRET).await;
    server.add_officer(MEI, SUBJECT);
    let app = Application::register(server.config(), &server.issuer, "probe-app");
    (provider, server, app)
}

async fn try_it(browser: &mut Browser, app: &Application) -> Page {
    let page = browser.open(&app.request(&[])).await;
    browser.identify(page, MEI).await
}

async fn nobody_is_signed_in(browser: &mut Browser, app: &Application) {
    let page = browser
        .open(&app.request(&[("prompt", Some("none"))]))
        .await;
    assert_eq!(
        page.parameter("error").as_deref(),
        Some("login_required"),
        "{page:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lie_of_the_home_organisation_signs_anybody_in() {
    let (provider, _server, app) = world().await;
    for trick in LIES.into_iter().chain([Trick::NoCode]) {
        let mut browser = Browser::default();
        provider.play(trick);
        let page = try_it(&mut browser, &app).await;
        assert_eq!(
            (page.status, page.problem().as_str()),
            (502, "SYS-801"),
            "{trick:?}: {page:?}"
        );
        assert!(
            page.test_id("reference")
                .is_some_and(|reference| reference.len() >= 8)
        );
        nobody_is_signed_in(&mut browser, &app).await;
        // The organisation is itself again, and so is the login.
        provider.play(Trick::Honest);
        let page = browser.press(&page, "Start again", &[]).await;
        app.code_of(&page);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_an_account_and_somebody_refused_are_told_so() {
    let (provider, _server, app) = world().await;
    let mut browser = Browser::default();
    provider.play(Trick::Stranger);
    let page = try_it(&mut browser, &app).await;
    page.expect_problem(403, "ACC-308");
    nobody_is_signed_in(&mut browser, &app).await;
    provider.play(Trick::Denied);
    let page = try_it(&mut browser, &app).await;
    assert_eq!(
        page.parameter("error").as_deref(),
        Some("access_denied"),
        "{page:?}"
    );
    nobody_is_signed_in(&mut browser, &app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_home_organisation_is_given_up_in_time() {
    let (provider, _server, app) = world().await;
    let mut browser = Browser::default();
    provider.play(Trick::Silent);
    let begun = Instant::now();
    let page = try_it(&mut browser, &app).await;
    assert_eq!(
        (page.status, page.problem().as_str()),
        (502, "SYS-801"),
        "{page:?}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "it took {:?}",
        begun.elapsed()
    );
    provider.play(Trick::Honest);
    let page = browser.press(&page, "Start again", &[]).await;
    app.code_of(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_organisation_that_is_down_comes_back() {
    let port = program::ports(1);
    let server = Server::start(&format!("http://localhost:{port}"), SECRET).await;
    server.add_officer(MEI, SUBJECT);
    let app = Application::register(server.config(), &server.issuer, "probe-app");
    let mut browser = Browser::default();
    let page = try_it(&mut browser, &app).await;
    assert_eq!(
        (page.status, page.problem().as_str()),
        (502, "SYS-801"),
        "{page:?}"
    );
    let _provider = Provider::start(port).await;
    let page = browser.press(&page, "Start again", &[]).await;
    app.code_of(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_home_organisation_counts_once_and_in_its_own_browser() {
    let (_provider, server, app) = world().await;
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    // The way there and back by hand, to hold the answer.
    let sending = page.sends("Next").with("login_id", MEI);
    let there = browser.send(&sending).await;
    let there = there
        .location()
        .expect("a redirect to the organisation")
        .to_owned();
    let back = Browser::default()
        .method(reqwest::Method::GET, &there)
        .await;
    let back = back.location().expect("a redirect back").to_owned();
    // Somebody else's browser gets nothing of it, and does not use it up.
    let mut stranger = Browser::default();
    stranger.open(&back).await.expect_problem(400, "SES-202");
    stranger.open(&app.request(&[])).await;
    stranger.open(&back).await.expect_problem(400, "SES-201");
    let forged = back.replace("state=", "state=x");
    let page = browser.open(&forged).await;
    assert!(
        !page.url.as_str().starts_with("http://localhost:9/"),
        "{page:?}"
    );
    let page = browser.open(&back).await;
    app.code_of(&page);
    // Once more: the session carries it, the answer is not looked at again.
    let again = browser.open(&back).await;
    assert!(again.status < 400, "{again:?}");
    assert!(server.issuer.starts_with("http://localhost"));
}
