//! Two servers at one PostgreSQL, moved there from the embedded database: a login that begins at one and is approved at
//! the other, and keys that one of them hears of from the database.

use super::clients::{consent_is_kept_at, subjects_are_pairwise_at};
use super::device_grant::{Device, devices_are_let_in_and_denied};
use crate::support::application::{Application, text};
use crate::support::browser::{Browser, client};
use crate::support::demo::Demo;
use crate::support::people::SITI;
use crate::support::postgres::Server;
use crate::support::program;
use crate::support::wait::until;
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::net::{TcpListener, TcpStream};

/// A node. It ends with this value.
struct Node {
    child: Child,
    port: u16,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at_database(database: &str) -> Command {
    let mut command = program::command();
    command.env("TECHPASS__DATABASE__URL", database);
    command
}

fn ok(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}{complained}");
    said.into_owned()
}

impl Node {
    async fn start(demo: &Demo, database: &str, notify: &str) -> Node {
        let port = program::ports(3);
        let address = |offset: u16| format!("127.0.0.1:{}", port + offset);
        let child = at_database(database)
            .args(["serve", "--config", &demo.config("techpass")])
            .env("TECHPASS__DATABASE__NOTIFY", notify)
            .env("TECHPASS__LISTEN", address(0))
            .env("TECHPASS__AUTHENTICATOR__LISTEN", address(1))
            .env("TECHPASS__MANAGEMENT__LISTEN", address(2))
            .env(
                "TECHPASS__SECRETS__EPOCH_FILE",
                demo.scratch().join(format!("{port}.epoch")),
            )
            .stdin(Stdio::null())
            .spawn()
            .expect("a node starts");
        let node = Node { child, port };
        until("the node to be ready", || async {
            let url = format!("http://127.0.0.1:{}/readyz", port + 2);
            match client().get(url).send().await {
                Ok(answer) if answer.status() == 200 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        node
    }
}

/// The public address: new connections go to the node that is named last.
async fn relay(port: u16, to: &Arc<AtomicU16>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .expect("the port is free");
    let to = Arc::clone(to);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let port = to.load(Ordering::SeqCst);
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
}

/// Moves what the demonstration's TechPass has to PostgreSQL; the demonstration ends. Gives the new database.
fn moved(demo: &mut Demo) -> String {
    let config = demo.config("techpass");
    demo.cut();
    let database = Server::shared().fresh();
    let file = demo.scratch().join("all.data");
    let file = file.to_str().expect("a path");
    let exported = program::ok(&["export", "--config", &config, "--to", file]);
    let import = || {
        let mut command = at_database(&database);
        command.args(["import", "--config", &config, file]);
        command
    };
    assert_eq!(ok(&mut import()), exported, "counts and digest");
    let again = import().output().expect("it runs");
    assert_eq!(again.status.code(), Some(5), "a database that is not empty");
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_subjects_and_devices_live_in_postgresql_too() {
    let mut demo = Demo::start();
    let device = Device::add(&demo);
    let database = moved(&mut demo);
    let node = Node::start(&demo, &database, "listen").await;
    relay(demo.base() + 1, &Arc::new(AtomicU16::new(node.port))).await;
    consent_is_kept_at(&demo.techpass()).await;
    subjects_are_pairwise_at(&demo.techpass()).await;
    devices_are_let_in_and_denied(&device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_goes_on_at_another_node_and_keys_reach_both() {
    goes_on_elsewhere("listen").await;
}

/// Where a pooler stands between, nodes cannot listen; they look.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_goes_on_at_another_node_that_looks_for_changes() {
    goes_on_elsewhere("poll").await;
}

async fn goes_on_elsewhere(notify: &str) {
    let mut demo = Demo::start();
    let app = Application::register(&demo.config("techpass"), &demo.techpass(), "nodes");
    let database = moved(&mut demo);
    let (a, b) = (
        Node::start(&demo, &database, notify).await,
        Node::start(&demo, &database, notify).await,
    );
    let to = Arc::new(AtomicU16::new(a.port));
    relay(demo.base() + 1, &to).await;
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    let page = browser.identify(page, SITI).await;
    let page = browser.password(&page).await;
    let number = page.number();
    let cookies: Vec<String> = browser
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let mut stream = client()
        .get(format!("{}/events", page.url))
        .header("cookie", cookies.join("; "))
        .send()
        .await
        .expect("a stream");
    assert_eq!(stream.status(), 200);

    // From here on new connections go to the other node; the browser's stay where they are.
    to.store(b.port, Ordering::SeqCst);
    let phone = demo.phone(SITI);
    tokio::task::spawn_blocking(move || phone.approve(&number))
        .await
        .expect("approved");
    let woken = stream.chunk().await.expect("a chunk").expect("an event");
    assert!(
        String::from_utf8_lossy(&woken).contains("event: changed"),
        "{woken:?}"
    );
    let page = browser.press(&page, "I have approved it", &[]).await;
    let (status, tokens) = app.redeem(&app.code_of(&page)).await;
    assert_eq!(status, 200, "{tokens}");
    assert!(!text(&tokens, "id_token").is_empty());
    keys_reach(&demo, &database, [&a, &b]).await;
}

/// New keys, made by a command, are published by every node.
async fn keys_reach(demo: &Demo, database: &str, nodes: [&Node; 2]) {
    let config = demo.config("techpass");
    let said = ok(at_database(database).args(["keys", "rotate", "--now", "--config", &config]));
    let kid = said
        .split_whitespace()
        .next()
        .expect("a key's name")
        .to_owned();
    for node in nodes {
        until("the key to be published", || async {
            let url = format!("http://127.0.0.1:{}/jwks.json", node.port);
            let host = format!("localhost:{}", demo.base() + 1);
            let answer = client().get(url).header("host", host).send().await;
            let keys = answer.map_err(|error| error.to_string())?.text().await;
            match keys {
                Ok(keys) if keys.contains(&kid) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}
