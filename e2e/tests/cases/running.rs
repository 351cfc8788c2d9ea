//! Running the program: starts that fail before anything is said, signals, commands that refuse, and a doctor who only
//! looks.

use crate::support::browser::client;
use crate::support::demo::Demo;
use crate::support::people::SITI;
use crate::support::postgres;
use crate::support::program;
use crate::support::provider::SECRET;
use crate::support::server::Server;
use crate::support::wait::until;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A certificate for localhost and its key, under these names in a folder.
fn pair(folder: &Path, certificate: &str, key: &str) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.expect("a certificate");
    std::fs::write(folder.join(certificate), made.cert.pem()).expect("written");
    std::fs::write(folder.join(key), made.signing_key.serialize_pem()).expect("written");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Settings that a server cannot start with, its exit code, and words of what it says.
type Mistake = (Vec<(&'static str, String)>, i32, &'static str);

fn mistakes(certificate: &Path, key: &Path, held: &str) -> Vec<Mistake> {
    let set = |pairs: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        pairs.iter().map(owned).collect()
    };
    let tls = |key: &str| {
        set(&[
            ("TECHPASS__TLS__CERTIFICATE_FILE", path(certificate)),
            ("TECHPASS__TLS__KEY_FILE", key),
        ])
    };
    let one = |name, value| set(&[(name, value)]);
    let mail = set(&[
        ("TECHPASS__MAIL__SERVER", "smtp://localhost"),
        ("TECHPASS__MAIL__FROM", "T <t@techpass.example>"),
        ("TECHPASS__MAIL__USER", "t"),
        ("TECHPASS__MAIL__PASSWORD_FILE", "/nowhere"),
    ]);
    let listens = "TECHPASS__MANAGEMENT__LISTEN";
    vec![
        (tls(path(key)), 3, "tls:"),
        (tls("/nowhere"), 3, "/nowhere"),
        (one(listens, held), 1, "another program listens"),
        (one(listens, "192.0.2.1:9"), 3, "management.listen"),
        (one("TECHPASS__LISTEN", "nowhere"), 3, "TECHPASS__LISTEN"),
        (
            one("TECHPASS__OUTBOUND__CA_FILE", "/nowhere"),
            3,
            "outbound.ca_file",
        ),
        (mail, 3, "mail.password_file"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_must_fail_announces_nothing_and_leaves_the_epoch() {
    let mut server = Server::start("http://localhost:9", SECRET).await;
    server.terminate();
    assert_eq!(server.ended().await, Some(0));
    let folder = tempfile::tempdir().expect("a folder");
    pair(folder.path(), "a.pem", "a.key");
    pair(folder.path(), "b.pem", "b.key");
    let (a, b) = (folder.path().join("a.pem"), folder.path().join("b.key"));
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let held = held.local_addr().expect("an address").to_string();
    let other = folder.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&other).expect("a socket");
    manager.set_nonblocking(true).expect("set");
    let epoch = || std::fs::read_to_string(server.file("master.key.epoch")).expect("an epoch");
    let before = epoch();
    for (set, code, words) in mistakes(&a, &b, &held) {
        let output = program::command()
            .args(["serve", "--config", server.config()])
            .envs(set.iter().map(|(name, value)| (name, value)))
            .env("NOTIFY_SOCKET", &other)
            .output()
            .expect("it runs");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{set:?}: {said}");
        assert!(
            said.contains(words) && !said.contains("is ready"),
            "{set:?}: {said}"
        );
        assert!(
            manager.recv(&mut [0; 9]).is_err(),
            "{set:?}: somebody was told"
        );
    }
    assert_eq!(epoch(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_without_tls_says_so_and_ends_nothing() {
    let mut server = Server::start("http://localhost:9", SECRET).await;
    server.signal("-HUP");
    until("the server to say so", || async {
        let log = server.log();
        log.contains("nothing to reload").then_some(()).ok_or(log)
    })
    .await;
    let url = format!("{}/healthz", server.issuer);
    assert_eq!(
        client().get(url).send().await.expect("an answer").status(),
        200
    );
    server.terminate();
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_takes_a_renewed_certificate_up_and_keeps_the_old_one_from_a_bad_one() {
    let server = Server::start("http://localhost:9", SECRET).await;
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    pair(folder.path(), "own.pem", "own.key");
    pair(folder.path(), "new.pem", "new.key");
    let port = program::ports(2);
    let log = std::fs::File::create(at("log")).expect("a log");
    let child = program::command()
        .args(["serve", "--config", server.config()])
        .env("TECHPASS__LISTEN", format!("127.0.0.1:{port}"))
        .env(
            "TECHPASS__MANAGEMENT__LISTEN",
            format!("127.0.0.1:{}", port + 1),
        )
        .env(
            "TECHPASS__DATABASE__URL",
            format!("sqlite:{}", path(&at("own.db"))),
        )
        .env("TECHPASS__SECRETS__EPOCH_FILE", at("epoch"))
        .env("TECHPASS__TLS__CERTIFICATE_FILE", at("own.pem"))
        .env("TECHPASS__TLS__KEY_FILE", at("own.key"))
        .stdin(Stdio::null())
        .stderr(log)
        .spawn();
    let mut child = child.expect("it starts");
    let hangup = |words: &'static str| {
        let (log, id) = (at("log"), child.id().to_string());
        async move {
            let sent = std::process::Command::new("kill")
                .args(["-HUP", &id])
                .status();
            assert!(sent.expect("kill runs").success());
            until(words, || async {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                said.contains(words).then_some(()).ok_or(said)
            })
            .await;
        }
    };
    until("it to be ready", || async {
        let said = std::fs::read_to_string(at("log")).unwrap_or_default();
        said.contains("is ready").then_some(()).ok_or(said)
    })
    .await;
    let serves = async |name: &str| {
        let pem = std::fs::read(at(name)).expect("a certificate");
        let trusted = reqwest::Certificate::from_pem(&pem).expect("it parses");
        let client = reqwest::Client::builder().tls_certs_only([trusted]);
        let client = client.no_proxy().build().expect("a client");
        let url = format!("https://localhost:{port}/healthz");
        client.get(url).send().await.is_ok()
    };
    std::fs::copy(at("own.pem"), at("first.pem")).expect("copied");
    assert!(serves("first.pem").await && !serves("new.pem").await);
    // The key of another certificate.
    std::fs::copy(at("new.key"), at("own.key")).expect("copied");
    hangup("the present certificate stays").await;
    assert!(serves("first.pem").await);
    std::fs::copy(at("new.pem"), at("own.pem")).expect("copied");
    hangup("was read anew").await;
    assert!(serves("new.pem").await && !serves("first.pem").await);
    child.kill().expect("it ends");
    child.wait().expect("it has ended");
}

#[test]
fn what_does_not_exist_is_refused_with_5_and_lists_are_lines_of_json() {
    let demo = Demo::start();
    let config = demo.config("techpass");
    for words in [
        &["keys", "revoke", "nobody"],
        &["outbox", "retry", "nobody"],
    ] {
        let output = program::run(&[words.as_slice(), &["--config", &config]].concat());
        assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    }
    for words in [
        &["keys", "list"][..],
        &["outbox", "list"],
        &["migrate"],
        &["audit"],
    ] {
        let json: &[&str] = if words == ["audit"] { &[] } else { &["--json"] };
        let all = program::ok(&[words, &["--config", &config], json].concat());
        for line in all.lines() {
            let line: Value = serde_json::from_str(line).expect("an object a line");
            assert!(line.is_object(), "{words:?}: {line}");
        }
        assert!(words == ["outbox", "list"] || !all.is_empty(), "{words:?}");
    }
    assert!(program::json(&["version", "--json"])["commit"].is_string());
}

#[test]
fn an_account_with_a_password_that_is_none_is_not_added() {
    let demo = Demo::start();
    let config = demo.config("techpass");
    let add = |password: &str| {
        let mut child = program::command()
            .args([
                "users",
                "add",
                "--config",
                &config,
                "--login-id",
                "new@techpass.example",
            ])
            .args(["--name", "New", "--password-file", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut input = child.stdin.take().expect("input");
        input.write_all(password.as_bytes()).expect("sent");
        drop(input);
        child.wait_with_output().expect("it ends")
    };
    let short = add("short\n");
    assert_eq!(short.status.code(), Some(5), "{}", said(&short));
    let show = ["users", "show", "--config", &config, "new@techpass.example"];
    assert_eq!(program::run(&show).status.code(), Some(5));
    let good = add("correct horse battery staple\n");
    assert!(good.status.success(), "{}", said(&good));
    let audit = program::ok(&["audit", "--config", &config]);
    assert!(audit.contains("account.password_set"), "{audit}");
}

/// The words of a doctor's checks of this name.
fn examined(config: &str, set: &[(&str, &str)], name: &str) -> Vec<String> {
    let output = program::command()
        .args(["doctor", "--config", config, "--json"])
        .envs(set.iter().copied())
        .output()
        .expect("it runs");
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let checks = report["checks"].as_array().expect("checks");
    let named = checks.iter().filter(|check| check["name"] == name);
    named
        .map(|check| check["found"].as_str().expect("a word").to_owned())
        .collect()
}

#[test]
fn the_doctor_only_looks_and_knows_a_wrong_master_key() {
    let mut demo = Demo::start();
    let config = demo.config("techpass");
    assert!(program::ok(&["users", "list", "--config", &config]).contains(SITI));
    demo.cut();
    assert_eq!(examined(&config, &[], "seal"), ["ok"]);
    let wrong = demo.scratch().join("wrong.key");
    std::fs::write(&wrong, "12".repeat(32)).expect("written");
    let key = [("TECHPASS__SECRETS__MASTER_KEY_FILE", path(&wrong))];
    assert_eq!(examined(&config, &key, "seal"), ["failed"]);
    // Another's password file, for the group and for everybody.
    let secret = demo.scratch().join("password");
    std::fs::write(&secret, "x").expect("written");
    for (mode, word) in [(0o600, "ok"), (0o640, "warning"), (0o644, "failed")] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&secret, mode).expect("set");
        let set = [("TECHPASS__DATABASE__PASSWORD_FILE", path(&secret))];
        assert_eq!(examined(&config, &set, "database password"), [word]);
    }
    // Nothing there: nothing is made.
    let empty = demo.scratch().join("empty");
    std::fs::create_dir(&empty).expect("made");
    let url = format!("sqlite:{}", path(&empty.join("techpass.db")));
    examined(&config, &[("TECHPASS__DATABASE__URL", &url)], "database");
    assert_eq!(std::fs::read_dir(&empty).expect("a folder").count(), 0);
    let server = postgres::Server::shared();
    let url = server.fresh();
    let database = url.rsplit_once('/').expect("a database").1;
    let set = [("TECHPASS__DATABASE__URL", url.as_str())];
    assert_eq!(examined(&config, &set, "schema"), ["warning"]);
    let tables = server.psql(
        database,
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
    );
    assert_eq!(tables.trim(), "0");
}
