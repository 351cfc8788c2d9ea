//! The integration guides, tried: what they print is started and signed in to.

use crate::support::apache::{self, Apache};
use crate::support::browser::{Browser, client};
use crate::support::chromium::{Chromium, Setup};
use crate::support::demo::Demo;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, PROBE};
use crate::support::program;
use crate::support::wait::until;
use serde_json::Value;
use std::process::{Child, Command, Stdio};

/// Registers the application of a guide, marked `test` so that Probe needs no phone.
fn register(demo: &Demo, id: &str, more: &[&str]) -> Value {
    let config = demo.config("techpass");
    let mut arguments = vec![
        "clients", "add", "--config", &config, "--id", id, "--name", id,
    ];
    arguments.extend(["--test", "--json"]);
    arguments.extend(more);
    program::json(&arguments)
}

fn snippet(demo: &Demo, stack: &str, id: &str) -> String {
    let config = demo.config("techpass");
    program::ok(&["snippet", stack, "--config", &config, "--client", id])
}

async fn sign_in(browser: &mut Browser, page: Page) -> Page {
    let page = browser.identify(page, PROBE).await;
    browser.password(&page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_logs_in_refuses_by_a_claim_and_is_logged_out() {
    let demo = Demo::start();
    let port = apache::port();
    let callback = format!("http://localhost:{port}/oidc/callback");
    let added = register(
        &demo,
        "apache",
        &[
            "--redirect-uri",
            &callback,
            "--backchannel-logout-uri",
            &format!("{callback}?logout=backchannel"),
        ],
    );
    let secret = added["client_secret"].as_str().expect("a secret");
    let site = Apache::start(port, &snippet(&demo, "apache", "apache"), "apache", secret).await;
    let mut browser = Browser::default();
    let page = browser.open(&site.origin).await;
    let page = sign_in(&mut browser, page).await;
    page.expect_heading("Everybody's page");
    let refused = browser.open(&format!("{}/agency/", site.origin)).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    // Somebody of an agency is let in by the same claim.
    let mut officer = Browser::computer(&demo, "non-se-gsib", crate::support::people::MEI).await;
    let page = officer.open(&format!("{}/agency/", site.origin)).await;
    let page = officer.identify(page, crate::support::people::MEI).await;
    let page = officer
        .approve(&demo, &page, crate::support::people::MEI)
        .await;
    page.expect_heading("The agency's page");
    // Log-out at TechPass reaches the site by the back channel.
    let page = browser.open(&format!("{}/logout", demo.techpass())).await;
    let page = browser.press(&page, "Log out", &[]).await;
    page.expect_heading("You are logged out");
    let page = browser.open(&site.origin).await;
    assert!(
        page.url.as_str().starts_with(&demo.techpass()),
        "the site's session lives on: {page:?}"
    );
    // The officer's session is untouched.
    let page = officer.open(&site.origin).await;
    page.expect_heading("Everybody's page");
}

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_program_of_the_guide_signs_people_in() {
    let demo = Demo::start();
    let listen = format!("127.0.0.1:{}", program::ports(1));
    let origin = format!("http://{listen}");
    let callback = format!("{origin}/oidc/callback");
    let added = register(&demo, "rust", &["--redirect-uri", &callback]);
    let secret = demo.scratch().join("client.secret");
    std::fs::write(&secret, added["client_secret"].as_str().expect("a secret")).expect("written");
    let printed = snippet(&demo, "rust", "rust");
    let example = program::path().with_file_name("examples").join("guide");
    let mut command = Command::new(example);
    for name in ["ISSUER", "CLIENT_ID", "REDIRECT_URI"] {
        let line = printed
            .lines()
            .find_map(|line| line.split_once(&format!("{name}=")))
            .expect(name);
        command.env(name, line.1.trim_end_matches([' ', '\\']));
    }
    command
        .env("CLIENT_SECRET_FILE", &secret)
        .env("LISTEN", &listen)
        .stdin(Stdio::null());
    let _program = Program(command.spawn().expect("the example was built"));
    until("the program to answer", || async {
        let answer = client().get(&origin).send().await;
        answer.map(drop).map_err(|error| error.to_string())
    })
    .await;
    let mut browser = Browser::default();
    let page = browser.open(&origin).await;
    let page = browser.press(&page, "Log in", &[]).await;
    let page = sign_in(&mut browser, page).await;
    assert!(page.body.contains("Signed in as Probe"), "{page:?}");
    // An answer of another attempt signs nobody in.
    let page = browser
        .open(&format!("{callback}?code=x&state=foreign&iss=x"))
        .await;
    assert_eq!(page.status, 400, "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_application_of_the_guide_signs_people_in() {
    let demo = Demo::start();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let address = format!("{origin}/app/");
    register(
        &demo,
        "browser",
        &["--redirect-uri", &address, "--auth", "none"],
    );
    let page = axum::response::Html(snippet(&demo, "browser", "browser"));
    let served = axum::Router::new().route("/app/", axum::routing::get(|| async { page }));
    tokio::spawn(async move { axum::serve(listener, served).await });
    let computer = Chromium::start(Setup::default()).await;
    computer.open(&address).await;
    computer.press("Log in").await;
    computer.fill("Email or TechPass ID", PROBE).await;
    computer.press("Next").await;
    computer.fill("Password", PASSWORD).await;
    computer.press("Sign in").await;
    until("the page to know the person", || async {
        let source = computer.driver.source().await.unwrap_or_default();
        match source.contains("Signed in as Probe") {
            true => Ok(()),
            false => Err(source),
        }
    })
    .await;
    computer.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_does_not_fit_the_client_is_refused_with_what_to_do() {
    let demo = Demo::start();
    register(
        &demo,
        "public",
        &["--redirect-uri", "http://localhost:9/cb", "--auth", "none"],
    );
    let config = demo.config("techpass");
    let said = program::run(&[
        "snippet", "apache", "--config", &config, "--client", "public",
    ]);
    assert_eq!(said.status.code(), Some(5));
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("--auth client_secret_basic"), "{said}");
    let said = program::run(&["snippet", "rust", "--config", &config, "--client", "nobody"]);
    assert_eq!(said.status.code(), Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_of_the_guide_gets_a_token_and_an_interface_asks_about_it() {
    let demo = Demo::start();
    let added = register(&demo, "machine", &["--grant-type", "client_credentials"]);
    let asking = register(
        &demo,
        "interface",
        &["--grant-type", "client_credentials", "--introspects-all"],
    );
    let stranger = register(&demo, "stranger", &["--grant-type", "client_credentials"]);
    let folder = demo.scratch();
    let secret = added["client_secret"].as_str().expect("a secret");
    let user = format!("user = \"machine:{secret}\"\n");
    std::fs::write(folder.join("machine.curlrc"), user).expect("written");
    let script = folder.join("token.sh");
    std::fs::write(&script, snippet(&demo, "curl", "machine")).expect("written");
    let ran = Command::new("sh").arg(&script).current_dir(folder).output();
    let ran = ran.expect("sh runs");
    assert!(ran.status.success(), "{ran:?}");
    let token = String::from_utf8(ran.stdout)
        .expect("text")
        .trim()
        .to_owned();
    let ask = async |who: &str, added: &Value, token: &str| -> Value {
        let secret = added["client_secret"].as_str().expect("a secret");
        let answer = client()
            .post(format!("{}/introspect", demo.techpass()))
            .basic_auth(who, Some(secret))
            .form(&[("token", token)])
            .send()
            .await
            .expect("an answer");
        answer.json().await.expect("JSON")
    };
    let said = ask("interface", &asking, &token).await;
    assert_eq!(said["active"], true, "{said}");
    assert_eq!(
        (&said["sub"], &said["client_id"]),
        (&"machine".into(), &"machine".into())
    );
    // Somebody else's token is nothing to a client that is no resource server.
    let said = ask("stranger", &stranger, &token).await;
    assert_eq!(said, serde_json::json!({ "active": false }));
    let revoked = client()
        .post(format!("{}/revoke", demo.techpass()))
        .basic_auth("machine", Some(secret))
        .form(&[("token", &token)])
        .send()
        .await;
    assert_eq!(revoked.expect("an answer").status().as_u16(), 200);
    let said = ask("interface", &asking, &token).await;
    assert_eq!(said, serde_json::json!({ "active": false }));
}
