//! Refused computers, and people who are not trying to sign in.

use super::officers::begin;
use crate::support::browser::Browser;
use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::people::{ARJUN, KAVYA, MEI, SITI, WEI};
use crate::support::program;

/// A refusal: code, reason, remedy, reference; and the way back, on which the portal is told.
async fn refused(computer: &Chromium, demo: &Demo, code: &str) {
    assert_eq!(computer.test_id("problem-code").await, code);
    assert!(computer.test_id("reference").await.len() >= 8);
    computer.text_holds("Why").await;
    computer.text_holds("What you can do").await;
    assert!(!computer.offers("Sign in").await);
    computer.press("Back to").await;
    computer.lands_at(&demo.docs()).await;
    computer.text_holds("You were not logged in").await;
    computer.sees("Log in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn computers_that_may_not_are_refused_with_reason_and_remedy() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.computer("se-gsib", WEI)).await;
    begin(&computer, &demo, WEI).await;
    refused(&computer, &demo, "DEV-506").await;
    computer.open(&demo.computer("none", "")).await;
    begin(&computer, &demo, MEI).await;
    refused(&computer, &demo, "DEV-501").await;
    computer.open(&demo.computer("gmd", ARJUN)).await;
    begin(&computer, &demo, MEI).await;
    refused(&computer, &demo, "DEV-505").await;
    for login_id in [MEI, ARJUN, WEI] {
        assert!(
            demo.phone(login_id).requests().is_empty(),
            "a refused computer rang {login_id}"
        );
    }
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_learns_the_code_of_a_refusal_at_the_home_organisation() {
    let demo = Demo::start();
    let mut browser = Browser::computer(&demo, "se-gsib", WEI).await;
    let page = browser.leave_portal_as(&demo, WEI).await;
    assert_eq!(page.problem(), "DEV-506", "{page:?}");
    let told = browser.press(&page, "Back to", &[]).await;
    assert!(
        told.body.contains("DEV-506"),
        "the portal cannot say why: {told:?}"
    );
    // Where it is explained is no dead end.
    let address = told.parameter("error_uri").expect("an address");
    let explained = browser.open(&address).await;
    assert_eq!(explained.status, 200, "{address}");
    assert!(explained.body.contains("DEV-506"), "{explained:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_puts_the_account_on_hold_until_an_administrator_frees_it() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.computer("non-se-gsib", KAVYA)).await;
    begin(&computer, &demo, KAVYA).await;
    computer.test_id("match-number").await;
    demo.phone(KAVYA).decline(true);
    let code = computer.test_id("problem-code").await;
    assert!(matches!(code.as_str(), "AUT-404" | "ACC-307"), "{code}");
    assert!(
        !computer.offers("Get a new number").await,
        "a reported sign-in can go on"
    );
    // From now on correct evidence meets the hold, and no factor is asked for.
    begin(&computer, &demo, KAVYA).await;
    assert_eq!(computer.test_id("problem-code").await, "ACC-307");
    computer.text_holds("demonstration's help desk").await;
    let mails = demo.mails().await;
    for to in [KAVYA, "security@agency.example"] {
        assert!(
            mails.iter().any(|mail| mail["to"] == to),
            "no mail to {to}: {mails:?}"
        );
    }
    assert!(demo.phone(KAVYA).requests().is_empty());
    let config = demo.config("wog");
    let release = [
        "users",
        "release",
        "--config",
        &config,
        KAVYA,
        "--reason",
        "spoke to her on the phone",
    ];
    program::ok(&release);
    begin(&computer, &demo, KAVYA).await;
    demo.phone(KAVYA)
        .approve(&computer.test_id("match-number").await);
    computer.test_id_holds("account-menu", "Kavya Raj").await;
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_ends_what_is_signed_in_elsewhere() {
    let demo = Demo::start();
    let mut signed_in = Browser::default();
    let page = signed_in.leave_portal_as(&demo, SITI).await;
    let page = signed_in.password(&page).await;
    let page = signed_in.approve(&demo, &page, SITI).await;
    assert!(page.test_id("account-menu").is_some());
    let mut thief = Browser::default();
    let page = thief.leave_portal_as(&demo, SITI).await;
    let number = thief.password(&page).await;
    demo.phone(SITI).decline(true);
    let page = thief.press(&number, "I have approved it", &[]).await;
    assert!(
        page.test_id("account-menu").is_none() && !page.problem().is_empty(),
        "{page:?}"
    );
    // Right password, held account; a wrong password learns nothing of the hold.
    let page = thief.leave_portal_as(&demo, SITI).await;
    let wrong = thief
        .press(&page, "Sign in", &[("password", "not it")])
        .await;
    assert_ne!(wrong.problem(), "ACC-307");
    let held = thief.password(&wrong).await;
    assert_eq!(held.problem(), "ACC-307", "{held:?}");
    let page = signed_in.leave_portal(&demo).await;
    assert!(
        page.test_id("account-menu").is_none(),
        "the session lives on: {page:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn declining_without_a_report_ends_this_sign_in_and_nothing_else() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    begin(&computer, &demo, MEI).await;
    computer.test_id("match-number").await;
    demo.phone(MEI).decline(false);
    refused(&computer, &demo, "AUT-404").await;
    begin(&computer, &demo, MEI).await;
    let second = computer.test_id("match-number").await;
    // A wrong number ends the request; the login goes on with a new one.
    let wrong = if second == "10" { "11" } else { "10" };
    demo.phone(MEI).approve_in_vain(wrong);
    computer.test_id_holds("match-status", "number").await;
    assert!(!computer.offers("I have approved it").await);
    computer.press("Get a new number").await;
    demo.phone(MEI)
        .approve(&computer.test_id("match-number").await);
    computer.test_id_holds("account-menu", "Mei Tan").await;
    computer.quit().await;
}
