//! A vendor in Chromium: password, number, phone on the command line.

use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::people::{PASSWORD, SITI};

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_signs_in_by_password_and_number() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.docs()).await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Sign in").await;
    computer.fill("Email or TechPass ID", SITI).await;
    computer.press("Next").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    computer.heading("Approve sign in request").await;
    let number = computer.test_id("match-number").await;
    assert!(
        number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit()),
        "{number:?}"
    );
    demo.phone(SITI).approve(&number);
    // Nobody presses anything: the page moves on by itself.
    computer.test_id_holds("account-menu", "Siti Rahim").await;
    assert!(computer.url().await.starts_with(&demo.docs()));
    computer.quit().await;
}
