//! Where the keyboard and a screen reader are when a page appears, what going back brings, and pages on a narrow screen.

use super::officers::begin;
use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::people::{MEI, PASSWORD, SITI};
use crate::support::wait::until;

/// Tag and id of what has the focus.
async fn focused(computer: &Chromium) -> String {
    let script = "const at = document.activeElement; return at ? at.tagName + '#' + at.id : ''";
    let found = computer.driver.execute(script, vec![]).await;
    let found = found.expect("a script runs").json().clone();
    found.as_str().unwrap_or_default().to_owned()
}

async fn focus_is(computer: &Chromium, what: &str) {
    until(&format!("the focus on {what}"), || async {
        match focused(computer).await {
            found if found == what => Ok(()),
            found => Err(found),
        }
    })
    .await;
}

/// Siti at the number of a new login.
async fn at_the_number(computer: &Chromium, demo: &Demo) -> String {
    begin(computer, demo, SITI).await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    computer.test_id("match-number").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heading_of_a_number_that_is_over_has_the_focus() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    let number = at_the_number(&computer, &demo).await;
    let wrong = if number == "10" { "11" } else { "10" };
    demo.phone(SITI).approve_in_vain(wrong);
    computer.heading("That was not the number").await;
    focus_is(&computer, "H1#").await;
    computer.press("Get a new number").await;
    computer.test_id("match-number").await;
    demo.advance(130).await;
    computer.heading("The number has expired").await;
    focus_is(&computer, "H1#").await;
    computer.press("Get a new number").await;
    computer.test_id("match-number").await;
    demo.phone(SITI).decline(false);
    computer.heading("The sign-in request was declined").await;
    focus_is(&computer, "H1#").await;
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_field_has_the_focus_only_for_somebody_who_asked_for_it() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.docs()).await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Sign in").await;
    assert_eq!(focused(&computer).await, "BODY#");
    computer.fill("Email or TechPass ID", SITI).await;
    computer.press("Next").await;
    computer.heading("Enter your password").await;
    // Nobody is known in this browser yet, so there is nobody to pick.
    computer.press("Use another account").await;
    computer.heading("Sign in").await;
    focus_is(&computer, "INPUT#login_id").await;
    assert!(!computer.offers("Pick an account").await);
    computer.fill("Email or TechPass ID", SITI).await;
    computer.press("Next").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    let number = computer.test_id("match-number").await;
    demo.phone(SITI).approve(&number);
    computer.test_id("account-menu").await;
    computer.press("Switch account").await;
    computer.heading("Pick an account").await;
    assert_eq!(focused(&computer).await, "BODY#");
    computer.press("Use another account").await;
    computer.heading("Sign in").await;
    focus_is(&computer, "INPUT#login_id").await;
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_to_a_wrong_password_asks_nothing_of_the_browser() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    begin(&computer, &demo, SITI).await;
    computer.fill("Password", "wrong").await;
    computer.press("Sign in").await;
    computer.text_holds("not right").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    let number = computer.test_id("match-number").await;
    computer.driver.back().await.expect("the page before");
    // Where the login stands, and not the browser's question whether to send the form again.
    assert_eq!(computer.test_id("match-number").await, number);
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_wider_than_a_narrow_screen() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup {
        narrow: Some(320),
        ..Setup::default()
    })
    .await;
    let (docs, control) = (demo.docs(), demo.control());
    let mut pages: Vec<String> = ["/", "/about", "/guides", "/search?q=number", "/login"]
        .map(|path| format!("{docs}{path}"))
        .to_vec();
    pages.push(format!("{control}/"));
    for page in pages {
        computer.open(&page).await;
        let width = computer.scroll_width().await;
        assert!(width <= 320, "{page} is {width} wide");
    }
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    begin(&computer, &demo, MEI).await;
    let number = computer.test_id("match-number").await;
    assert!(computer.scroll_width().await <= 320, "the number");
    demo.phone(MEI).approve(&number);
    computer.test_id("account-menu").await;
    assert!(computer.scroll_width().await <= 320, "signed in");
    computer.quit().await;
}
