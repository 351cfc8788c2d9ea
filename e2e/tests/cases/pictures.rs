//! Pictures of every page, light, dark and narrow, for people to look at:
//! `SCREENSHOTS=DIR cargo test -p techpass-e2e --test main -- --ignored pictures`.

use super::officers::{begin, enrol};
use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::people::{ARJUN, KAVYA, MEI, PASSWORD, SITI, WEI};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Mutex;

struct Album {
    /// Where pictures go; without it pages are only measured.
    folder: Option<PathBuf>,
    /// Pages that have to be moved sideways (WCAG 2.2, 1.4.10).
    wide: Mutex<Vec<String>>,
}

impl Album {
    fn open() -> Album {
        let folder = std::env::var_os("SCREENSHOTS").expect("SCREENSHOTS names a folder");
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        Album {
            folder: Some(folder.into()),
            wide: Mutex::default(),
        }
    }

    /// The page as it stands, three times.
    async fn take(&self, browser: &Chromium, name: &str) {
        for (look, scheme, width) in [
            ("light", "light", 1000),
            ("dark", "dark", 1000),
            ("narrow", "light", 320),
        ] {
            let media =
                json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            browser.devtools("Emulation.setEmulatedMedia", media).await;
            let size =
                json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
            browser
                .devtools("Emulation.setDeviceMetricsOverride", size)
                .await;
            if let Some(folder) = &self.folder {
                let path = folder.join(format!("{name}-{look}.png"));
                browser.driver.screenshot(&path).await.expect("a picture");
            }
            let over = "const e = document.documentElement; return e.scrollWidth - e.clientWidth";
            let over = browser.driver.execute(over, vec![]).await;
            let over = over.expect("a number").json().as_i64().unwrap_or(0);
            if over > 0 {
                let said = format!("{name}: {over} px too wide for {width} px");
                self.wide.lock().expect("a lock").push(said);
            }
        }
        browser
            .devtools("Emulation.clearDeviceMetricsOverride", json!({}))
            .await;
    }

    fn all_fit(self) {
        let wide = self.wide.into_inner().expect("a lock");
        assert!(wide.is_empty(), "pages that do not fit: {wide:#?}");
    }

    async fn take_at(&self, browser: &Chromium, name: &str, url: &str) {
        browser.open(url).await;
        self.take(browser, name).await;
    }
}

/// Pages that stand by themselves.
async fn still(album: &Album, demo: &Demo, computer: &Chromium) {
    let (docs, techpass) = (demo.docs(), demo.techpass());
    for (name, url) in [
        ("portal-home", docs.clone()),
        ("portal-chooser", format!("{docs}/login")),
        ("portal-guides", format!("{docs}/guides")),
        (
            "portal-guide",
            format!("{docs}/guides/how-officers-sign-in"),
        ),
        (
            "portal-codes",
            format!("{docs}/guides/help-and-problem-codes"),
        ),
        ("portal-search", format!("{docs}/search?q=number")),
        ("portal-missing", format!("{docs}/nowhere")),
        ("techpass-home-out", format!("{techpass}/")),
        ("help", format!("{techpass}/help")),
        ("privacy", format!("{techpass}/privacy")),
        ("terms", format!("{techpass}/terms")),
        ("problem-doc", format!("{techpass}/e/DEV-501")),
        ("missing", format!("{techpass}/nowhere")),
        (
            "unknown-client",
            format!("{techpass}/authorize?client_id=nobody"),
        ),
        (
            "redirect-uri",
            format!("{techpass}/authorize?client_id=docs-portal&redirect_uri=http://evil.example/"),
        ),
        ("page-expired", format!("{techpass}/s/x")),
        ("control", format!("{}/", demo.control())),
    ] {
        album.take_at(computer, name, &url).await;
    }
}

async fn vendor(album: &Album, demo: &Demo, computer: &Chromium) {
    computer.open(&demo.docs()).await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    computer.heading("Sign in").await;
    album.take(computer, "sign-in").await;
    computer.press("Next").await;
    album.take(computer, "sign-in-error").await;
    computer.fill("Email or TechPass ID", SITI).await;
    computer.press("Next").await;
    computer.heading("Enter your password").await;
    album.take(computer, "password").await;
    computer.fill("Password", "wrong").await;
    computer.press("Sign in").await;
    album.take(computer, "password-error").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    let number = computer.test_id("match-number").await;
    album.take(computer, "number").await;
    demo.phone(SITI)
        .approve_in_vain(if number == "10" { "11" } else { "10" });
    computer.heading("That was not the number").await;
    album.take(computer, "number-wrong").await;
    computer.press("Get a new number").await;
    demo.phone(SITI)
        .approve(&computer.test_id("match-number").await);
    computer.test_id("account-menu").await;
    album.take(computer, "portal-signed-in").await;
}

