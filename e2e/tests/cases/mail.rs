//! Mails reach a mail server, also one that is busy or mute at first.

use crate::support::application::Application;
use crate::support::browser::Browser;
use crate::support::phone::CommandPhone;
use crate::support::program;
use crate::support::server::Server;
use crate::support::smtp::Smtp;
use crate::support::wait::until;

const LOGIN_ID: &str = "dana_lim@techpass.example";

/// A request that somebody reported at a server with that mail server.
async fn reported(smtp: &Smtp) -> Server {
    let further = format!(
        "[accounts]\nsecurity_mail = \"security@techpass.example\"\n\
         [authenticator]\npublic_url = \"http://localhost:9\"\n\
         [mail]\nserver = \"smtp://127.0.0.1:{}\"\nfrom = \"TechPass <no-reply@techpass.example>\"\n",
        smtp.port
    );
    let server = Server::start_with("http://localhost:9", "x", &further).await;
    let config = server.config();
    let password = server.file("password");
    std::fs::write(&password, "a long enough password").expect("written");
    program::ok(&[
        "users",
        "add",
        "--config",
        config,
        "--login-id",
        LOGIN_ID,
        "--name",
        "Dana Lim",
        "--email",
        "dana@mail.example",
        "--password-file",
        password.to_str().expect("text"),
    ]);
    let link = program::ok(&["users", "enrol-link", "--config", config, LOGIN_ID]);
    let link = link
        .split_whitespace()
        .find(|word| word.starts_with("http"))
        .expect("a link");
    let phone = CommandPhone::new(server.file("phone.json"), LOGIN_ID);
    let enrolled = phone.run(&["enrol", link]);
    assert!(enrolled.status.success(), "{enrolled:?}");
    let app = Application::register(config, &server.issuer, "docs");
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    let page = browser.identify(page, LOGIN_ID).await;
    let fields = [("password", "a long enough password")];
    let page = browser.press(&page, "Sign in", &fields).await;
    page.expect_heading("Approve sign in request");
    phone.decline(true);
    server
}

async fn arrive(smtp: &Smtp) {
    let mails = until("both mails to arrive", || async {
        match smtp.mails() {
            mails if mails.len() >= 2 => Ok(mails),
            mails => Err(format!("{mails:?}")),
        }
    })
    .await;
    for to in ["dana@mail.example", "security@techpass.example"] {
        let mail = mails
            .iter()
            .find(|mail| mail.contains(&format!("To: {to}")))
            .unwrap_or_else(|| panic!("nothing to {to} in {mails:?}"));
        assert!(mail.contains("Subject: TechPass: a sign-in request was reported"));
        assert!(mail.contains("From: TechPass <no-reply@techpass.example>"));
        assert!(mail.contains("Message-ID: <eml_"), "{mail}");
        assert!(mail.contains(LOGIN_ID), "{mail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_mailed_to_the_owner_and_to_security() {
    let smtp = Smtp::start(1).await;
    let _server = reported(&smtp).await;
    arrive(&smtp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_nothing_holds_nobody_up() {
    let smtp = Smtp::mute().await;
    let server = reported(&smtp).await;
    until("the mail server to be asked", || async {
        let asked = smtp.met_mute();
        (asked > 0)
            .then_some(())
            .ok_or_else(|| "not yet".to_owned())
    })
    .await;
    // Others are served while it is mute.
    let other = Application::register(server.config(), &server.issuer, "other");
    let mut browser = Browser::default();
    let page = browser.open(&other.request(&[])).await;
    page.expect_heading("Sign in");
    assert_eq!(smtp.mails().len(), 0);
    smtp.speak();
    arrive(&smtp).await;
}
