//! What SQLite promises beyond the contract: locks, groups, a full disk, a bounded log.

use std::fs;
use std::sync::Arc;

use techpass_store::db::{Driver, Value};
use techpass_store::error::StoreError;
use techpass_store::sqlite::{Open, Sqlite};
use tokio::task::JoinSet;

use crate::contract::{contract_tests, one_winner_of_two};
use crate::support::{ADD, COUNT, Home, THINGS, add, any, conflict, int, run, server, take};

type Outcomes = JoinSet<Result<(), StoreError>>;

fn fresh() -> (Home, Arc<Sqlite>) {
    let home = Home::new();
    let driver = home.open_with(server());
    (home, driver)
}

contract_tests!(fresh());

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_winner_of_two_programs() {
    let home = Home::new();
    let long = |server| Open {
        server,
        busy_wait_ms: 60_000,
        ..Open::default()
    };
    one_winner_of_two([home.open_with(long(true)), home.open_with(long(false))]).await;
}

#[tokio::test]
async fn a_second_server_is_refused_while_the_first_lives() {
    let (home, first) = fresh();
    let refused = Sqlite::open(&home.path(), server()).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Locked(path) if path.ends_with("techpass.db")),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains("stop that server first"),
        "{refused}"
    );

    let command = home.open();
    run(&*command, THINGS).await;
    assert_eq!(int(&*first, COUNT).await, 0);
    drop(command);

    drop(first);
    let second = home.open_with(server());
    second.close().await.unwrap();
    home.open_with(server());
}

#[cfg(unix)]
#[test]
fn a_second_server_is_refused_by_whatever_name() {
    let (home, _first) = fresh();
    let link = home.beside(".link");
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    assert!(matches!(
        Sqlite::open(&link, server()),
        Err(StoreError::Locked(_))
    ));
    let dotted = home.path().parent().unwrap().join(".").join("techpass.db");
    assert!(matches!(
        Sqlite::open(&dotted, server()),
        Err(StoreError::Locked(_))
    ));
}

#[tokio::test]
async fn a_held_write_lock_is_busy_and_passes() {
    let home = Home::new();
    let driver = home.open_with(Open {
        server: true,
        busy_wait_ms: 20,
        ..Open::default()
    });
    run(&*driver, THINGS).await;
    let stranger = home.stranger();
    stranger
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO things (id, used) VALUES ('stranger', 0)")
        .unwrap();
    assert!(matches!(
        driver.commit(vec![add("a")]).await,
        Err(StoreError::Busy(_))
    ));
    assert!(matches!(driver.writable().await, Err(StoreError::Busy(_))));
    assert_eq!(int(&*driver, COUNT).await, 0, "reading goes on");
    stranger.execute_batch("COMMIT").unwrap();
    driver.commit(vec![add("a")]).await.unwrap();
    assert_eq!(int(&*driver, COUNT).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_ends_holds_the_server_up_in_nothing() {
    let home = Home::new();
    let driver = home.open_with(Open {
        busy_wait_ms: 20,
        ..server()
    });
    run(&*driver, THINGS).await;
    let command = home.open();
    command.commit(vec![add("command")]).await.unwrap();
    let ends = std::thread::spawn(move || drop(command));
    let mut number = 0;
    while !ends.is_finished() {
        number += 1;
        driver
            .commit(vec![add(&format!("{number}"))])
            .await
            .unwrap();
        // What was read from stays open for the next read.
        assert_eq!(int(&*driver, COUNT).await, number + 1);
    }
}

#[tokio::test]
async fn a_read_leaves_no_transaction_open_for_long() {
    let (home, driver) = fresh();
    run(&*driver, THINGS).await;
    assert_eq!(int(&*driver, COUNT).await, 0);
    let stranger = home.stranger();
    stranger
        .busy_timeout(std::time::Duration::from_secs(60))
        .unwrap();
    let busy = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    // It waits for every reader of the log, as copying tools do.
    let held = stranger.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], busy);
    assert_eq!(held.unwrap(), 0, "a reader held the log for a minute");
}

/// Pieces that wait behind a stranger's lock until it is released, so that they must be committed in groups.
async fn behind_a_lock(
    home: &Home,
    pieces: Vec<Vec<techpass_store::db::Statement>>,
) -> Vec<Result<(), StoreError>> {
    let driver = home.open_with(Open {
        busy_wait_ms: 60_000,
        ..server()
    });
    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = driver.counters();
    let count = pieces.len() as u64;
    // On one thread the commits are all in the queue before anybody is woken.
    let mut commits: Vec<_> = pieces
        .into_iter()
        .map(|piece| driver.commit(piece))
        .collect();
    std::future::poll_fn(|context| {
        for commit in &mut commits {
            assert!(commit.as_mut().poll(context).is_pending());
        }
        std::task::Poll::Ready(())
    })
    .await;
    stranger.execute_batch("COMMIT").unwrap();
    let mut outcomes = vec![];
    for commit in commits {
        outcomes.push(commit.await);
    }
    let after = driver.counters();
    assert_eq!(after.pieces - before.pieces, count);
    assert!(
        after.groups - before.groups <= 2 + count / 256,
        "{before:?} {after:?}"
    );
    outcomes
}

