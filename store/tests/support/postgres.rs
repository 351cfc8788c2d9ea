//! A PostgreSQL server for tests: Debian's program, a directory of its own, a free port of loopback. It ends with the
//! process that started it, however that ends. Other crates' tests include this file, so it knows the standard library
//! only.

#![allow(dead_code)] // not every test crate uses all of it

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Starts the server, waits until it answers, says so, and stops it when standard input ends: that is when the test's
/// process ends. PostgreSQL refuses to run as root, so root lends it to another account.
const KEEPER: &str = r#"
set -eu
bin=$1 directory=$2 port=$3 account=$4; shift 4
as() { "$@"; }
if [ -n "$account" ]; then
    as() { setpriv --reuid="$account" --regid="$account" --clear-groups -- "$@"; }
    chown "$account" "$directory"
fi
cd "$directory"
as "$bin/initdb" -D "$directory/data" -U techpass -A trust -E UTF8 --locale=C --no-sync >"$directory/initdb.log"
as "$bin/postgres" -D "$directory/data" -h 127.0.0.1 -p "$port" -k "$directory" -c max_connections=400 \
    -c shared_buffers=64MB -c logging_collector=off "$@" >"$directory/server.log" 2>&1 </dev/null &
server=$!
trap 'as "$bin/pg_ctl" stop -s -m immediate -D "$directory/data" || kill -9 $server; wait $server || true; rm -rf "$directory"' EXIT
until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
    kill -0 $server || { cat "$directory/server.log" >&2; exit 1; }
    sleep 0.05
done
echo ready
cat >/dev/null
"#;

/// A running server.
pub struct Server {
    keeper: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
    bin: PathBuf,
    directory: PathBuf,
    databases: AtomicU32,
}

impl Server {
    /// Starts one with further settings, like `-c` `synchronous_commit=off`.
    pub fn start(settings: &[&str]) -> Self {
        // A port that was free may be taken by the time the server wants it.
        let started = (0..5).find_map(|_| Self::try_start(settings));
        started.expect("PostgreSQL starts")
    }

    fn try_start(settings: &[&str]) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let bin = programs();
        let port = free_port();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("techpass-postgres-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&bin)
            .arg(&directory)
            .args([&port.to_string(), account()])
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        let server = Self {
            keeper,
            port,
            bin,
            directory,
            databases: AtomicU32::new(0),
        };
        (said == "ready\n").then_some(server)
    }

    /// The one that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// A new, empty database: its name.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// The URL of a database, through any port.
    pub fn url_at(port: u16, database: &str) -> String {
        format!("postgres://techpass@127.0.0.1:{port}/{database}")
    }

    /// The URL of a new, empty database.
    pub fn fresh(&self) -> String {
        Self::url_at(self.port, &self.database())
    }

    /// What an administrator's statement prints, without any of ours between.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let port = self.port.to_string();
        let output = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "techpass",
                "-p",
                &port,
                "-d",
                database,
                "-c",
                sql,
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Where Debian keeps the server's programs: the newest version there is.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|version| version.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found
        .pop()
        .expect("PostgreSQL is not installed: apt-get install postgresql, as ./test does")
}

/// Whom root lends the server to; nobody else needs one.
fn account() -> &'static str {
    let root =
        fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    match (
        root,
        known.lines().any(|line| line.starts_with("postgres:")),
    ) {
        (false, _) => "",
        (true, true) => "postgres",
        (true, false) => "nobody",
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
