//! The program under test, its ports and its processes.

use serde_json::Value;
use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};

/// `target/PROFILE/techpass`, beside the tests that run.
pub fn path() -> PathBuf {
    let own = std::env::current_exe().expect("the test knows where it is");
    let found = own
        .ancestors()
        .map(|folder| folder.join("techpass"))
        .find(|candidate| candidate.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "there is no program `techpass` in a folder above {}; run `cargo build --bin techpass` first",
            own.display()
        )
    })
}

/// The program, without whatever the developer's environment sets for it.
pub fn command() -> Command {
    let mut command = Command::new(path());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TECHPASS") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it to its end.
pub fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Output {
    let mut command = command();
    command.args(arguments);
    command.output().expect("the program runs")
}

/// Runs it, expects 0, and gives what it wrote to standard output.
pub fn ok<A: AsRef<OsStr>>(arguments: &[A]) -> String {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let shown: Vec<_> = arguments
        .iter()
        .map(|a| a.as_ref().to_string_lossy())
        .collect();
    assert!(
        output.status.success(),
        "techpass {} ended with {:?}: {said}{}",
        shown.join(" "),
        output.status.code(),
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// The same, and reads JSON.
pub fn json<A: AsRef<OsStr>>(arguments: &[A]) -> Value {
    let said = ok(arguments);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error} in {said:?}"))
}

/// So many free ports in a row, no two callers of this process the same. They lie below the range from which systems
/// hand out ports by themselves, and are held together for a moment, so that they are free together.
pub fn ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let shift = u16::try_from(std::process::id() % 1_000).unwrap_or(0) * 12;
    for _ in 0..1_000 {
        let offset = NEXT.fetch_add(count, Ordering::Relaxed);
        let base = 15_000 + shift.wrapping_add(offset) % 16_000;
        let held =
            (base..base + count).map_while(|port| TcpListener::bind(("127.0.0.1", port)).ok());
        if held.collect::<Vec<_>>().len() == usize::from(count) {
            return base;
        }
    }
    panic!("there are no {count} free ports in a row");
}
