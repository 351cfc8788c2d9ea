//! Single bits that turn over on the disk: a server that starts refuses what it finds damaged, and never serves a part of
//! what was there as if it were all. SQLite has no checksum over rows: a letter within a text that turns into another is
//! not seen by anybody.

use std::fs;
use std::path::Path;

use techpass_store::db::Driver;
use techpass_store::error::StoreError;
use techpass_store::migrate::{Migration, migrate};
use techpass_store::sqlite::{Sqlite, inspect};

use crate::support::{Home, any, server};

/// Rows of the database that is damaged, each a commit of its own.
const ROWS: i64 = 120;
/// Bits that turn over in the file, one at a time.
const IN_THE_FILE: u64 = 700;
/// Bits that turn over in the log.
const IN_THE_LOG: u64 = 300;

const FACTS: Migration = Migration {
    version: 1,
    name: "facts",
    sql: "CREATE TABLE facts (n BIGINT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL); \
          CREATE UNIQUE INDEX facts_by_name ON facts (name);",
};

type Rows = Vec<(i64, String, String)>;

fn fact(n: i64) -> (i64, String, String) {
    let length = usize::try_from(n * 37 % 400).unwrap() + 20;
    (n, format!("person{n}@techpass.example"), "x".repeat(length))
}

/// A database whose facts are in the file, or in the log beside it; both as a machine that lost its power leaves them.
async fn laid_down(into: &Path, log: bool) {
    let home = Home::new();
    let driver = Sqlite::open(&home.path(), server()).unwrap();
    migrate(&driver, &[FACTS]).await.unwrap();
    for n in 0..ROWS {
        let (n, name, body) = fact(n);
        let sql = "INSERT INTO facts (n, name, body) VALUES ($1, $2, $3)";
        let params = vec![n.into(), name.into(), body.into()];
        driver.commit(vec![any(sql, params)]).await.unwrap();
    }
    if !log {
        driver.close().await.unwrap();
        drop(driver);
    }
    fs::copy(home.path(), into.join("a.db")).unwrap();
    if log {
        fs::copy(home.beside("-wal"), into.join("a.db-wal")).unwrap();
    }
}

/// What a server that starts on it finds.
async fn served(path: &Path) -> Result<Rows, StoreError> {
    let driver = Sqlite::open(path, server())?;
    let sql = "SELECT n, name, body FROM facts ORDER BY n";
    let rows = driver.query(sql, vec![]).await?;
    let of = |row: &techpass_store::db::Row| {
        let text = |at| row.text(at).map(str::to_owned);
        Ok((row.int(0)?, text(1)?, text(2)?))
    };
    rows.iter().map(of).collect()
}

fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

/// A copy with one bit the other way round.
fn damaged(from: &Path, into: &Path, file: &str, random: &mut u64) {
    for name in ["a.db", "a.db-wal", "a.db-shm", "a.db.lock"] {
        let _ = fs::remove_file(into.join(name));
    }
    for name in ["a.db", "a.db-wal"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), into.join(name)).unwrap();
        }
    }
    let path = into.join(file);
    let mut bytes = fs::read(&path).unwrap();
    let bit = usize::try_from(next(random)).unwrap() % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(&path, bytes).unwrap();
}

#[tokio::test]
async fn a_bit_that_turns_over_in_the_file_is_refused_or_loses_nobody() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    laid_down(from.path(), false).await;
    let whole: Rows = (0..ROWS).map(fact).collect();
    let path = into.path().join("a.db");
    let (mut refused, mut harmless, mut altered) = (0, 0, 0);
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for trial in 0..IN_THE_FILE {
        damaged(from.path(), into.path(), "a.db", &mut random);
        match served(&path).await {
            Err(_) => refused += 1,
            Ok(rows) if rows == whole => harmless += 1,
            Ok(rows) => {
                assert_eq!(rows.len(), whole.len(), "trial {trial}: a part is served");
                // One letter is another one; it is in no index, or the check would have found that.
                let other = rows.iter().zip(&whole).filter(|(a, b)| a != b);
                assert_eq!(other.count(), 1, "trial {trial}");
                altered += 1;
            }
        }
    }
    assert!(refused > IN_THE_FILE / 10, "{refused} refused");
    eprintln!(
        "{refused} refused, {harmless} harmless, {altered} with one letter of a text altered"
    );
}

#[tokio::test]
async fn a_bit_that_turns_over_in_the_log_leaves_the_commits_before_it() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    laid_down(from.path(), true).await;
    let whole: Rows = (0..ROWS).map(fact).collect();
    let path = into.path().join("a.db");
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut shorter = 0;
    for trial in 0..IN_THE_LOG {
        damaged(from.path(), into.path(), "a.db-wal", &mut random);
        // Without the table there is nothing to serve, and no server starts.
        if let Ok(rows) = served(&path).await {
            assert_eq!(
                rows,
                whole[..rows.len()],
                "trial {trial}: not as it was once"
            );
            shorter += usize::from(rows.len() < whole.len());
        }
    }
    assert!(shorter > 0, "no bit mattered");
}

/// A copy that is put back is looked at as thoroughly.
#[tokio::test]
async fn whatever_a_start_refuses_a_restore_refuses_too() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    laid_down(from.path(), false).await;
    let path = into.path().join("a.db");
    let mut random = 0xD1B5_4A32_D192_ED03_u64;
    for trial in 0..100 {
        damaged(from.path(), into.path(), "a.db", &mut random);
        let inspected = inspect(&path);
        let start = Sqlite::open(&path, server());
        assert!(
            start.is_ok() || inspected.is_err(),
            "trial {trial}: {:?}",
            start.err()
        );
    }
}
