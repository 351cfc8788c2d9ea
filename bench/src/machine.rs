//! What the machine is, what else runs on it, and which core runs what.

use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::Duration;

/// Where the processes of a measurement run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cores {
    /// The server on the first core, the generator on the second.
    Apart,
    /// Everybody where the system puts them.
    Shared,
}

/// The core of a pinned server.
const SERVER_CORE: &str = "0";
/// The core of a pinned generator.
const GENERATOR_CORE: &str = "1";

/// How many cores there are.
pub fn cores() -> usize {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let cores = text.lines().filter(|line| {
        let name = line.split_whitespace().next().unwrap_or_default();
        name.starts_with("cpu") && name.len() > 3
    });
    cores.count().max(1)
}

/// Whether processes can be bound to cores here.
pub fn can_pin() -> bool {
    let works = Command::new("taskset").args(["-c", "0", "true"]).output();
    cores() >= 2 && works.is_ok_and(|output| output.status.success())
}

/// Binds every thread of a process.
pub fn pin(pid: u32, cores: Cores, server: bool) -> Result<()> {
    if !can_pin() {
        return Ok(());
    }
    let list = match (cores, server) {
        (Cores::Shared, _) => format!("0-{}", self::cores() - 1),
        (Cores::Apart, true) => SERVER_CORE.to_owned(),
        (Cores::Apart, false) => GENERATOR_CORE.to_owned(),
    };
    let output = Command::new("taskset")
        .args(["-a", "-c", "-p", &list, &pid.to_string()])
        .output()
        .context("taskset does not run")?;
    if !output.status.success() {
        bail!("taskset cannot bind process {pid} to {list}");
    }
    Ok(())
}

/// A command that starts bound to its core, with enough files for ten thousand connections.
pub fn command(program: &std::path::Path, cores: Cores) -> std::process::Command {
    let files = "--nofile=20000:20000";
    let prlimit = Command::new("prlimit").args([files, "true"]).output();
    let raised = prlimit.is_ok_and(|output| output.status.success());
    let mut words: Vec<std::ffi::OsString> = Vec::new();
    if raised {
        words.extend(["prlimit".into(), files.into()]);
    }
    if cores == Cores::Apart && can_pin() {
        words.extend(["taskset".into(), "-c".into(), SERVER_CORE.into()]);
    }
    words.push(program.into());
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Ticks that the cores were at work, and all ticks, since the machine started.
fn ticks() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().next()?;
    let numbers: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|word| word.parse().ok())
        .collect();
    let all: u64 = numbers.iter().sum();
    let idle: u64 = numbers.iter().skip(3).take(2).sum();
    Some((all - idle, all))
}

/// The share of all cores that is in use while this program does nothing, from 0 to 1.
pub async fn in_use(during: Duration) -> f64 {
    let before = ticks();
    tokio::time::sleep(during).await;
    match (before, ticks()) {
        (Some((busy0, all0)), Some((busy1, all1))) if all1 > all0 => {
            (busy1 - busy0) as f64 / (all1 - all0) as f64
        }
        _ => 0.0,
    }
}

/// A number from a file of `/proc` whose line begins with `name`.
fn proc_number(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Memory that a process holds, in KiB.
pub fn resident_kib(pid: u32) -> u64 {
    proc_number(&format!("/proc/{pid}/status"), "VmRSS:").unwrap_or(0)
}

/// Processor time a process has used, in milliseconds.
pub fn processor_ms(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let used: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<u64>().ok())
        .sum();
    // A tick is a hundredth of a second on every Linux there is.
    used * 10
}

/// One line about the machine.
pub fn description() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(':').nth(1))
        .map_or("unknown processor", str::trim);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = proc_number("/proc/meminfo", "MemTotal:").unwrap_or(0) / (1024 * 1024);
    format!(
        "{} cores, {model}, {memory} GiB, Linux {}",
        cores(),
        kernel.trim()
    )
}
