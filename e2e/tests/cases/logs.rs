//! One long run with everything logged that can be, and nothing secret in it.

use crate::support::application::{Application, VERIFIER, text};
use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::leaks;
use crate::support::people::{ARJUN, SITI};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_the_log() {
    let demo = Demo::start();
    let mut secrets: Vec<String> = vec![VERIFIER.to_owned()];
    let mut officer = Browser::computer(&demo, "gmd", ARJUN).await;
    let page = officer.leave_portal_as(&demo, ARJUN).await;
    let code = demo.phone(ARJUN).code("SG Govt M365");
    let number = officer.press(&page, "Sign in", &[("code", &code)]).await;
    let page = officer.approve(&demo, &number, ARJUN).await;
    assert!(page.test_id("account-menu").is_some(), "{page:?}");
    secrets.push(code);
    let mut vendor = Browser::default();
    let page = vendor.leave_portal_as(&demo, SITI).await;
    let typo = "a-mistyped-Passw0rd!";
    let page = vendor.press(&page, "Sign in", &[("password", typo)]).await;
    secrets.push(typo.to_owned());
    let shown = vendor.password(&page).await;
    demo.phone(SITI)
        .approve_in_vain(if shown.number() == "10" { "11" } else { "10" });
    let over = vendor.press(&shown, "I have approved it", &[]).await;
    let shown = vendor.press(&over, "Get a new number", &[]).await;
    vendor.approve(&demo, &shown, SITI).await;
    let app = Application::add(&demo, "probe-app");
    let mut probe = Browser::default();
    let code = app.code(&mut probe).await;
    let (_, tokens) = app.redeem(&code).await;
    let (_, fresh) = app.refresh(text(&tokens, "refresh_token")).await;
    app.redeem(&code).await;
    app.refresh(text(&fresh, "refresh_token")).await;
    app.userinfo(text(&fresh, "access_token")).await;
    let link = demo.enrolment_link(SITI, "techpass").await;
    secrets.push(link.rsplit_once("token=").expect("a token").1.to_owned());
    secrets.push(code);
    for browser in [&officer, &vendor, &probe] {
        secrets.extend(browser.cookies.values().cloned());
    }
    // The addresses of logins, whose secrets stand in the path.
    for page in [&number, &shown] {
        let address = page.url.path().trim_start_matches("/s/");
        assert_eq!(address.len(), 43, "{address}");
        secrets.push(address.to_owned());
    }
    let log = demo.log();
    assert!(
        log.lines().count() > 20,
        "there is hardly a log to look at: {log}"
    );
    leaks::assert_none(&log, &secrets);
    for said in [
        format!("number={}", shown.number()),
        format!("\"number\":\"{}\"", shown.number()),
    ] {
        assert!(!log.contains(&said), "the log holds the number");
    }
}

/// Data at rest: no password, code, token or cookie stands in the database files as it is.
#[tokio::test(flavor = "multi_thread")]
async fn no_bearer_secret_stands_in_the_database() {
    let mut demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut probe = Browser::default();
    let code = app.code(&mut probe).await;
    let (_, tokens) = app.redeem(&code).await;
    let mut vendor = Browser::default();
    let page = vendor.leave_portal_as(&demo, SITI).await;
    let page = vendor.password(&page).await;
    demo.cut();
    let mut secrets = vec![
        code,
        text(&tokens, "refresh_token").to_owned(),
        text(&tokens, "access_token").to_owned(),
    ];
    secrets.push(crate::support::people::PASSWORD.to_owned());
    secrets.push(page.url.path().trim_start_matches("/s/").to_owned());
    secrets.extend(
        probe
            .cookies
            .into_values()
            .chain(vendor.cookies.into_values()),
    );
    for name in ["techpass.db", "techpass.db-wal", "wog.db", "wog.db-wal"] {
        let bytes = std::fs::read(demo.data().join(name)).unwrap_or_default();
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{name} holds {secret}");
        }
    }
}
