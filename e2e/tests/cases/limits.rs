//! Wrong codes and wrong passwords: what is said, when it pauses, when it goes on.

use crate::support::application::Application;
use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::page::Page;
use crate::support::people::{ARJUN, PROBE, SITI};
use crate::support::program;

async fn at_the_code(demo: &Demo) -> (Browser, Page) {
    let mut browser = Browser::computer(demo, "gmd", ARJUN).await;
    let page = browser.leave_portal_as(demo, ARJUN).await;
    page.expect_heading("Enter your verification code");
    (browser, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_wrong_profile_or_time_is_refused_with_a_hint() {
    let demo = Demo::start();
    let (mut browser, page) = at_the_code(&demo).await;
    let wrong = demo.phone(ARJUN).code("TechPass");
    let page = browser.press(&page, "Sign in", &[("code", &wrong)]).await;
    assert_eq!(page.status, 422);
    assert!(
        page.body.contains("SG Govt M365"),
        "the page does not say which profile"
    );
    // The phone's clock stands still while two minutes pass.
    demo.at_a_step().await;
    let slow = demo.phone(ARJUN).code("SG Govt M365");
    demo.advance(120).await;
    let page = browser.press(&page, "Sign in", &[("code", &slow)]).await;
    assert_eq!(page.status, 422);
    assert!(
        page.body.contains("2 minutes slow"),
        "the page does not say that the clock is off"
    );
    assert!(demo.phone(ARJUN).requests().is_empty());
    // A step early or late is fine, spaces too.
    demo.at_a_step().await;
    let code = demo.phone(ARJUN).code("SG Govt M365");
    demo.advance(30).await;
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    let page = browser.press(&page, "Sign in", &[("code", &spaced)]).await;
    assert_eq!(page.number().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_pause_the_account_for_a_quarter_of_an_hour() {
    let demo = Demo::start();
    let (mut browser, mut page) = at_the_code(&demo).await;
    for _ in 0..5 {
        page = browser.press(&page, "Sign in", &[("code", "000000")]).await;
    }
    assert!(page.headers.contains_key("retry-after"), "{page:?}");
    let right = demo.phone(ARJUN).code("SG Govt M365");
    let page = browser.press(&page, "Sign in", &[("code", &right)]).await;
    assert!(
        page.test_id("match-number").is_none(),
        "a paused account took a code"
    );
    // Another browser, another login: the pause is the account's.
    let (mut other, shown) = at_the_code(&demo).await;
    let shown = other.press(&shown, "Sign in", &[("code", &right)]).await;
    assert!(
        shown.test_id("match-number").is_none(),
        "the pause was this browser's only"
    );
    demo.advance(15 * 60 + 1).await;
    let right = demo.phone(ARJUN).code("SG Govt M365");
    let page = browser.press(&page, "Sign in", &[("code", &right)]).await;
    assert_eq!(page.number().len(), 2, "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_does_not_lock_out_a_browser_that_has_signed_in_before() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut hers = Browser::default();
    app.code(&mut hers).await;
    let again = app.request(&[("prompt", Some("login"))]);
    // A stranger tries until the account pauses, from one new browser after the other.
    for n in 1..=6 {
        let mut stranger = Browser::default();
        let page = stranger.open(&app.request(&[])).await;
        let page = stranger.identify(page, PROBE).await;
        let page = stranger
            .press(&page, "Sign in", &[("password", "a guess")])
            .await;
        assert_eq!(page.status == 429, n >= 5, "try {n}: {page:?}");
    }
    let mut stranger = Browser::default();
    let page = stranger.open(&app.request(&[])).await;
    let page = stranger.identify(page, PROBE).await;
    let page = stranger.password(&page).await;
    assert_eq!(page.status, 429, "the pause is over already: {page:?}");
    // Her own browser is not affected, and has its own five tries.
    let page = hers.open(&again).await;
    let page = hers.password(&page).await;
    app.code_of(&page);
    let mut page = hers.open(&again).await;
    for n in 1..=5 {
        page = hers
            .press(&page, "Sign in", &[("password", "a slip")])
            .await;
        assert_eq!(page.status == 429, n == 5, "slip {n}: {page:?}");
    }
    let page = hers.password(&page).await;
    assert_eq!(page.status, 429, "her browser may guess without end");
    // The help desk lets everybody try anew.
    let config = demo.config("techpass");
    let release = [
        "users",
        "release",
        "--config",
        &config,
        PROBE,
        "--reason",
        "spoke with her",
    ];
    program::ok(&release);
    let page = hers.open(&again).await;
    let page = hers.password(&page).await;
    app.code_of(&page);
    let mut stranger = Browser::default();
    let page = stranger.open(&app.request(&[])).await;
    let page = stranger.identify(page, PROBE).await;
    let page = stranger.password(&page).await;
    app.code_of(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_asks_in_circles_is_stopped() {
    let demo = Demo::start();
    let config = demo.config("techpass");
    // The demonstration lets test suites ask often; this application is an ordinary one.
    let app = Application::ordinary(&config, &demo.techpass(), "ordinary-app");
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    let page = browser.identify(page, SITI).await;
    let page = browser.password(&page).await;
    let page = browser.approve(&demo, &page, SITI).await;
    app.code_of(&page);
    let mut page = page;
    for _ in 0..100 {
        page = browser.open(&app.request(&[])).await;
        if page.problem() == "REQ-108" {
            break;
        }
        app.code_of(&page);
    }
    assert_eq!(
        (page.status, page.problem().as_str()),
        (429, "REQ-108"),
        "{page:?}"
    );
    demo.advance(61).await;
    let page = browser.open(&app.request(&[])).await;
    app.code_of(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_login_id_walks_the_same_pages_as_a_wrong_password() {
    let demo = Demo::start();
    let mut texts = Vec::new();
    for login_id in [SITI, "nobody_here@techpass.example"] {
        let mut browser = Browser::default();
        let mut page = browser.leave_portal_as(&demo, login_id).await;
        let mut seen = Vec::new();
        for _ in 0..6 {
            page.expect_heading("Enter your password");
            page = browser
                .press(&page, "Sign in", &[("password", "wrong")])
                .await;
            let said = page
                .body
                .split("summary-title")
                .nth(2)
                .and_then(|rest| rest.split("</p>").next());
            seen.push((page.status, said.unwrap_or_default().to_owned()));
        }
        texts.push(seen);
    }
    assert_eq!(
        texts[0], texts[1],
        "somebody can find out who has an account"
    );
    assert!(texts[0][0].1.contains("not right"), "{texts:?}");
    // The pause ends by itself.
    demo.advance(24 * 60 * 60).await;
    let mut browser = Browser::default();
    let page = browser.leave_portal_as(&demo, SITI).await;
    let page = browser.password(&page).await;
    assert_eq!(page.number().len(), 2, "{page:?}");
}