#[tokio::test]
async fn waiting_pieces_share_a_commit_and_fail_alone() {
    let (home, driver) = fresh();
    run(&*driver, THINGS).await;
    driver.commit(vec![add("code")]).await.unwrap();
    drop(driver);
    let pieces = (0..600).map(|number| {
        vec![
            add(&format!("{number}")),
            take(if number % 2 == 0 { "code" } else { "x" }),
        ]
    });
    let outcomes = behind_a_lock(&home, pieces.collect()).await;
    assert!(outcomes[0].is_ok(), "the first in the queue wins");
    assert!(
        outcomes[1..]
            .iter()
            .all(|outcome| conflict(outcome) == Some("used"))
    );
    assert_eq!(int(&*home.open(), COUNT).await, 2);
}

#[tokio::test]
async fn a_rule_checked_at_the_commit_fails_its_own_piece_only() {
    let (home, driver) = fresh();
    run(&*driver, THINGS).await;
    let late = "CREATE TABLE parts (id BIGINT NOT NULL, thing TEXT NOT NULL \
                REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED)";
    run(&*driver, late).await;
    driver.commit(vec![add("a")]).await.unwrap();
    let part = |id: i64| {
        let thing = if id % 10 == 3 { "nothing" } else { "a" };
        vec![any(
            "INSERT INTO parts (id, thing) VALUES ($1, $2)",
            vec![id.into(), thing.into()],
        )]
    };
    let mut tasks = Outcomes::new();
    for id in 0..100 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move { driver.commit(part(id)).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        90,
        "{outcomes:?}"
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| conflict(outcome) == Some("reference"))
            .count(),
        10
    );
    assert_eq!(int(&*driver, "SELECT COUNT(*) FROM parts").await, 90);
    drop(home);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_refuses_at_once_and_keeps_what_it_took() {
    let home = Home::new();
    let driver = home.open_with(Open {
        queue_max: 4,
        busy_wait_ms: 60_000,
        ..server()
    });
    run(&*driver, THINGS).await;
    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut tasks = Outcomes::new();
    for number in 0..1000 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move { driver.commit(vec![add(&format!("{number}"))]).await });
    }
    // One group of at most 256 stands at the lock and 4 wait; everybody else is answered while the lock is held.
    for _ in 0..740 {
        assert!(matches!(
            tasks.join_next().await,
            Some(Ok(Err(StoreError::Busy(_))))
        ));
    }
    stranger.execute_batch("COMMIT").unwrap();
    let rest = tasks.join_all().await;
    let committed = rest.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(committed >= 4);
    assert!(
        rest.iter()
            .all(|outcome| matches!(outcome, Ok(()) | Err(StoreError::Busy(_))))
    );
    assert_eq!(int(&*driver, COUNT).await, committed as i64);
}

#[tokio::test]
async fn where_nothing_can_be_written_it_says_so() {
    let home = Home::new();
    let file = home.beside(".file");
    fs::write(&file, "a file").unwrap();
    for path in [
        file.join("techpass.db"),
        home.beside(".missing/techpass.db"),
        "/".into(),
    ] {
        for server in [true, false] {
            let refused = Sqlite::open(
                &path,
                Open {
                    server,
                    ..Open::default()
                },
            )
            .unwrap_err();
            assert!(
                matches!(refused, StoreError::Unwritable { .. }),
                "{refused:?}"
            );
            assert!(
                refused.to_string().contains(path.to_str().unwrap()),
                "{refused}"
            );
        }
    }
    assert!(!home.beside(".missing").exists());
    let refused = Sqlite::open(&file, Open::default()).unwrap_err();
    assert!(matches!(refused, StoreError::Database(_)), "{refused:?}");
    assert_eq!(fs::read(&file).unwrap(), b"a file");
}

#[cfg(unix)]
#[tokio::test]
async fn its_files_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (home, driver) = fresh();
    run(&*driver, THINGS).await;
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mode = fs::metadata(home.beside(suffix))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{suffix}");
    }
}

