//! A device without a browser is let in by a person on another screen (RFC 8628).

use crate::support::browser::{Browser, client};
use crate::support::demo::Demo;
use crate::support::people::PROBE;
use crate::support::program;
use serde_json::Value;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A client that asks for devices.
pub struct Device {
    issuer: String,
    secret: String,
}

impl Device {
    /// Registers one, marked `test`.
    pub fn add(demo: &Demo) -> Device {
        let added = program::json(&[
            "clients",
            "add",
            "--config",
            &demo.config("techpass"),
            "--id",
            "screen",
            "--name",
            "Meeting room screen",
            "--grant-type",
            GRANT,
            "--test",
            "--json",
        ]);
        Device {
            issuer: demo.techpass(),
            secret: added["client_secret"]
                .as_str()
                .expect("a secret")
                .to_owned(),
        }
    }

    async fn call(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = client()
            .post(format!("{}{path}", self.issuer))
            .basic_auth("screen", Some(&self.secret))
            .form(form)
            .send()
            .await
            .expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn ask(&self) -> Value {
        let form = [("scope", "openid profile")];
        let (status, asked) = self.call("/device_authorization", &form).await;
        assert_eq!(status, 200, "{asked}");
        asked
    }

    async fn poll(&self, asked: &Value) -> (u16, Value) {
        let code = asked["device_code"].as_str().expect("a code");
        let form = [("grant_type", GRANT), ("device_code", code)];
        self.call("/token", &form).await
    }
}

/// Types the code, signs in where that is still due, and presses a button of the page that shows who asks.
async fn answer(browser: &mut Browser, asked: &Value, button: &str) -> String {
    let page = browser
        .open(asked["verification_uri"].as_str().expect("an address"))
        .await;
    let code = asked["user_code"].as_str().expect("a code");
    let mut page = browser.press(&page, "Next", &[("user_code", code)]).await;
    if page.heading() == "Sign in" {
        page = browser.identify(page, PROBE).await;
        page = browser.password(&page).await;
    }
    assert!(page.body.contains("Meeting room screen"), "{page:?}");
    browser.press(&page, button, &[]).await.heading()
}

/// The same in short, whatever database the issuer has.
pub async fn devices_are_let_in_and_denied(device: &Device) {
    let asked = device.ask().await;
    answer(&mut Browser::default(), &asked, "Allow").await;
    let (status, tokens) = device.poll(&asked).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(device.poll(&asked).await.0, 400, "a second time");
    let asked = device.ask().await;
    answer(&mut Browser::default(), &asked, "Deny").await;
    let (_, said) = device.poll(&asked).await;
    assert_eq!(said["error"], "access_denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_lets_a_device_in_once_or_denies_it() {
    let demo = Demo::start();
    let device = Device::add(&demo);
    let asked = device.ask().await;
    let (status, said) = device.poll(&asked).await;
    assert_eq!(
        (status, &said["error"]),
        (400, &"authorization_pending".into())
    );
    // However busy the machine is, some of these follow each other too soon.
    let mut said = device.poll(&asked).await.1;
    for _ in 0..20 {
        if said["error"] == "slow_down" {
            break;
        }
        said = device.poll(&asked).await.1;
    }
    assert_eq!(said["error"], "slow_down", "a device that asks too often");
    let mut browser = Browser::default();
    answer(&mut browser, &asked, "Allow").await;
    demo.advance(60).await;
    let (status, tokens) = device.poll(&asked).await;
    assert_eq!(status, 200, "{tokens}");
    let info = client()
        .get(format!("{}/userinfo", device.issuer))
        .bearer_auth(tokens["access_token"].as_str().expect("a token"))
        .send()
        .await
        .expect("an answer");
    let info: Value = info.json().await.expect("JSON");
    assert_eq!(info["name"], "Probe");
    demo.advance(60).await;
    let (status, said) = device.poll(&asked).await;
    assert_eq!(
        (status, &said["error"]),
        (400, &"invalid_grant".into()),
        "a second time"
    );

    let asked = device.ask().await;
    answer(&mut browser, &asked, "Deny").await;
    let (_, said) = device.poll(&asked).await;
    assert_eq!(said["error"], "access_denied");

    let asked = device.ask().await;
    demo.advance(3_600).await;
    let (_, said) = device.poll(&asked).await;
    assert_eq!(said["error"], "expired_token");
}
