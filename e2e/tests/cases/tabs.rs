//! Back, reload and several tabs, on every page.

use super::officers::begin;
use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::people::{ARJUN, PASSWORD, SITI};

async fn reload(computer: &Chromium) {
    computer.driver.refresh().await.expect("a reload");
}

async fn back(computer: &Chromium) {
    computer.driver.back().await.expect("the page before");
}

async fn forward(computer: &Chromium) {
    computer.driver.forward().await.expect("the page after");
}

#[tokio::test(flavor = "multi_thread")]
async fn back_and_reload_on_every_page_lead_nowhere_wrong() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    begin(&computer, &demo, SITI).await;
    computer.heading("Enter your password").await;
    reload(&computer).await;
    computer.heading("Enter your password").await;
    computer.fill("Password", "wrong").await;
    computer.press("Sign in").await;
    computer.text_holds("not right").await;
    reload(&computer).await;
    computer.heading("Enter your password").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    let number = computer.test_id("match-number").await;
    reload(&computer).await;
    assert_eq!(
        computer.test_id("match-number").await,
        number,
        "a reload drew a new number"
    );
    // Whatever page the back button brings, it shows where the login stands or leads there.
    back(&computer).await;
    back(&computer).await;
    forward(&computer).await;
    forward(&computer).await;
    assert_eq!(
        demo.phone(SITI).requests().len(),
        1,
        "going back and forth rang the phone"
    );
    let shown = computer.text().await;
    if !shown.contains(&number) {
        reload(&computer).await;
    }
    assert_eq!(computer.test_id("match-number").await, number);
    demo.phone(SITI).approve(&number);
    computer.test_id_holds("account-menu", "Siti Rahim").await;
    reload(&computer).await;
    computer.test_id("account-menu").await;
    // Back out of the application into the login that is over: it leads to the application again.
    back(&computer).await;
    let url = computer.url().await;
    if url.starts_with(&demo.techpass()) {
        reload(&computer).await;
    }
    for _ in 0..6 {
        let text = computer.text().await;
        assert!(
            !text.contains("SES-2") && !text.contains("SYS-"),
            "a dead end: {text}"
        );
        if computer.url().await.starts_with(&demo.docs()) {
            break;
        }
        reload(&computer).await;
    }
    computer.open(&demo.docs()).await;
    computer.test_id_holds("account-menu", "Siti Rahim").await;
    assert!(demo.phone(SITI).requests().is_empty());
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_login_in_two_tabs_ends_well_in_both() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&demo.computer("gmd", ARJUN)).await;
    begin(&computer, &demo, ARJUN).await;
    computer.heading("Enter your verification code").await;
    let address = computer.url().await;
    let first = computer.driver.window().await.expect("a tab");
    let second = computer.driver.new_tab().await.expect("a tab");
    computer
        .driver
        .switch_to_window(second.clone())
        .await
        .expect("the second tab");
    computer.open(&address).await;
    computer
        .fill("Verification code", &demo.phone(ARJUN).code("SG Govt M365"))
        .await;
    computer.press("Sign in").await;
    let number = computer.test_id("match-number").await;
    // The first tab still shows the code's page; sending it again leads to the number and uses nothing up.
    computer
        .driver
        .switch_to_window(first.clone())
        .await
        .expect("the first tab");
    computer.fill("Verification code", "123456").await;
    computer.press("Sign in").await;
    assert_eq!(computer.test_id("match-number").await, number);
    assert_eq!(demo.phone(ARJUN).requests().len(), 1);
    demo.phone(ARJUN).approve(&number);
    computer.test_id_holds("account-menu", "Arjun Nair").await;
    computer
        .driver
        .switch_to_window(second)
        .await
        .expect("the second tab");
    computer.test_id_holds("account-menu", "Arjun Nair").await;
    assert!(
        demo.phone(ARJUN).requests().is_empty(),
        "the other tab rang the phone again"
    );
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_logins_in_two_tabs_the_newer_has_the_number() {
    let demo = Demo::start();
    let phone = demo.phone(SITI).forger(&demo.techpass());
    let computer = Chromium::start(Setup::default()).await;
    begin(&computer, &demo, SITI).await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    let number = computer.test_id("match-number").await;
    let older = phone.list(demo.now().await).await.remove(0);
    let first = computer.driver.window().await.expect("a tab");
    let second = computer.driver.new_tab().await.expect("a tab");
    computer
        .driver
        .switch_to_window(second.clone())
        .await
        .expect("the second tab");
    begin(&computer, &demo, SITI).await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    let other = computer.test_id("match-number").await;
    assert_ne!(number, other);
    // The phone has one request, and what it still shows of the older one comes too late.
    let list = phone.list(demo.now().await).await;
    assert_eq!(list.len(), 1, "{list:?}");
    let answer = phone.payload(&older, &number);
    let late = phone
        .answer(older["id"].as_str().expect("an id"), &answer)
        .await;
    assert_eq!((late.0, &late.1["error"]), (410, &"expired".into()));
    // The first tab says so by itself, and can take the number back.
    computer
        .driver
        .switch_to_window(first)
        .await
        .expect("the first tab");
    computer.text_holds("This number is no longer used").await;
    computer.text_holds("in another tab").await;
    computer.press("Get a new number").await;
    let number = computer.test_id("match-number").await;
    let list = phone.list(demo.now().await).await;
    assert_eq!(list.len(), 1, "{list:?}");
    demo.phone(SITI).approve(&number);
    computer.test_id_holds("account-menu", "Siti Rahim").await;
    computer
        .driver
        .switch_to_window(second)
        .await
        .expect("the second tab");
    computer.text_holds("This number is no longer used").await;
    computer.open(&demo.docs()).await;
    computer.test_id_holds("account-menu", "Siti Rahim").await;
    computer.quit().await;
}