#[tokio::test]
async fn a_full_file_refuses_keeps_its_word_and_recovers() {
    let home = Home::new();
    let driver = home.open_with(Open {
        pages_max: Some(64),
        ..server()
    });
    run(&*driver, THINGS).await;
    let large = "x".repeat(6000);
    let row = |id: i64| vec![any(ADD, vec![id.to_string().into(), large.as_str().into()])];
    let mut kept = vec![];
    let refused = loop {
        match driver.commit(row(kept.len() as i64)).await {
            Ok(()) => kept.push(kept.len()),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, StoreError::Unwritable { .. }),
        "{refused:?}"
    );
    assert!((10..64).contains(&kept.len()));
    assert_eq!(int(&*driver, COUNT).await, kept.len() as i64);

    // A small piece in the same group as a large one still counts.
    let mut tasks = Outcomes::new();
    for id in 1000..1020 {
        let (driver, piece) = (
            Arc::clone(&driver),
            if id % 2 == 0 {
                row(id)
            } else {
                vec![take(&(id % 10).to_string())]
            },
        );
        tasks.spawn(async move { driver.commit(piece).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(StoreError::Unwritable { .. })))
            .count(),
        10
    );
    assert_eq!(
        int(&*driver, "SELECT COUNT(*) FROM things WHERE used = 1").await,
        5
    );

    driver
        .commit(vec![any(
            "DELETE FROM things WHERE id IN ('1', '2', '3')",
            vec![],
        )])
        .await
        .unwrap();
    driver.commit(row(2000)).await.unwrap();
    drop(driver);
    assert_eq!(int(&*home.open(), COUNT).await, kept.len() as i64 - 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_stays_bounded_and_is_empty_at_the_end() {
    let (home, driver) = fresh();
    run(
        &*driver,
        "CREATE TABLE pages (id BIGINT PRIMARY KEY, content BLOB NOT NULL)",
    )
    .await;
    // Small reads keep coming, each of which could hold a part of the log in use.
    let mut tasks = JoinSet::new();
    for task in 0..4_u8 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move {
            for turn in 0..160_u8 {
                let sql = "INSERT INTO pages (id, content) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET content = $2";
                let id = i64::from(task) * 10 + i64::from(turn % 10);
                driver.commit(vec![any(sql, vec![id.into(), vec![turn; 200_000].into()])]).await.unwrap();
                int(&*driver, "SELECT COUNT(*) FROM pages").await;
            }
        });
    }
    tasks.join_all().await;
    let log = fs::metadata(home.beside("-wal")).unwrap().len();
    assert!(log < 64_000_000, "128 MB written, {log} bytes of log");
    driver.close().await.unwrap();
    assert!(!home.beside("-wal").exists(), "the log is copied and gone");
    assert_eq!(int(&*home.open(), "SELECT COUNT(*) FROM pages").await, 40);
}

#[tokio::test]
async fn a_server_that_is_killed_again_and_again_leaves_no_endless_log() {
    let mut home = Home::new();
    for turn in 0..6_u8 {
        let driver = home.open_with(server());
        let table =
            "CREATE TABLE IF NOT EXISTS pages (id BIGINT PRIMARY KEY, content BLOB NOT NULL)";
        run(&*driver, table).await;
        // 2 MB, in fewer statements than the log is looked at after.
        for id in 0..10_i64 {
            let sql = "INSERT INTO pages (id, content) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET content = $2";
            let content = vec![turn; 200_000];
            driver
                .commit(vec![any(sql, vec![id.into(), content.into()])])
                .await
                .unwrap();
        }
        // What a kill leaves behind.
        let next = Home::new();
        for suffix in ["", "-wal"] {
            fs::copy(home.beside(suffix), next.beside(suffix)).unwrap();
        }
        driver.close().await.unwrap();
        home = next;
    }
    let log = fs::metadata(home.beside("-wal")).unwrap().len();
    assert!(log < 9_000_000, "12 MB written, {log} bytes of log");
    assert_eq!(int(&*home.open(), "SELECT COUNT(*) FROM pages").await, 10);
}

#[tokio::test]
async fn text_in_double_quotes_is_no_string() {
    let (_home, driver) = fresh();
    run(&*driver, THINGS).await;
    let sql = "SELECT COUNT(*) FROM things WHERE id = \"nobody\"";
    assert!(
        driver.query(sql, vec![]).await.is_err(),
        "another database would refuse this"
    );
}

#[test]
fn values_are_not_printed() {
    let statement = any(
        ADD,
        vec![
            "secret".into(),
            Value::from(123_456_i64),
            Value::from(b"secret".to_vec()),
        ],
    );
    let printed = format!("{statement:?}");
    assert!(
        !printed.contains("secret") && !printed.contains("123"),
        "{printed}"
    );
}
