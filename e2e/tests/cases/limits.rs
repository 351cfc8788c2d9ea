//! Wrong codes and wrong passwords: what is said, when it pauses, when it goes on.

use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::page::Page;
use crate::support::people::{ARJUN, SITI};

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
