//! What was acknowledged survives the end of the process, and a disk that refuses. The children of these tests are
//! this same binary, told by the environment to run one ignored test.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use techpass_store::db::{Driver, Statement};
use techpass_store::error::StoreError;
use techpass_store::migrate::{Migration, migrate};
use techpass_store::sqlite::Sqlite;
use tokio::task::JoinSet;

use crate::support::{Home, any, int, server};

const PLACE: &str = "STORE_TEST_PLACE";
const FIRST: &str = "STORE_TEST_FIRST";
const WRITERS: i64 = 8;
const ROUNDS: i64 = 15;

const TABLES: Migration = Migration {
    version: 1,
    name: "facts",
    sql: "CREATE TABLE facts (n BIGINT PRIMARY KEY, body TEXT NOT NULL); CREATE TABLE audit (n BIGINT PRIMARY KEY);",
};

fn fact(n: i64, body: &str) -> Vec<Statement> {
    vec![
        any(
            "INSERT INTO facts (n, body) VALUES ($1, $2)",
            vec![n.into(), body.into()],
        ),
        any("INSERT INTO audit (n) VALUES ($1)", vec![n.into()]),
    ]
}

async fn numbers(driver: &dyn Driver, sql: &'static str) -> BTreeSet<i64> {
    driver
        .query(sql, vec![])
        .await
        .unwrap()
        .iter()
        .map(|row| row.int(0).unwrap())
        .collect()
}

async fn open(path: &Path) -> Arc<Sqlite> {
    let driver = Arc::new(Sqlite::open(path, server()).unwrap());
    migrate(&*driver, &[TABLES]).await.unwrap();
    driver
}

/// Ends a child even when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn acknowledged_facts_survive_a_kill() {
    let home = Home::new();
    let mut acknowledged = BTreeSet::new();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for round in 1..=ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let after = random % 300 + 1;
        acknowledged.extend(kill_after(&home.path(), round * 1_000_000, after));

        let driver = open(&home.path()).await;
        let facts = numbers(&*driver, "SELECT n FROM facts").await;
        let lost: Vec<_> = acknowledged.difference(&facts).collect();
        assert!(
            lost.is_empty(),
            "round {round}, {after} answers: {lost:?} lost of {}",
            acknowledged.len()
        );
        assert_eq!(
            facts,
            numbers(&*driver, "SELECT n FROM audit").await,
            "round {round}"
        );
        assert!(facts.len() - acknowledged.len() <= usize::try_from(WRITERS * round).unwrap());
        let check = driver
            .query("PRAGMA integrity_check", vec![])
            .await
            .unwrap();
        assert_eq!(check[0].text(0).unwrap(), "ok");
    }
    assert!(acknowledged.len() > 1000);
}

/// Lets a child commit until so many answers were read, kills it, and says which numbers it acknowledged.
fn kill_after(path: &Path, first: i64, answers: u64) -> Vec<i64> {
    let child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child_commits_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PLACE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    let mut acknowledged = vec![];
    let mut line = String::new();
    let mut alive = true;
    while output.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        if let Some(n) = line.strip_prefix("ack ") {
            acknowledged.push(n.trim().parse().unwrap());
        }
        line.clear();
        if alive && acknowledged.len() as u64 >= answers {
            child.0.kill().unwrap();
            alive = false;
        }
    }
    assert!(!alive, "the child ended by itself");
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child of acknowledged_facts_survive_a_kill"]
async fn child_commits_until_killed() {
    let Some(path) = env::var_os(PLACE).map(PathBuf::from) else {
        return;
    };
    let first: i64 = env::var(FIRST).unwrap().parse().unwrap();
    let driver = open(&path).await;
    let body = "x".repeat(8000);
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (driver, body) = (Arc::clone(&driver), body.clone());
        tasks.spawn(async move {
            for n in (first + writer..).step_by(WRITERS as usize) {
                driver.commit(fact(n, &body)).await.unwrap();
                let line = format!("ack {n}\n");
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    tasks.join_all().await;
}

/// The shell limits the size of a file, so that the commit itself meets a disk that refuses.
#[cfg(unix)]
#[test]
fn a_refused_write_is_refused_to_everyone_and_passes() {
    let home = Home::new();
    let done = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child_meets_the_limit",
            "--ignored",
            "--nocapture",
        ])
        .env(PLACE, home.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && output.contains("the limit was met"),
        "{output}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child of a_refused_write_is_refused_to_everyone_and_passes"]
async fn child_meets_the_limit() {
    let Some(path) = env::var_os(PLACE).map(PathBuf::from) else {
        return;
    };
    let driver = open(&path).await;
    let body = "x".repeat(16_000);
    let (mut kept, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let mut passed = false;
    for turn in 0..100 {
        let refused_before = refused.len();
        let mut tasks = JoinSet::new();
        for n in turn * 16..(turn + 1) * 16 {
            let (driver, body) = (Arc::clone(&driver), body.clone());
            tasks.spawn(async move { (n, driver.commit(fact(n, &body)).await) });
        }
        for (n, outcome) in tasks.join_all().await {
            match outcome {
                Ok(()) => kept.insert(n),
                Err(StoreError::Unwritable { .. }) => refused.insert(n),
                Err(other) => panic!("{other:?}"),
            };
        }
        assert_eq!(
            numbers(&*driver, "SELECT n FROM facts").await,
            kept,
            "turn {turn}"
        );
        passed = refused_before > 0 && refused.len() == refused_before;
        if passed {
            break;
        }
    }
    assert!(passed, "{} kept, {} refused", kept.len(), refused.len());
    drop(driver);
    let again = open(&path).await;
    assert_eq!(numbers(&*again, "SELECT n FROM audit").await, kept);
    assert_eq!(
        int(&*again, "SELECT COUNT(*) FROM facts").await,
        kept.len() as i64
    );
    std::io::stdout().write_all(b"the limit was met\n").unwrap();
}
