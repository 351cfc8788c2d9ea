//! `techpass demo --check`, and what the command line promises.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

fn techpass(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_techpass"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// Five free ports in a row; held together for a moment, so that they are free together.
fn port_base() -> u16 {
    for base in (20_000 + std::process::id() as u16 % 10_000..60_000).step_by(5) {
        let held: Vec<_> = (0..5)
            .map_while(|n| TcpListener::bind(("127.0.0.1", base + n)).ok())
            .collect();
        if held.len() == 5 {
            return base;
        }
    }
    panic!("no free ports");
}

fn passes(more: &[&str], environment: &[(&str, &str)]) {
    let base = port_base().to_string();
    let mut arguments = vec!["demo", "--check", "--port-base", &base];
    arguments.extend(more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_techpass"));
    command.args(&arguments).envs(environment.iter().copied());
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("ok    the story holds"), "{said}");
    assert!(!said.contains("FAIL"), "{said}");
}

#[test]
fn the_story_holds_over_http() {
    passes(&[], &[]);
}

#[test]
fn the_story_holds_over_https_with_a_certificate_authority_of_its_own() {
    passes(&["--tls"], &[]);
}

#[test]
fn the_story_needs_no_proxy() {
    // Nobody listens there.
    let proxy = "http://127.0.0.1:9";
    let names = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"];
    let mut environment: Vec<_> = names.iter().map(|name| (*name, proxy)).collect();
    environment.extend([("no_proxy", ""), ("NO_PROXY", "")]);
    passes(&[], &environment);
}

/// The other end of a pipe whose reader has gone.
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_that_has_enough_is_no_failure_and_a_full_disk_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let made = techpass(&["init", "--dir", dir.path().to_str().unwrap()]);
    assert!(made.status.success());
    let file = dir.path().join("techpass.toml");
    let config = ["--config", file.to_str().unwrap()];
    let phone = dir.path().join("phone.json");
    std::fs::write(&phone, r#"{"version":1,"profiles":[]}"#).unwrap();
    let add = ["users", "add", "--login-id", "a@b.example", "--name", "A"];
    assert!(techpass(&[&add[..], &config].concat()).status.success());
    let phone = ["authenticator", "--phone", phone.to_str().unwrap()];
    let cases: &[&[&str]] = &[
        &["version"],
        &["--help"],
        &["completions", "bash"],
        &[&["users", "list"], &config[..]].concat(),
        &[&["users", "list", "--json"], &config[..]].concat(),
        &[&["keys", "list"], &config[..]].concat(),
        &[&["audit"], &config[..]].concat(),
        &[&phone[..], &["accounts", "--json"]].concat(),
    ];
    for arguments in cases {
        let full = File::options().write(true).open("/dev/full").unwrap();
        for (stdout, code, word) in [(nobody(), 0, ""), (full.into(), 1, "cannot write")] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_techpass"));
            let output = command.args(*arguments).stdout(stdout);
            let output = output.stderr(Stdio::piped()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
            assert!(said.contains(word) && !said.contains("panicked"), "{said}");
            assert!(code != 0 || said.is_empty(), "{arguments:?}: {said}");
        }
    }
    // A verdict stays what it is: there is no certificate for the public address.
    let doctor = [&["doctor"], &config[..]].concat();
    let verdict = techpass(&doctor).status.code();
    let mut command = Command::new(env!("CARGO_BIN_EXE_techpass"));
    let unheard = command.args(&doctor).stdout(nobody()).output().unwrap();
    assert_eq!(unheard.status.code(), verdict);
    // Nor does a sentence that nobody hears change anything.
    let mut command = Command::new(env!("CARGO_BIN_EXE_techpass"));
    let wrong = command.args(["serve", "--config", "/nonexistent/techpass.toml"]);
    let wrong = wrong.stderr(nobody()).output().unwrap();
    assert_eq!(wrong.status.code(), Some(3));
}

#[test]
fn the_story_ends_with_its_reader() {
    let base = port_base().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_techpass"));
    let output = command.args(["demo", "--check", "--port-base", &base]);
    let output = output.stdout(nobody()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn the_story_can_be_interrupted() {
    let base = port_base().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_techpass"));
    let command = command.args(["demo", "--check", "--port-base", &base]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("ok "));
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{rest:?}");
    assert!(!rest.iter().any(|line| line.contains("the story holds")));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("stopped before the story was over"), "{said}");
}

#[test]
fn exit_codes_are_as_promised() {
    let cases: &[(&[&str], i32)] = &[
        (&["--help"], 0),
        (&["frobnicate"], 2),
        (&["demo", "--port-base", "65535"], 2),
        (&["demo", "--check", "--json"], 2),
        (&["demo", "--check", "--host", "nowhere.invalid"], 1),
        (&["serve", "--config", "/nonexistent/techpass.toml"], 3),
        (
            &["users", "list", "--config", "/nonexistent/techpass.toml"],
            3,
        ),
        (
            &[
                "authenticator",
                "--phone",
                "/nonexistent/phone.json",
                "approve",
                "--account",
                "a@b.example",
                "--number",
                "12",
            ],
            1,
        ),
        (&["authenticator", "--phone", "x"], 2),
        (
            &["authenticator", "--phone", "nobody-s.json", "accounts"],
            1,
        ),
        (
            &["authenticator", "--phone", "nobody-s.json", "requests"],
            1,
        ),
    ];
    for (arguments, code) in cases {
        let output = techpass(arguments);
        assert_eq!(
            output.status.code(),
            Some(*code),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn an_unknown_key_names_the_closest_one() {
    let dir = tempfile::tempdir().unwrap();
    let made = techpass(&["init", "--dir", dir.path().to_str().unwrap()]);
    assert!(made.status.success());
    let file = dir.path().join("techpass.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[session]", "[sesion]")).unwrap();
    let output = techpass(&["users", "list", "--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("did you mean `session`?"), "{said}");
}
