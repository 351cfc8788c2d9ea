//! `techpass demo --check`, and what the command line promises.

use std::net::TcpListener;
use std::process::{Command, Output};

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

fn passes(more: &[&str]) {
    let base = port_base().to_string();
    let mut arguments = vec!["demo", "--check", "--port-base", &base];
    arguments.extend(more);
    let output = techpass(&arguments);
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
    passes(&[]);
}

#[test]
fn the_story_holds_over_https_with_a_certificate_authority_of_its_own() {
    passes(&["--tls"]);
}

#[test]
fn exit_codes_are_as_promised() {
    let cases: &[(&[&str], i32)] = &[
        (&["--help"], 0),
        (&["frobnicate"], 2),
        (&["demo", "--port-base", "65535"], 2),
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
