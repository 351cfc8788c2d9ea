//! What PostgreSQL adds to the contract: lost answers, ended backends, several processes, settings.

mod tls;

use std::sync::Arc;

use techpass_store::db::{Driver, Statement};
use techpass_store::error::StoreError;
use techpass_store::postgres::{Open, Postgres};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::contract::{self, contract_tests};
use crate::support::postgres::Server;
use crate::support::proxy::{Cut, Proxy};
use crate::support::{COUNT, THINGS, add, int, run, take};

/// Tests share a machine with whatever else runs, so nothing gives up early.
fn patient() -> Open {
    Open {
        wait_ms: 60_000,
        ..Open::default()
    }
}

async fn open(url: &str) -> Arc<Postgres> {
    Arc::new(Postgres::open(url, patient()).await.unwrap())
}

async fn fresh() -> Arc<Postgres> {
    open(&Server::shared().fresh()).await
}

contract_tests!({ ((), fresh().await) });

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_winner_of_two_processes() {
    let url = Server::shared().fresh();
    contract::one_winner_of_two([open(&url).await, open(&url).await]).await;
}

/// Pieces of two rows and a thing that can be used once, while answers to commits are lost.
async fn through_cuts(cut: Cut) {
    let server = Server::shared();
    let database = server.database();
    let proxy = Proxy::start(server.port, cut).await;
    let driver = open(&Server::url_at(proxy.port, &database)).await;
    run(&*driver, THINGS).await;
    for number in 0..60 {
        driver
            .commit(vec![add(&format!("once{number}"))])
            .await
            .unwrap();
    }
    // In twenty rounds there are at least so many commits, whatever waits together.
    proxy.cut_next(20);
    let mut outcomes = vec![];
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for number in 3 * round..3 * round + 3 {
            let driver = Arc::clone(&driver);
            tasks.spawn(async move {
                let once = take(&format!("once{number}"));
                let piece = vec![once, add(&format!("a{number}")), add(&format!("b{number}"))];
                driver.commit(piece).await
            });
        }
        outcomes.extend(tasks.join_all().await);
    }
    assert_eq!(proxy.cut(), 20, "the commits were to be cut");
    // Nothing was in anybody's way, so every piece is answered, and with the truth: a second try of what was committed
    // would have met its own first one.
    for outcome in &outcomes {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    let rows = server.psql(&database, "SELECT COUNT(*), SUM(used) FROM things");
    assert_eq!(rows, "180|60");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_whose_answer_was_lost_is_found() {
    through_cuts(Cut::After).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_did_not_arrive_is_made_again() {
    through_cuts(Cut::Before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_that_cannot_be_found_is_no_success() {
    let server = Server::shared();
    let database = server.database();
    let proxy = Proxy::start(server.port, Cut::After).await;
    let url = Server::url_at(proxy.port, &database);
    let hurried = Open {
        wait_ms: 500,
        ..Open::default()
    };
    let driver = Postgres::open(&url, hurried).await.unwrap();
    run(&driver, THINGS).await;
    // Every question about a lost answer is lost, too.
    proxy.cut_next(usize::MAX);
    let outcome = driver.commit(vec![add("a")]).await;
    assert!(
        matches!(outcome, Err(StoreError::Unknown(_))),
        "{outcome:?}"
    );
    proxy.cut_next(0);
    driver.commit(vec![add("b")]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ended_backends_cost_nobody_anything() {
    let server = Server::shared();
    let database = server.database();
    let driver = open(&Server::url_at(server.port, &database)).await;
    run(&*driver, THINGS).await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move {
            for turn in 0..40 {
                let id = format!("{task}-{turn}");
                driver.commit(vec![add(&id), take(&id)]).await.unwrap();
                let found = driver.query(COUNT, vec![]).await.unwrap();
                assert!(found[0].int(0).unwrap() > 0);
            }
        });
    }
    let ended = format!(
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = '{database}' AND application_name = 'techpass'"
    );
    let mut count = 0;
    while !tasks.is_empty() {
        let (server, sql) = (Server::shared(), ended.clone());
        let killed = tokio::task::spawn_blocking(move || server.psql("postgres", &sql));
        count += killed.await.unwrap().parse::<u32>().unwrap();
        while let Some(done) = tasks.try_join_next() {
            done.unwrap();
        }
    }
    assert!(count > 0, "nothing was ended");
    assert_eq!(int(&*driver, COUNT).await, 320);
    assert_eq!(
        int(&*driver, "SELECT COUNT(*) FROM things WHERE used = 1").await,
        320
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deadlocks_are_tried_again() {
    let driver = fresh().await;
    run(&*driver, THINGS).await;
    driver.commit(vec![add("x"), add("y")]).await.unwrap();
    let touch = |id: &str| {
        Statement::one(
            "there",
            "UPDATE things SET note = 'n' WHERE id = $1",
            vec![id.into()],
        )
    };
    let mut tasks = JoinSet::new();
    for number in 0..6 {
        let driver = Arc::clone(&driver);
        let mut piece = vec![touch("x"), touch("y")];
        if number % 2 == 1 {
            piece.reverse();
        }
        tasks.spawn(async move { driver.commit(piece).await });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
}

/// What waits while others are committed is committed together.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_commit_serves_many() {
    let driver = fresh().await;
    run(&*driver, THINGS).await;
    let before = driver.counters();
    let pieces: Vec<_> = (0..300).map(|n| vec![add(&format!("a{n}"))]).collect();
    let all = pieces.into_iter().map(|piece| driver.commit(piece));
    for outcome in futures_util::future::join_all(all).await {
        outcome.unwrap();
    }
    let after = driver.counters();
    assert_eq!(after.pieces - before.pieces, 300);
    let groups = after.groups - before.groups;
    assert!(groups < 100, "{groups} commits for 300 pieces");
    assert_eq!(int(&*driver, COUNT).await, 300);
}

/// Whoever has to wait for a row waits alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_held_row_holds_up_nobody_else() {
    let url = Server::shared().fresh();
    let driver = open(&url).await;
    run(&*driver, THINGS).await;
    driver.commit(vec![add("a")]).await.unwrap();
    let (holder, link) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let link = tokio::spawn(link);
    holder
        .batch_execute("BEGIN; UPDATE things SET note = 'held'")
        .await
        .unwrap();
    let held = (0..8).map(|_| driver.commit(vec![take("a")]));
    let held = futures_util::future::join_all(held);
    let others: Vec<_> = (0..40).map(|n| vec![add(&format!("b{n}"))]).collect();
    let others = others.into_iter().map(|piece| driver.commit(piece));
    let passed = async {
        for outcome in futures_util::future::join_all(others).await {
            outcome.unwrap();
        }
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (held, ()) = tokio::join!(held, passed);
    assert_eq!(held.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(int(&*driver, COUNT).await, 41);
    drop(holder);
    link.await.unwrap().unwrap();
}

/// A standby that never comes: commits are made here and wait for it. Whoever cancels the wait gets a success with a
/// warning, which is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_wait_for_the_standby_is_no_success() {
    let server = Server::start(&[]);
    let database = server.database();
    let hurried = Open {
        wait_ms: 2_000,
        ..Open::default()
    };
    let url = Server::url_at(server.port, &database);
    run(&*open(&url).await, THINGS).await;
    let driver = Arc::new(Postgres::open(&url, hurried).await.unwrap());
    server.psql(
        "postgres",
        "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
    );
    server.psql("postgres", "SELECT pg_reload_conf()");
    server.psql(
        "postgres",
        "SET synchronous_commit = local; CREATE TABLE reloaded (x BIGINT)",
    );
    let committing = Arc::clone(&driver);
    let committing = tokio::spawn(async move { committing.commit(vec![add("a")]).await });
    let waiting =
        "SELECT COUNT(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    while server.psql("postgres", waiting) == "0" {
        tokio::task::yield_now().await;
    }
    let outcome = committing.await.unwrap();
    assert!(
        matches!(outcome, Err(StoreError::Unknown(_))),
        "{outcome:?}"
    );
    server.psql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    server.psql("postgres", "SELECT pg_reload_conf()");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn unsafe_settings_are_refused_by_name() {
    let alone = Server::start(&["-c", "synchronous_commit=off"]);
    let refused = Postgres::open(&alone.fresh(), Open::default()).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("synchronous_commit is off"), "{text}");

    let cluster = Open {
        cluster: true,
        ..Open::default()
    };
    let refused = Postgres::open(&Server::shared().fresh(), cluster).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("synchronous_standby_names"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_missing_server_is_said_and_not_waited_for() {
    let open = Open {
        wait_ms: 500,
        ..Open::default()
    };
    let refused = Postgres::open("postgres://techpass@127.0.0.1:1/nothing", open).await;
    assert!(
        matches!(refused, Err(StoreError::Unreachable { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_few_connections_are_a_bounded_wait() {
    let server = Server::shared();
    let database = server.database();
    let url = Server::url_at(server.port, &database);
    let narrow = Open {
        wait_ms: 2_000,
        connections_max: 1,
        ..Open::default()
    };
    let patient = open(&url).await;
    run(&*patient, THINGS).await;
    patient.commit(vec![add("a")]).await.unwrap();
    let driver = Postgres::open(&url, narrow).await.unwrap();
    // Somebody else holds the row until both are refused.
    let (holder, link) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let link = tokio::spawn(link);
    let hold = "BEGIN; UPDATE things SET used = 0";
    holder.batch_execute(hold).await.unwrap();
    let (first, second) = tokio::join!(
        driver.commit(vec![take("a")]),
        driver.commit(vec![add("b")])
    );
    assert!(matches!(first, Err(StoreError::Busy(_))), "{first:?}");
    assert!(
        matches!(second, Err(StoreError::Busy(_)) | Ok(())),
        "{second:?}"
    );
    holder.batch_execute("COMMIT").await.unwrap();
    driver.commit(vec![take("a")]).await.unwrap();
    drop(holder);
    link.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_tells_all_hear() {
    let url = Server::shared().fresh();
    let (one, other) = (open(&url).await, open(&url).await);
    let mut hearing = other.hear().await.unwrap().unwrap();
    one.tell("login lgn_1".to_owned()).await.unwrap();
    assert_eq!(hearing.next().await.as_deref(), Some("login lgn_1"));
}

/// A proxy that finds no primary takes connections and ends them. At first that is worth trying again; once callers have
/// waited in vain, each is told after one try, and the first try that finds a server serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_known_to_be_away_is_asked_once() {
    let server = Server::shared();
    let database = server.database();
    let proxy = Proxy::start(server.port, Cut::After).await;
    let hurried = Open {
        wait_ms: 3_000,
        connections_max: 1,
        ..Open::default()
    };
    run(
        &*open(&Server::url_at(server.port, &database)).await,
        THINGS,
    )
    .await;
    let url = Server::url_at(proxy.port, &database);
    let driver = Postgres::open(&url, hurried).await.unwrap();
    proxy.lead_nowhere(true);
    let ended = format!(
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'"
    );
    server.psql("postgres", &ended);
    let mut asked = vec![];
    while !asked.ends_with(&[1, 1]) {
        let before = proxy.refused();
        let outcome = driver.query(COUNT, vec![]).await;
        assert!(
            matches!(outcome, Err(StoreError::Unreachable { .. })),
            "{outcome:?}"
        );
        asked.push(proxy.refused() - before);
        assert!(asked.len() < 2_000, "it is never known to be away");
    }
    assert!(asked[0] > 1, "the first caller is worth a second try");
    let before = proxy.refused();
    let outcome = driver.commit(vec![add("a")]).await;
    assert!(
        matches!(outcome, Err(StoreError::Unreachable { .. })),
        "{outcome:?}"
    );
    assert_eq!(proxy.refused() - before, 1);
    proxy.lead_nowhere(false);
    driver.commit(vec![add("a")]).await.unwrap();
    assert_eq!(int(&driver, COUNT).await, 1);
}

/// Behind a proxy that swaps servers, a connection may come to lead to a demoted primary, which answers 25006.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_to_a_demoted_primary_is_thrown_away() {
    let server = Server::shared();
    let database = server.database();
    let driver = open(&Server::url_at(server.port, &database)).await;
    run(&*driver, THINGS).await;
    driver.commit(vec![add("a")]).await.unwrap();
    let demoted = format!(
        "CREATE TABLE demoted AS SELECT pid FROM pg_stat_activity WHERE datname = '{database}'; \
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF EXISTS (SELECT FROM demoted WHERE pid = pg_backend_pid()) THEN \
         RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION refuse()"
    );
    server.psql(&database, &demoted);
    driver.commit(vec![add("b")]).await.unwrap();
    assert_eq!(int(&*driver, COUNT).await, 2);
}

/// Every SQL text of the crate's nouns, as it stands in the source: with its lines joined.
fn statements_of_the_source() -> Vec<String> {
    let mut found = vec![];
    for entry in std::fs::read_dir("src").unwrap() {
        let path = entry.unwrap().path();
        let other = ["postgres.rs", "migrate.rs", "transfer.rs"]
            .iter()
            .any(|name| path.ends_with(name));
        if other || path.extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        // Every other piece between quotation marks is a text; none of the statements has one inside.
        for text in source.replace("\\\"", "'").split('"').skip(1).step_by(2) {
            let joined: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            let mut sql = joined.join("");
            let verb = sql.split(' ').next().unwrap_or_default();
            if matches!(verb, "SELECT" | "INSERT" | "UPDATE" | "DELETE") && sql.len() > 20 {
                // What follows is put together from several texts.
                if sql.ends_with("subject IN ") {
                    sql.push_str("($1) GROUP BY subject");
                } else if sql.ends_with(" IN ") {
                    sql.push_str("($1)");
                }
                found.push(sql);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_statement_is_understood_and_its_parameters_have_types() {
    let server = Server::shared();
    let database = server.database();
    let url = Server::url_at(server.port, &database);
    techpass_store::Store::open(&url, techpass_store::Open::default())
        .await
        .unwrap();
    let statements = statements_of_the_source();
    assert!(
        statements.len() > 70,
        "only {} were found",
        statements.len()
    );
    for sql in &statements {
        server.psql(&database, &format!("PREPARE s AS {sql}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn names_of_commits_are_kept_for_an_hour() {
    let server = Server::shared();
    let database = server.database();
    let driver = open(&Server::url_at(server.port, &database)).await;
    run(&*driver, THINGS).await;
    let old = "INSERT INTO commits (id, void, looked) SELECT '0000000000001-' || n, 0, 0 FROM generate_series(1, 12000) n";
    server.psql(&database, old);
    driver.tidy().await.unwrap();
    let left = "SELECT COUNT(*) FROM commits WHERE id LIKE '0000000000001-%'";
    assert_eq!(server.psql(&database, left), "0");
    let young = server.psql(&database, "SELECT COUNT(*) FROM commits");
    assert!(young.parse::<u32>().unwrap() > 0, "those of now stay");
}