async fn accounts(album: &Album, demo: &Demo, computer: &Chromium) {
    computer.press("Switch account").await;
    computer.heading("Pick an account").await;
    album.take(computer, "pick-one").await;
    computer.press("Use another account").await;
    computer.fill("Email or TechPass ID", MEI).await;
    computer.press("Next").await;
    demo.phone(MEI)
        .approve(&computer.test_id("match-number").await);
    computer.test_id_holds("account-menu", "Mei Tan").await;
    album
        .take_at(
            computer,
            "techpass-home-in",
            &format!("{}/", demo.techpass()),
        )
        .await;
    computer.open(&demo.docs()).await;
    computer.press("Log Out").await;
    computer.heading("Log out").await;
    album.take(computer, "log-out").await;
    computer.press("Log out").await;
    computer.heading("You are logged out").await;
    album.take(computer, "logged-out").await;
    computer.press("Log in again").await;
    computer.heading("Pick an account").await;
    album.take(computer, "pick-two").await;
}

async fn refusals(album: &Album, demo: &Demo, computer: &Chromium) {
    for (class, person, name) in [
        ("se-gsib", WEI, "refused-se"),
        ("none", KAVYA, "refused-unknown"),
    ] {
        let whose = if class == "none" { "" } else { person };
        computer.open(&demo.computer(class, whose)).await;
        begin_anyhow(computer, demo, person).await;
        computer.test_id("problem-code").await;
        album.take(computer, name).await;
    }
    computer.press("Back to").await;
    album.take(computer, "portal-refused").await;
    computer.open(&demo.computer("non-se-gsib", KAVYA)).await;
    begin_anyhow(computer, demo, KAVYA).await;
    computer.test_id("match-number").await;
    demo.advance(121).await;
    computer.heading("The number has expired").await;
    album.take(computer, "number-expired").await;
    computer.press("Get a new number").await;
    computer.test_id("match-number").await;
    demo.phone(KAVYA).decline(true);
    computer.test_id("problem-code").await;
    album.take(computer, "reported").await;
    begin_anyhow(computer, demo, KAVYA).await;
    computer.test_id_holds("problem-code", "ACC-307").await;
    album.take(computer, "on-hold").await;
}

/// Like [`begin`], where the picker may come first.
async fn begin_anyhow(computer: &Chromium, demo: &Demo, login_id: &str) {
    computer.open(&demo.docs()).await;
    computer.press("Log in").await;
    computer.press("Log in with TechPass").await;
    if computer.offers("Use another account").await {
        computer.press("Use another account").await;
    }
    computer.fill("Email or TechPass ID", login_id).await;
    computer.press("Next").await;
}

async fn phone_pages(album: &Album, demo: &Demo, computer: &Chromium, phone: &Chromium) {
    album
        .take_at(
            phone,
            "phone-empty",
            &format!("{}/", demo.ready()["authenticator"].as_str().expect("it")),
        )
        .await;
    phone.open(&demo.enrolment_link(ARJUN, "wog").await).await;
    phone.heading("Add account").await;
    album.take(phone, "phone-enrol").await;
    enrol(phone, demo, ARJUN, "wog").await;
    album.take(phone, "phone-home").await;
    computer.open(&demo.computer("gmd", ARJUN)).await;
    begin(computer, demo, ARJUN).await;
    computer.heading("Enter your verification code").await;
    album.take(computer, "code").await;
    computer.fill("Verification code", "000000").await;
    computer.press("Sign in").await;
    album.take(computer, "code-error").await;
    let code: String = phone
        .test_id("code")
        .await
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    computer.fill("Verification code", &code).await;
    computer.press("Sign in").await;
    computer.test_id("match-number").await;
    phone.heading("Are you trying to sign in?").await;
    album.take(phone, "phone-request").await;
    phone.press("I can't see the number").await;
    album.take(phone, "phone-no-number").await;
    phone.press("No, it's not me").await;
    album.take(phone, "phone-no").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes pictures to the folder SCREENSHOTS"]
async fn every_page() {
    let album = Album::open();
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    still(&album, &demo, &computer).await;
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    vendor(&album, &demo, &computer).await;
    accounts(&album, &demo, &computer).await;
    refusals(&album, &demo, &computer).await;
    computer.quit().await;
    let (computer, phone) = Chromium::pair().await;
    phone_pages(&album, &demo, &computer, &phone).await;
    computer.quit().await;
    phone.quit().await;
    album.all_fit();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_to_be_moved_sideways() {
    let album = Album {
        folder: None,
        wide: Mutex::default(),
    };
    let demo = Demo::start();
    let computer = Chromium::start(Setup::default()).await;
    still(&album, &demo, &computer).await;
    computer.open(&demo.computer("non-se-gsib", MEI)).await;
    vendor(&album, &demo, &computer).await;
    computer.quit().await;
    album.all_fit();
}
