//! Power cuts between any two steps: what was acknowledged is there, and every login goes on or ends with a clear page.

use crate::support::application::{Application, text};
use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::page::Page;
use crate::support::people::{ARJUN, PROBE, SITI};

fn signed_in(page: &Page, name: &str) {
    let menu = page.test_id("account-menu");
    assert!(
        menu.is_some_and(|menu| menu.contains(name)),
        "not signed in: {page:?}"
    );
}

/// What the browser shows after the cut: the same page again.
async fn reload(browser: &mut Browser, page: &Page) -> Page {
    browser.open(page.url.as_str()).await
}

/// The portal of the demonstration forgets who was on the way when it is cut off; TechPass does not. So the browser
/// comes back to a portal that says so, and one press signs in without any factor.
async fn at_the_portal(browser: &mut Browser, demo: &Demo, page: Page, login_id: &str) -> Page {
    if page.test_id("account-menu").is_some() {
        return page;
    }
    assert!(page.url.as_str().starts_with(&demo.docs()), "{page:?}");
    assert!(
        page.status < 500 && page.offers("Log in"),
        "a dead end: {page:?}"
    );
    let page = browser.leave_portal(demo).await;
    match page.heading().as_str() {
        "Pick an account" => browser.press(&page, login_id, &[]).await,
        _ => page,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_between_any_two_steps_of_a_login() {
    let mut demo = Demo::start();
    let mut browser = Browser::computer(&demo, "gmd", ARJUN).await;
    let page = browser.leave_portal_as(&demo, ARJUN).await;
    // After the login ID.
    demo.cut_and_start_again();
    let page = reload(&mut browser, &page).await;
    page.expect_heading("Enter your verification code");
    let code = demo.phone(ARJUN).code("SG Govt M365");
    let page = browser.press(&page, "Sign in", &[("code", &code)]).await;
    let number = page.number();
    // With the code taken and the number shown: the number stands, the code is used up.
    demo.cut_and_start_again();
    let page = reload(&mut browser, &page).await;
    assert_eq!(
        page.number(),
        number,
        "the number changed under the person's eyes"
    );
    let mut second = Browser::computer(&demo, "gmd", ARJUN).await;
    let other = second.leave_portal_as(&demo, ARJUN).await;
    let other = second.press(&other, "Sign in", &[("code", &code)]).await;
    assert!(
        other.test_id("match-number").is_none(),
        "a code works twice across a power cut"
    );
    // With the answer given on the phone.
    demo.phone(ARJUN).approve(&number);
    demo.cut_and_start_again();
    assert!(
        demo.phone(ARJUN).requests().is_empty(),
        "an answered request waits again"
    );
    let page = reload(&mut browser, &page).await;
    let page = at_the_portal(&mut browser, &demo, page, ARJUN).await;
    signed_in(&page, "Arjun Nair");
    // Signed in at TechPass stays signed in.
    demo.cut_and_start_again();
    let page = browser.open(&demo.docs()).await;
    assert!(page.status == 200 && page.offers("Log in"), "{page:?}");
    let page = at_the_portal(&mut browser, &demo, page, ARJUN).await;
    signed_in(&page, "Arjun Nair");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_after_the_password_and_after_a_report() {
    let mut demo = Demo::start();
    let mut browser = Browser::default();
    let page = browser.leave_portal_as(&demo, SITI).await;
    demo.cut_and_start_again();
    let page = browser
        .press(&page, "Sign in", &[("password", "wrong")])
        .await;
    assert_eq!(page.status, 422);
    demo.cut_and_start_again();
    let page = browser.password(&page).await;
    let number = page.number();
    demo.cut_and_start_again();
    assert_eq!(demo.phone(SITI).requests().len(), 1, "the phone forgot");
    demo.phone(SITI).decline(true);
    demo.cut_and_start_again();
    assert!(
        demo.phone(SITI)
            .run(&["approve", "--account", SITI, "--number", &number])
            .status
            .code()
            == Some(1)
    );
    let page = reload(&mut browser, &page).await;
    assert!(
        page.test_id("match-number").is_none() && !page.problem().is_empty(),
        "{page:?}"
    );
    let page = browser.leave_portal_as(&demo, SITI).await;
    let page = browser.password(&page).await;
    assert_eq!(
        page.problem(),
        "ACC-307",
        "the hold was forgotten: {page:?}"
    );
    assert!(!demo.mails().await.is_empty(), "the mails were forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_between_code_and_tokens() {
    let mut demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut browser = Browser::default();
    let code = app.code(&mut browser).await;
    demo.cut_and_start_again();
    let (status, tokens) = app.redeem(&code).await;
    assert_eq!(status, 200, "a code that was issued is gone: {tokens}");
    demo.cut_and_start_again();
    assert_eq!(
        app.userinfo(text(&tokens, "access_token")).await,
        200,
        "keys or grants were lost"
    );
    let (status, fresh) = app.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200, "{fresh}");
    demo.cut_and_start_again();
    let (status, last) = app.refresh(text(&fresh, "refresh_token")).await;
    assert_eq!(status, 200, "{last}");
    demo.cut_and_start_again();
    // Used once is used once; the replay still ends everything.
    assert_eq!(app.redeem(&code).await.0, 400);
    assert_eq!(app.refresh(text(&last, "refresh_token")).await.0, 400);
    demo.cut_and_start_again();
    assert_eq!(
        app.userinfo(text(&last, "access_token")).await,
        401,
        "a revocation was forgotten"
    );
    // The session itself goes on: no password is asked.
    let page = browser.open(&app.request(&[])).await;
    let page = match page.heading().as_str() {
        "Pick an account" => browser.press(&page, PROBE, &[]).await,
        _ => page,
    };
    app.code_of(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_that_was_confirmed_is_not_undone_by_a_power_cut() {
    let mut demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut browser = Browser::default();
    let code = app.code(&mut browser).await;
    let (_, tokens) = app.redeem(&code).await;
    let page = browser.open(&format!("{}/logout", demo.techpass())).await;
    let before = browser.clone();
    let (name, value) = page.radio(PROBE);
    browser
        .press(&page, "Log out", &[(&name, &value)])
        .await
        .expect_heading("You are logged out");
    demo.cut_and_start_again();
    assert_eq!(app.refresh(text(&tokens, "refresh_token")).await.0, 400);
    // A browser that kept the old cookies is signed out all the same.
    let mut old = before;
    let page = old.open(&app.request(&[("prompt", Some("none"))])).await;
    assert_eq!(
        page.parameter("error").as_deref(),
        Some("login_required"),
        "{page:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_power_cuts_under_load_break_nothing() {
    let mut demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut issued = Vec::new();
    for _ in 0..3 {
        let mut working = Vec::new();
        for _ in 0..6 {
            let app = app.clone();
            working.push(tokio::spawn(async move {
                let code = app.code(&mut Browser::default()).await;
                let (status, tokens) = app.redeem(&code).await;
                assert_eq!(status, 200, "{tokens}");
                tokens
            }));
        }
        // The first that is done is acknowledged; the others are cut off in the middle.
        let (first, rest) = working.split_first_mut().expect("workers");
        issued.push(first.await.expect("tokens"));
        demo.cut();
        for worker in rest {
            if let Ok(tokens) = worker.await {
                issued.push(tokens);
            }
        }
        demo.start_again();
    }
    for tokens in &issued {
        assert_eq!(
            app.refresh(text(tokens, "refresh_token")).await.0,
            200,
            "an acknowledged token is gone"
        );
    }
}
