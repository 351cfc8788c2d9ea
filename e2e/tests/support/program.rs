//! The program under test, its ports and its processes.

use serde_json::Value;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;
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

/// Where the ports of the tests lie: below the range from which systems hand out ports by themselves.
const PORTS: std::ops::Range<u16> = 15_000..31_000;
/// Ports of one process. Two processes that run the tests at once share none.
const BLOCK: u16 = 1_000;

/// What a program says that finds its port taken.
pub const PORT_TAKEN: &str = "another program listens";
/// How often other ports are tried when a port is taken by somebody else in the last moment.
pub const PORTS_TRIED_MAX: usize = 5;

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

/// The first port of this process's block. It is listened at for as long as the process lives, so that no other process
/// takes the same block.
fn block() -> u16 {
    static OWN: OnceLock<(u16, TcpListener)> = OnceLock::new();
    let (first, _) = OWN.get_or_init(|| {
        let mut blocks = PORTS.step_by(usize::from(BLOCK));
        let own = blocks.find_map(|first| Some((first, listen(first)?)));
        own.expect("a block of ports that no other process has")
    });
    *first
}

/// So many free ports in a row, no two callers the same until all of the block were handed out. They are held together for
/// a moment, so that they are free together.
pub fn ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..BLOCK {
        let offset = NEXT.fetch_add(count, Ordering::Relaxed) % (BLOCK - 1 - count);
        let base = block() + 1 + offset;
        let held = (base..base + count).map_while(listen);
        if held.collect::<Vec<_>>().len() == usize::from(count) {
            return base;
        }
    }
    panic!("there are no {count} free ports in a row");
}
