//! Backups made while people sign in, put back, and what must not come alive again. And the doctor.

use crate::support::application::{Application, text};
use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::people::{PROBE, SITI};
use crate::support::program;
use crate::support::provider::SECRET;
use crate::support::server::Server;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn backup(config: &str, to: &Path) -> Value {
    let to = to.to_str().expect("a path");
    program::json(&["backup", "--config", config, "--to", to, "--json"])
}

fn restore(config: &str, from: &Path, further: &[&str]) -> (Option<i32>, String) {
    let from = from.to_str().expect("a path");
    let words = ["restore", "--config", config, "--from", from];
    let output = program::run(&[&words, further].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_under_load_is_put_back_with_everything_ended() {
    let mut demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let config = demo.config("techpass");
    let mut browser = Browser::default();
    let code = app.code(&mut browser).await;
    let (_, tokens) = app.redeem(&code).await;
    let waiting = app.code(&mut Browser::default()).await;
    let mut load = Vec::new();
    for _ in 0..4 {
        let app = app.clone();
        load.push(tokio::spawn(async move {
            app.code(&mut Browser::default()).await
        }));
    }
    let file = demo.scratch().join("a backup.db");
    let made = backup(&config, &file);
    for working in load {
        working.await.expect("signing in goes on meanwhile");
    }
    assert!(made["rows"]["accounts"].as_i64() >= Some(7), "{made}");
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // Never over a file that is there.
    let taken = file.to_str().expect("a path");
    let output = program::run(&["backup", "--config", &config, "--to", taken]);
    assert_eq!(output.status.code(), Some(5));
    // What happens afterwards is lost, and what was alive is not alive again.
    let (code, said) = restore(&config, &file, &["--force"]);
    assert_eq!(code, Some(5), "a server runs: {said}");
    demo.cut();
    let (code, said) = restore(&config, &file, &[]);
    assert_eq!(code, Some(5), "there is a database: {said}");
    assert!(said.contains("--force"), "{said}");
    let (code, said) = restore(&config, &file, &["--force"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("disabled"), "{said}");
    demo.start_again();
    assert_eq!(app.refresh(text(&tokens, "refresh_token")).await.0, 400);
    assert_eq!(app.userinfo(text(&tokens, "access_token")).await, 401);
    assert_eq!(app.redeem(&waiting).await.0, 400, "a code came alive again");
    let page = browser
        .open(&app.request(&[("prompt", Some("none"))]))
        .await;
    assert_eq!(
        page.parameter("error").as_deref(),
        Some("login_required"),
        "{page:?}"
    );
    // Accounts and applications are there, and signing in works.
    let code = app.code(&mut Browser::default()).await;
    assert_eq!(app.redeem(&code).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_put_back_by_hand_is_noticed() {
    let mut demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut browser = Browser::default();
    let code = app.code(&mut browser).await;
    let (_, tokens) = app.redeem(&code).await;
    let file = demo.scratch().join("backup.db");
    backup(&demo.config("techpass"), &file);
    let page = browser.open(&format!("{}/logout", demo.techpass())).await;
    let old = browser.clone();
    let (name, value) = page.radio(PROBE);
    browser.press(&page, "Log out", &[(&name, &value)]).await;
    demo.cut();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(demo.data().join(format!("techpass.db{suffix}")));
    }
    std::fs::copy(&file, demo.data().join("techpass.db")).expect("copied");
    demo.start_again();
    let mut old = old;
    let page = old.open(&app.request(&[("prompt", Some("none"))])).await;
    assert_eq!(
        page.parameter("error").as_deref(),
        Some("login_required"),
        "a session that was logged out is alive again: {page:?}"
    );
    assert_eq!(app.refresh(text(&tokens, "refresh_token")).await.0, 400);
    assert!(
        demo.log().contains("put back from a copy"),
        "nobody is told"
    );
    // The next start finds nothing wrong any more.
    let code = app.code(&mut Browser::default()).await;
    let (_, tokens) = app.redeem(&code).await;
    demo.cut_and_start_again();
    assert_eq!(app.refresh(text(&tokens, "refresh_token")).await.0, 200);
}

#[test]
fn a_damaged_or_foreign_backup_is_refused_and_nothing_is_touched() {
    let mut demo = Demo::start();
    let config = demo.config("techpass");
    let file = demo.scratch().join("backup.db");
    backup(&config, &file);
    demo.cut();
    let whole = std::fs::read(&file).expect("a backup");
    let mut damaged = whole.clone();
    for byte in damaged.iter_mut().skip(8 * 4096).take(4096) {
        *byte ^= 0x5a;
    }
    for (name, bytes) in [
        ("damaged", damaged),
        ("short", whole[..whole.len() / 2].to_vec()),
        ("text", b"this is no backup".to_vec()),
        ("empty", Vec::new()),
    ] {
        std::fs::write(&file, bytes).expect("written");
        let (code, said) = restore(&config, &file, &["--force"]);
        assert_eq!(code, Some(5), "{name}: {said}");
        assert!(said.contains("no usable backup"), "{name}: {said}");
    }
    // Another master key: the keys in the backup do not open.
    std::fs::write(&file, &whole).expect("written");
    let key = demo.data().join("techpass-master.key");
    let kept = std::fs::read(&key).expect("a key");
    std::fs::write(&key, "0".repeat(64)).expect("written");
    let (code, said) = restore(&config, &file, &["--force"]);
    assert_eq!(code, Some(3), "{said}");
    std::fs::write(&key, kept).expect("written");
    demo.start_again();
    let users = program::ok(&["users", "list", "--config", &config]);
    assert!(users.contains(SITI), "{users}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong() {
    let mut server = Server::start("http://localhost:9", SECRET).await;
    let config = server.config().to_owned();
    let examined = |expected: i32| {
        let output = program::run(&["doctor", "--config", &config, "--json"]);
        assert_eq!(output.status.code(), Some(expected), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        move |name: &str| -> Vec<String> {
            let checks = report["checks"].as_array().expect("checks");
            let named = checks.iter().filter(|check| check["name"] == name);
            named
                .map(|check| check["found"].as_str().expect("a word").to_owned())
                .collect()
        }
    };
    // The upstream does not exist, and the files of the test are readable by everybody.
    let found = examined(1);
    for (name, expected) in [
        ("upstream", "failed"),
        ("master key", "failed"),
        ("integrity", "ok"),
        ("durability", "ok"),
        ("schema", "ok"),
        ("clock", "ok"),
        ("flush", "ok"),
        ("backup", "warning"),
    ] {
        let seen = found(name);
        assert!(
            seen.iter().all(|word| word == expected) && !seen.is_empty(),
            "{name}: {seen:?}"
        );
    }
    assert!(
        found("listener").iter().all(|word| word == "ok"),
        "a server runs"
    );
    server.terminate();
    assert_eq!(server.ended().await, Some(0));
    for name in ["master.key", "upstream.secret"] {
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(server.file(name), private).expect("set");
    }
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let (text, _) = text.split_once("[[upstream]]").expect("an upstream");
    std::fs::write(&config, text).expect("written");
    let found = examined(0);
    assert_eq!(found("master key"), ["ok"]);
}
