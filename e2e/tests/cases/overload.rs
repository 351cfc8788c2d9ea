//! More than can be done: refused at once, and what must get through gets through.

use crate::support::application::Application;
use crate::support::browser::{Browser, client};
use crate::support::page::Page;
use crate::support::people::{MEI, SITI};
use crate::support::program;
use crate::support::provider::{Provider, SECRET, SUBJECT, Trick};
use crate::support::server::Server;
use crate::support::wait::until;
use reqwest::header::RETRY_AFTER;

async fn world(further: &str) -> (Provider, Server, Application) {
    let port = program::ports(1);
    let provider = Provider::start(port).await;
    let upstream = format!("http://localhost:{port}");
    let server = Server::start_with(&upstream, SECRET, further).await;
    server.add_officer(MEI, SUBJECT);
    let app = Application::register(server.config(), &server.issuer, "probe-app");
    (provider, server, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_house_refuses_at_once_and_lets_tokens_and_log_outs_through() {
    let (provider, server, app) = world("[limits.load]\nsign_in_max = 1\n").await;
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    provider.play(Trick::Mute);
    // The only place is taken by somebody whose home organisation says nothing.
    let stuck = tokio::spawn(async move { browser.identify(page, MEI).await });
    provider.asked().await;
    let refused = client()
        .get(app.request(&[]))
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    let text = refused.text().await.expect("a page");
    assert!(
        text.contains("RAT-702") && text.contains("not your fault"),
        "{text}"
    );
    // These have places of their own.
    assert_eq!(app.redeem("no-code").await.0, 400);
    let page = Browser::default()
        .open(&format!("{}/logout", server.issuer))
        .await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.problem(), "", "{page:?}");
    // When the one is done, everybody is served again.
    let page = stuck.await.expect("a page");
    assert_eq!(page.problem(), "SYS-801", "{page:?}");
    provider.play(Trick::Honest);
    let mut other = Browser::default();
    let page = other.open(&app.request(&[])).await;
    let page = other.identify(page, MEI).await;
    app.code_of(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_organisation_that_stalls_holds_up_nobody_else() {
    let (provider, _server, app) = world("[limits.load]\nupstream_max = 1\n").await;
    let mut first = Browser::default();
    let page = first.open(&app.request(&[])).await;
    // Its metadata is known; now it takes codes and says nothing.
    provider.play(Trick::Silent);
    let stuck = tokio::spawn(async move { first.identify(page, MEI).await });
    provider.asked().await;
    // Whoever signs in here is served as ever.
    let mut vendor = Browser::default();
    let page = vendor.open(&app.request(&[])).await;
    let page = vendor.identify(page, SITI).await;
    page.expect_heading("Enter your password");
    assert_eq!(vendor.password(&page).await.status, 422);
    // One more officer is told at once.
    let mut second = Browser::default();
    let page = second.open(&app.request(&[])).await;
    let sending = page.sends("Next").with("login_id", MEI);
    let there = second.send(&sending).await;
    let there = there.location().expect("a redirect").to_owned();
    let back = Browser::default()
        .method(reqwest::Method::GET, &there)
        .await;
    let back = back.location().expect("a redirect back").to_owned();
    let cookies: Vec<_> = second
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let refused = client()
        .get(back)
        .header("cookie", cookies.join("; "))
        .send()
        .await;
    let refused = refused.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    assert_eq!(stuck.await.expect("a page").problem(), "SYS-801");
}

/// Sends a sign-in form as a proxy passes it on.
async fn from(page: &Page, browser: &mut Browser, address: &str) -> Page {
    let sending = page.sends("Next").with("login_id", "not-an-address");
    let origin = sending.url.origin().ascii_serialization();
    let headers = [("origin", origin.as_str()), ("x-forwarded-for", address)];
    browser.send_with(&sending, &headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_ask_without_end_and_its_neighbours_can() {
    let limits = "[proxy]\ntrusted = [\"127.0.0.0/8\"]\n[limits.address]\nsign_in = { max = 3, per_s = 3600 }\n";
    let (_provider, _server, app) = world(limits).await;
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    for _ in 0..3 {
        assert_eq!(from(&page, &mut browser, "203.0.113.7").await.status, 422);
    }
    let refused = from(&page, &mut browser, "203.0.113.7").await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (429, "RAT-701"),
        "{refused:?}"
    );
    let wait = refused.headers.get(RETRY_AFTER).expect("a time");
    let wait: i64 = wait.to_str().expect("text").parse().expect("seconds");
    assert!((1..=1_200).contains(&wait), "{wait}");
    assert_eq!(from(&page, &mut browser, "203.0.113.8").await.status, 422);
    assert_eq!(
        from(&page, &mut browser, "2001:db8:0:1::1").await.status,
        422
    );
    // What it claims of addresses behind it does not help.
    let refused = from(&page, &mut browser, "198.51.100.1, 203.0.113.7").await;
    assert_eq!(refused.status, 429);
}

/// The value of a metric's line.
async fn metric(server: &Server, line: &str) -> usize {
    let answer = client()
        .get(format!("{}/metrics", server.management))
        .send()
        .await;
    let text = answer.expect("metrics").text().await.expect("text");
    let found = text
        .lines()
        .find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.map_or(0, |value| value.parse().expect("a count"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_clients_who_went_away_is_not_done() {
    const PEOPLE: usize = 60;
    let (_provider, server, app) = world("").await;
    let mut leaving = Vec::new();
    for _ in 0..PEOPLE {
        let mut browser = Browser::default();
        let page = browser.open(&app.request(&[])).await;
        let page = browser.identify(page, SITI).await;
        let sending = page.sends("Sign in").with("password", "a wrong password");
        let cookies: Vec<_> = browser
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let fields = sending.fields.expect("a form");
        let request = client().post(sending.url).form(&fields);
        leaving.push(request.header("cookie", cookies.join("; ")));
    }
    // All at once; then everybody closes the window.
    let sent: Vec<_> = leaving
        .into_iter()
        .map(|request| tokio::spawn(request.send()))
        .collect();
    let queue = "techpass_password_hash_queue";
    until("a queue", || async {
        match metric(&server, queue).await {
            count if count > 20 => Ok(()),
            count => Err(count.to_string()),
        }
    })
    .await;
    for request in &sent {
        request.abort();
    }
    until("the queue to be empty", || async {
        match metric(&server, queue).await {
            0 => Ok(()),
            count => Err(count.to_string()),
        }
    })
    .await;
    let hashed = metric(&server, "techpass_password_hash_seconds_count").await;
    assert!(hashed < PEOPLE, "all {hashed} were worked off for nobody");
    // And whoever comes now is served at once.
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    let page = browser.identify(page, MEI).await;
    app.code_of(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_password_queue_refuses_and_counts_no_failure() {
    let (_provider, server, app) = world("[limits.load]\npasswords_max = 1\n").await;
    let mut pages = Vec::new();
    for _ in 0..12 {
        let mut browser = Browser::default();
        let page = browser.open(&app.request(&[])).await;
        let page = browser.identify(page, SITI).await;
        pages.push((browser, page));
    }
    let mut trying = Vec::new();
    for (browser, page) in pages {
        trying.push(tokio::spawn(async move {
            let sending = page.sends("Sign in").with("password", "a wrong password");
            let cookies: Vec<_> = browser
                .cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            let fields = sending.fields.expect("a form");
            let request = client().post(sending.url).form(&fields);
            let answer = request.header("cookie", cookies.join("; ")).send().await;
            let answer = answer.expect("an answer");
            (
                answer.status().as_u16(),
                answer.headers().contains_key(RETRY_AFTER),
            )
        }));
    }
    let mut answered = Vec::new();
    for tried in trying {
        answered.push(tried.await.expect("an answer"));
    }
    let refused = answered.iter().filter(|(status, _)| *status == 503).count();
    let judged = answered
        .iter()
        .filter(|(status, _)| *status == 422 || *status == 429)
        .count();
    assert_eq!(refused + judged, 12, "{answered:?}");
    assert!(
        answered
            .iter()
            .all(|(status, later)| *status != 503 || *later),
        "{answered:?}"
    );
    let metrics = client()
        .get(format!("{}/metrics", server.management))
        .send()
        .await;
    let metrics = metrics.expect("metrics").text().await.expect("text");
    let wrong = metrics.lines().find_map(|line| {
        line.strip_prefix("techpass_challenge_total{kind=\"password\",outcome=\"wrong\"} ")
    });
    let wrong: usize = wrong.unwrap_or("0").parse().expect("a count");
    assert!(wrong <= judged && wrong >= 1, "{wrong} of {judged}");
    assert!(
        metrics.contains("techpass_password_hash_queue 0"),
        "{metrics}"
    );
}
