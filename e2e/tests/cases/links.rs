//! Addresses of logins, old forms, and forms of other sites.

use crate::support::browser::Browser;
use crate::support::demo::{Demo, plain};
use crate::support::page::{Page, Sending};
use crate::support::people::{OPERATOR, PASSWORD, SITI};

fn link(page: &Page) -> Sending {
    Sending {
        url: page.url.clone(),
        fields: None,
    }
}

/// A stranger with the login's address, without cookies and with those of a login of their own, gets nothing and
/// changes nothing.
async fn strangers_fail(demo: &Demo, page: &Page, filled: &Sending) {
    let mut without = Browser::default();
    without
        .send(&link(page))
        .await
        .expect_problem(400, "SES-202");
    let mut other = Browser::default();
    other.leave_portal(demo).await.expect_heading("Sign in");
    let shown = other.send(&link(page)).await;
    shown.expect_problem(400, "SES-201");
    assert!(shown.test_id("match-number").is_none());
    for what in ["status", "events"] {
        let url = format!("{}/{what}", page.url);
        let heard = other.open(&url).await;
        assert!(
            (400..500).contains(&heard.status),
            "{what} answered {}",
            heard.status
        );
    }
    without.send(filled).await.expect_problem(400, "SES-202");
    other.send(filled).await.expect_problem(400, "SES-201");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_a_login_is_worth_nothing_in_another_browser() {
    let demo = Demo::start();
    let mut browser = Browser::default();
    let page = browser.leave_portal(&demo).await;
    strangers_fail(&demo, &page, &page.sends("Next").with("login_id", OPERATOR)).await;
    let page = browser.identify(page, SITI).await;
    strangers_fail(
        &demo,
        &page,
        &page.sends("Sign in").with("password", PASSWORD),
    )
    .await;
    assert!(
        demo.phone(SITI).requests().is_empty(),
        "a stranger rang the phone"
    );
    let page = browser.password(&page).await;
    page.expect_heading("Approve sign in request");
    strangers_fail(&demo, &page, &page.sends("I have approved it")).await;
    strangers_fail(&demo, &page, &page.sends("Get a new number")).await;
    demo.phone(SITI).approve(&page.number());
    // What was approved is collected by its own browser only.
    strangers_fail(&demo, &page, &page.sends("I have approved it")).await;
    let page = browser.press(&page, "I have approved it", &[]).await;
    assert!(
        page.test_id("account-menu")
            .is_some_and(|menu| menu.contains("Siti Rahim")),
        "{page:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_double_forms_change_nothing() {
    let demo = Demo::start();
    let mut browser = Browser::default();
    let sign_in = browser.leave_portal(&demo).await;
    let password = browser.identify(sign_in.clone(), SITI).await;
    password.expect_heading("Enter your password");
    // The first form again, with somebody else in it, leads to where the login stands.
    let back = browser
        .press(&sign_in, "Next", &[("login_id", OPERATOR)])
        .await;
    back.expect_heading("Enter your password");
    assert!(back.body.contains(SITI) && !back.body.contains(OPERATOR));
    let number = browser.password(&password).await;
    let again = browser.password(&password).await;
    assert_eq!(
        number.number(),
        again.number(),
        "a form sent twice drew a new number"
    );
    assert_eq!(
        demo.phone(SITI).requests().len(),
        1,
        "a form sent twice rang twice"
    );
    // One press too many on "Get a new number" is one new number.
    let renewed = browser.press(&number, "Get a new number", &[]).await;
    assert_ne!(number.number(), renewed.number());
    let twice = browser.press(&number, "Get a new number", &[]).await;
    assert_eq!(renewed.number(), twice.number());
    assert_eq!(
        demo.phone(SITI).requests().len(),
        1,
        "the old number still waits on the phone"
    );
    let done = browser.approve(&demo, &renewed, SITI).await;
    assert!(done.test_id("account-menu").is_some(), "{done:?}");
    for old in [
        sign_in.sends("Next").with("login_id", SITI),
        password.sends("Sign in").with("password", PASSWORD),
        number.sends("Get a new number"),
        renewed.sends("I have approved it"),
        link(&renewed),
    ] {
        let page = browser.follow(old).await;
        assert!(
            page.test_id("account-menu").is_some(),
            "an old form after the end: {page:?}"
        );
    }
    assert!(
        demo.phone(SITI).requests().is_empty(),
        "an old form rang the phone"
    );
}

/// What a browser says when another site sends the form.
const FOREIGN: [&[(&str, &str)]; 4] = [
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
];

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_are_refused() {
    let demo = Demo::start();
    let mut browser = Browser::default();
    let page = browser.leave_portal(&demo).await;
    let filled = page.sends("Next").with("login_id", SITI);
    for headers in FOREIGN {
        assert_eq!(
            browser.send_with(&filled, headers).await.status,
            403,
            "{headers:?}"
        );
    }
    let page = browser.send(&link(&page)).await;
    page.expect_heading("Sign in");
    let page = browser.identify(page, SITI).await;
    let page = browser.password(&page).await;
    let page = browser.approve(&demo, &page, SITI).await;
    // The portal's log-out, and TechPass's.
    let leave = page.sends("Log Out");
    for headers in FOREIGN {
        assert_eq!(
            browser.send_with(&leave, headers).await.status,
            403,
            "{headers:?}"
        );
    }
    assert!(
        browser
            .open(&demo.docs())
            .await
            .test_id("account-menu")
            .is_some()
    );
    let page = browser.follow(leave).await;
    let (name, value) = page.radio(SITI);
    let leave = page.sends("Log out").with(&name, &value);
    for headers in FOREIGN {
        assert_eq!(
            browser.send_with(&leave, headers).await.status,
            403,
            "{headers:?}"
        );
    }
    let page = browser.leave_portal(&demo).await;
    page.expect_heading("Pick an account");
    assert!(
        page.body.contains("Signed in"),
        "another site ended the session"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_own_name_is_answered() {
    let demo = Demo::start();
    for offset in 0..5_u16 {
        let port = demo.base() + offset;
        for host in [
            "evil.example".to_owned(),
            format!("127.0.0.1:{port}"),
            "localhost".to_owned(),
        ] {
            let url = format!("http://127.0.0.1:{port}/");
            let answer = plain()
                .get(url)
                .header("host", &host)
                .send()
                .await
                .expect("an answer");
            assert_eq!(
                answer.status().as_u16(),
                421,
                "port +{offset} answers to {host}"
            );
        }
    }
    let url = format!("http://127.0.0.1:{}/s/x", demo.base() + 1);
    let answer = plain()
        .get(url)
        .header("host", "evil.example")
        .send()
        .await
        .expect("an answer");
    let body = answer.text().await.expect("text");
    assert!(
        body.contains("REQ-109")
            && body.contains(&demo.techpass())
            && !body.contains("evil.example")
    );
}
