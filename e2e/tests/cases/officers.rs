//! The seed's two stories in Chromium, and one without JavaScript.

use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::people::{ARJUN, MEI};

/// From the portal to the page after the login ID.
pub async fn begin(computer: &Chromium, demo: &Demo, login_id: &str) {
    computer.open(&demo.docs()).await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Sign in").await;
    computer.fill("Email or TechPass ID", login_id).await;
    computer.press("Next").await;
}

/// Enrols Chromium as a phone of an account.
pub async fn enrol(phone: &Chromium, demo: &Demo, login_id: &str, at: &str) {
    let link = demo.enrolment_link(login_id, at).await;
    phone.open(&link).await;
    phone.press("Add account").await;
    phone.test_id_holds("profile", login_id).await;
}

/// Types the number on the phone in Chromium.
pub async fn say_yes(phone: &Chromium, number: &str) {
    phone.heading("Are you trying to sign in?").await;
    phone
        .fill("Enter the number shown to sign in", number)
        .await;
    phone.press("Yes").await;
    phone.test_id("result").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_on_a_non_se_gsib_types_the_number_on_the_phone() {
    let demo = Demo::start();
    let (computer, phone) = Chromium::pair().await;
    enrol(&phone, &demo, MEI, "wog").await;
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    begin(&computer, &demo, MEI).await;
    computer.heading("Approve sign in request").await;
    assert!(
        computer.url().await.starts_with(&demo.wog()),
        "the number is WOG's"
    );
    let number = computer.test_id("match-number").await;
    say_yes(&phone, &number).await;
    // The computer moves on by itself.
    let menu = computer.test_id_holds("account-menu", "Mei Tan").await;
    assert!(menu.contains(MEI) && menu.contains("Log Out"), "{menu}");
    assert!(computer.url().await.starts_with(&demo.docs()));
    computer.quit().await;
    phone.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_on_a_gmd_types_the_code_first() {
    let demo = Demo::start();
    let (computer, phone) = Chromium::pair().await;
    enrol(&phone, &demo, ARJUN, "wog").await;
    computer.open(&demo.computer("gmd", ARJUN)).await;
    begin(&computer, &demo, ARJUN).await;
    computer.fill("Verification code", "000000").await;
    computer.press("Sign in").await;
    computer.heading("Enter your verification code").await;
    computer.text_holds("SG Govt M365").await;
    assert!(
        !phone.text().await.contains("Are you trying to sign in?"),
        "a wrong code rang the phone"
    );
    let profile = phone.test_id("profile").await;
    assert!(profile.contains("SG Govt M365"), "{profile}");
    let code: String = phone
        .test_id("code")
        .await
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    assert_eq!(code.len(), 6);
    computer.fill("Verification code", &code).await;
    computer.press("Sign in").await;
    computer.heading("Approve sign in request").await;
    say_yes(&phone, &computer.test_id("match-number").await).await;
    computer.test_id_holds("account-menu", "Arjun Nair").await;
    computer.quit().await;
    phone.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_signs_in_without_javascript() {
    let demo = Demo::start();
    let computer = Chromium::start(Setup {
        plain: true,
        ..Setup::default()
    })
    .await;
    computer
        .open("data:text/html,<title>off</title><script>document.title='on'</script>")
        .await;
    assert_eq!(
        computer.driver.title().await.expect("a title"),
        "off",
        "JavaScript runs"
    );
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    begin(&computer, &demo, MEI).await;
    let number = computer.test_id("match-number").await;
    computer.press("I have approved it – continue").await;
    computer.text_holds("Not approved yet").await;
    assert_eq!(computer.test_id("match-number").await, number);
    demo.phone(MEI).approve(&number);
    computer.press("I have approved it – continue").await;
    computer.test_id_holds("account-menu", "Mei Tan").await;
    computer.press("Log Out").await;
    computer.heading("Log out").await;
    assert!(
        computer.chosen(MEI).await,
        "the account in use is preselected"
    );
    computer.press("Log out").await;
    computer.heading("You are logged out").await;
    computer.quit().await;
}
