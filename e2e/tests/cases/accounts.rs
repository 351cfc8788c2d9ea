//! Several accounts in one browser, and a log-out that asks which.

use super::officers::begin;
use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::people::{MEI, OPERATOR, PASSWORD, SITI};

async fn add_by_password(computer: &Chromium, demo: &Demo, login_id: &str) {
    computer.press("Switch account").await;
    computer.heading("Pick an account").await;
    computer.press("Use another account").await;
    computer.fill("Email or TechPass ID", login_id).await;
    computer.press("Next").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    let number = computer.test_id("match-number").await;
    demo.phone(login_id).approve(&number);
    computer.test_id("account-menu").await;
}

async fn log_out_at_techpass(computer: &Chromium, demo: &Demo, login_id: &str) -> String {
    computer.open(&format!("{}/logout", demo.techpass())).await;
    computer.heading("Log out").await;
    computer.choose(login_id).await;
    computer.press("Log out").await;
    computer.heading("You are logged out").await;
    computer.text().await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_accounts_live_side_by_side_and_end_one_by_one() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    begin(&computer, &demo, MEI).await;
    demo.phone(MEI)
        .approve(&computer.test_id("match-number").await);
    computer.test_id_holds("account-menu", "Mei Tan").await;
    add_by_password(&computer, &demo, SITI).await;
    computer.test_id_holds("account-menu", "Siti Rahim").await;
    add_by_password(&computer, &demo, OPERATOR).await;
    computer.test_id_holds("account-menu", "Operator").await;

    // One that the portal does not use now: nobody else notices.
    let said = log_out_at_techpass(&computer, &demo, SITI).await;
    assert!(
        said.contains(SITI) && said.contains(MEI) && said.contains(OPERATOR),
        "{said}"
    );
    computer.open(&demo.docs()).await;
    computer.test_id_holds("account-menu", "Operator").await;

    // The one that the portal uses: TechPass tells it behind the browser's back.
    let said = log_out_at_techpass(&computer, &demo, OPERATOR).await;
    assert!(said.contains("Docs portal"), "{said}");
    // A notice that is not taken at once is sent again.
    computer
        .open_until(&demo.docs(), "You were logged out")
        .await;
    computer.sees("Log in").await;

    // Mei's account needs nothing but a choice.
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Pick an account").await;
    // Those who left are still listed.
    computer.sees(SITI).await;
    computer.sees(OPERATOR).await;
    computer.press(MEI).await;
    computer.test_id_holds("account-menu", "Mei Tan").await;
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_out_from_the_portal_asks_which_account() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    begin(&computer, &demo, MEI).await;
    demo.phone(MEI)
        .approve(&computer.test_id("match-number").await);
    computer.test_id_holds("account-menu", "Mei Tan").await;
    add_by_password(&computer, &demo, SITI).await;
    computer.press("Log Out").await;
    computer.heading("Log out").await;
    assert!(
        computer.chosen(SITI).await
            && !computer.chosen(MEI).await
            && !computer.chosen("All accounts").await
    );
    // Another account than the one in use can be chosen.
    computer.choose(MEI).await;
    computer.press("Log out").await;
    computer.heading("You are logged out").await;
    computer.press("Back to Docs portal").await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Pick an account").await;
    computer.press(SITI).await;
    computer.test_id_holds("account-menu", "Siti Rahim").await;
    // And all at once.
    computer.press("Log Out").await;
    computer.choose("All accounts").await;
    computer.press("Log out").await;
    computer.heading("You are logged out").await;
    computer.open(&format!("{}/", demo.techpass())).await;
    let home = computer.text().await;
    assert!(!home.contains(SITI) && !home.contains(MEI), "{home}");
    // Signed out is signed out: the number is asked again.
    computer.open(&demo.docs()).await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Pick an account").await;
    computer.press(MEI).await;
    computer.heading("Approve sign in request").await;
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staying_logged_in_leads_back_and_ends_nothing() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    begin(&computer, &demo, MEI).await;
    demo.phone(MEI)
        .approve(&computer.test_id("match-number").await);
    computer.test_id_holds("account-menu", "Mei Tan").await;
    computer.press("Log Out").await;
    computer.heading("Log out").await;
    // Staying ends the portal's own session only, and nobody is signed in again unasked.
    computer.press("Stay logged in").await;
    computer.lands_at(&demo.docs()).await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Pick an account").await;
    computer.press(MEI).await;
    computer.test_id_holds("account-menu", "Mei Tan").await;
    computer.quit().await;
}
