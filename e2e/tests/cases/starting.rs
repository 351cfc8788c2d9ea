//! Starts that must fail, at once and in clear words.

use crate::support::demo::Demo;
use crate::support::program;
use std::process::Output;
use std::time::{Duration, Instant};

/// What it said, after it ended in good time with this code.
fn failed(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(
        output.stdout.is_empty(),
        "a failed start prints no ready line"
    );
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn a_second_demonstration_on_the_same_ports_says_so() {
    let demo = Demo::start();
    let base = demo.base().to_string();
    let data = demo.scratch().join("second");
    let data = data.to_str().expect("a path");
    let begun = Instant::now();
    let said = failed(
        &program::run(&["demo", "--json", "--port-base", &base, "--data", data]),
        1,
    );
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "it took {:?}",
        begun.elapsed()
    );
    assert!(
        said.contains(&base) && said.contains("another program listens"),
        "{said}"
    );
    // One of the five is enough, and nothing is written.
    let overlapping = (demo.base() - 2).to_string();
    let said = failed(
        &program::run(&[
            "demo",
            "--json",
            "--port-base",
            &overlapping,
            "--data",
            data,
        ]),
        1,
    );
    assert!(said.contains("another program listens"), "{said}");
    assert!(
        !demo.scratch().join("second/techpass.db").exists(),
        "a failed start left a database"
    );
}

#[test]
fn a_second_server_on_the_same_database_is_refused() {
    let demo = Demo::start();
    let text = std::fs::read_to_string(demo.config("techpass")).expect("a configuration");
    let other = program::ports(1);
    let listen = format!("127.0.0.1:{}", demo.base() + 1);
    let file = demo.scratch().join("second.toml");
    std::fs::write(&file, text.replace(&listen, &format!("127.0.0.1:{other}"))).expect("written");
    let said = failed(
        &program::run(&["serve", "--config", file.to_str().expect("a path")]),
        5,
    );
    assert!(
        said.contains("techpass.db"),
        "it does not say which database: {said}"
    );
}

#[test]
fn data_made_for_other_addresses_is_refused_and_left_alone() {
    let mut demo = Demo::start();
    demo.cut();
    let config = std::fs::read_to_string(demo.config("techpass")).expect("a configuration");
    let (own, other) = (demo.base().to_string(), program::ports(5).to_string());
    let data = demo.data();
    let data = data.to_str().expect("a path");
    for options in [
        &["--port-base", &other][..],
        &["--port-base", &own, "--host", "127.0.0.1"],
        &["--port-base", &own, "--tls"],
    ] {
        let start = [&["demo", "--json", "--data", data], options].concat();
        let said = failed(&program::run(&start), 2);
        let made_with = format!("--port-base {own} and without --tls");
        assert!(said.contains(&made_with), "{said}");
    }
    let after = std::fs::read_to_string(demo.config("techpass")).expect("still there");
    assert_eq!(after, config);
    demo.start_again();
}

#[test]
fn a_data_directory_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "not a directory").expect("written");
    let data = file.join("data");
    let ports = program::ports(5).to_string();
    let data = data.to_str().expect("a path");
    let said = failed(
        &program::run(&["demo", "--json", "--port-base", &ports, "--data", data]),
        1,
    );
    assert!(said.contains(data) && said.contains("--data"), "{said}");
}

#[test]
fn a_damaged_database_or_key_is_named_and_left_alone() {
    let mut demo = Demo::start();
    demo.cut();
    let config = demo.config("techpass");
    let key = demo.data().join("techpass-master.key");
    let kept = std::fs::read(&key).expect("a key");
    std::fs::write(&key, "0".repeat(64)).expect("written");
    let said = failed(&program::run(&["users", "list", "--config", &config]), 3);
    assert!(said.contains("key"), "{said}");
    std::fs::write(&key, "short").expect("written");
    let said = failed(&program::run(&["users", "list", "--config", &config]), 3);
    assert!(said.contains("techpass-master.key"), "{said}");
    std::fs::write(&key, kept).expect("written");
    program::ok(&["users", "list", "--config", &config]);
    let database = demo.data().join("techpass.db");
    std::fs::write(&database, "this is no database, whatever it is called").expect("written");
    for journal in ["techpass.db-wal", "techpass.db-shm"] {
        let _ = std::fs::remove_file(demo.data().join(journal));
    }
    let said = failed(&program::run(&["users", "list", "--config", &config]), 1);
    assert!(said.contains("techpass.db"), "{said}");
    let left = std::fs::read_to_string(&database).expect("still there");
    assert!(
        left.starts_with("this is no database"),
        "it was overwritten"
    );
}

#[test]
fn a_wrong_configuration_names_key_and_suggestion() {
    let demo = Demo::start();
    let text = std::fs::read_to_string(demo.config("techpass")).expect("a configuration");
    let file = demo.scratch().join("wrong.toml");
    let path = file.to_str().expect("a path");
    std::fs::write(&file, text.replace("[outbound]", "[outbund]")).expect("written");
    let said = failed(&program::run(&["serve", "--config", path]), 3);
    assert!(said.contains("did you mean `outbound`?"), "{said}");
    let public = format!("public_url = \"{}\"", demo.techpass());
    std::fs::write(
        &file,
        text.replace(&public, "public_url = \"http://techpass.example\"\n"),
    )
    .expect("written");
    let output = program::run(&["users", "list", "--config", path]);
    assert!(
        output.status.success() || output.status.code() == Some(3),
        "{output:?}"
    );
}
