//! What every driver promises. Each property takes a fresh, empty database; a driver runs them all with one line of
//! [`contract_tests`], and two drivers at one database run [`one_winner_of_two`].

use std::sync::Arc;

use techpass_store::db::{Driver, Value};
use techpass_store::error::StoreError;
use techpass_store::migrate::{Migration, migrate};
use tokio::task::JoinSet;

use crate::support::{ADD, COUNT, THINGS, add, any, conflict, int, run, take};

/// A test for each property, for the driver that the expression opens.
macro_rules! contract_tests {
    ($open:expr) => {
        $crate::contract::contract_tests! { $open =>
            a_piece_is_all_or_nothing, exactly_one_row_or_a_conflict, rules_of_the_schema_are_conflicts,
            a_commit_is_seen_by_the_next_query, one_winner_of_a_thousand, half_of_a_thousand_fail,
            callers_who_leave_leave_no_halves, values_come_back_as_they_went, a_nul_character_is_refused, parameters_are_bound_by_number,
            queries_do_not_write, it_says_that_it_is_writable, closing_answers_what_was_taken,
            migrations_are_applied_once, a_newer_schema_is_refused, a_failed_migration_leaves_nothing,
            two_migrate_at_once,
        }
    };
    ($open:expr => $($property:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $property() {
                let (_home, driver) = $open;
                $crate::contract::$property(driver).await;
            }
        )*
    };
}
pub(crate) use contract_tests;

type Shared = Arc<dyn Driver>;

pub async fn a_piece_is_all_or_nothing(driver: Shared) {
    run(&*driver, THINGS).await;
    driver.commit(vec![add("a"), add("b")]).await.unwrap();
    assert_eq!(int(&*driver, COUNT).await, 2);

    let lost = driver
        .commit(vec![add("c"), take("a"), add("d"), take("nothing")])
        .await;
    assert_eq!(conflict(&lost), Some("used"));
    let wrong = driver
        .commit(vec![
            add("e"),
            any("INSERT INTO nowhere (x) VALUES ($1)", vec![1.into()]),
        ])
        .await;
    assert!(matches!(wrong, Err(StoreError::Database(_))), "{wrong:?}");
    assert_eq!(int(&*driver, COUNT).await, 2);
    assert_eq!(
        int(&*driver, "SELECT COUNT(*) FROM things WHERE used = 1").await,
        0
    );
    driver.commit(vec![]).await.unwrap();
}

pub async fn exactly_one_row_or_a_conflict(driver: Shared) {
    run(&*driver, THINGS).await;
    driver.commit(vec![add("a"), add("b")]).await.unwrap();
    driver.commit(vec![take("a")]).await.unwrap();
    assert_eq!(
        conflict(&driver.commit(vec![take("a")]).await),
        Some("used")
    );

    let both = techpass_store::db::Statement::one("both", "UPDATE things SET note = 'x'", vec![]);
    assert_eq!(conflict(&driver.commit(vec![both]).await), Some("both"));
    assert_eq!(
        int(
            &*driver,
            "SELECT COUNT(*) FROM things WHERE note IS NOT NULL"
        )
        .await,
        0
    );

    let idle = "INSERT INTO things (id, used) VALUES ($1, 0) ON CONFLICT DO NOTHING";
    let idle = techpass_store::db::Statement::one("there", idle, vec!["a".into()]);
    assert_eq!(conflict(&driver.commit(vec![idle]).await), Some("there"));
    driver
        .commit(vec![any("DELETE FROM things WHERE id = 'nobody'", vec![])])
        .await
        .unwrap();
}

pub async fn rules_of_the_schema_are_conflicts(driver: Shared) {
    run(&*driver, THINGS).await;
    run(
        &*driver,
        "CREATE TABLE parts (id TEXT NOT NULL UNIQUE, thing TEXT NOT NULL REFERENCES things (id))",
    )
    .await;
    driver.commit(vec![add("a")]).await.unwrap();
    assert_eq!(
        conflict(&driver.commit(vec![add("a")]).await),
        Some("unique")
    );

    let part = |id: &str, thing: Option<&str>| {
        any(
            "INSERT INTO parts (id, thing) VALUES ($1, $2)",
            vec![id.into(), thing.into()],
        )
    };
    driver.commit(vec![part("p", Some("a"))]).await.unwrap();
    assert_eq!(
        conflict(&driver.commit(vec![part("p", Some("a"))]).await),
        Some("unique")
    );
    assert_eq!(
        conflict(&driver.commit(vec![part("q", Some("b"))]).await),
        Some("reference")
    );
    assert_eq!(
        conflict(&driver.commit(vec![any("DELETE FROM things", vec![])]).await),
        Some("reference")
    );

    let named = techpass_store::db::Statement::one("login-id", ADD, vec!["a".into(), Value::Null]);
    assert_eq!(
        conflict(&driver.commit(vec![named]).await),
        Some("login-id")
    );
    let missing = driver.commit(vec![part("r", None)]).await;
    assert!(
        matches!(missing, Err(StoreError::Database(_))),
        "a missing value is no lost race: {missing:?}"
    );
}

pub async fn a_commit_is_seen_by_the_next_query(driver: Shared) {
    run(&*driver, THINGS).await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move {
            for turn in 0..60 {
                let id = format!("{task}-{turn}");
                driver.commit(vec![add(&id)]).await.unwrap();
                let found = driver
                    .query(
                        "SELECT id FROM things WHERE id = $1",
                        vec![id.as_str().into()],
                    )
                    .await;
                assert_eq!(found.unwrap()[0].text(0).unwrap(), id);
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(int(&*driver, COUNT).await, 480);
}

pub async fn one_winner_of_a_thousand(driver: Shared) {
    one_winner_of_two([Arc::clone(&driver), driver]).await;
}

/// A thing that can be used once, and a thousand that want it, half of them through each driver.
pub async fn one_winner_of_two(drivers: [Shared; 2]) {
    run(&*drivers[0], THINGS).await;
    drivers[0].commit(vec![add("code")]).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..1000 {
        let driver = Arc::clone(&drivers[number % 2]);
        tasks.spawn(async move {
            driver
                .commit(vec![add(&format!("token-{number}")), take("code")])
                .await
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| conflict(outcome) == Some("used"))
            .count(),
        999
    );
    assert_eq!(
        int(&*drivers[0], COUNT).await,
        2,
        "the code and the winner's token"
    );
}

pub async fn half_of_a_thousand_fail(driver: Shared) {
    run(&*driver, THINGS).await;
    let mut tasks = JoinSet::new();
    for number in 0..1000 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move {
            let mut piece = vec![add(&format!("a{number}")), add(&format!("b{number}"))];
            let fails = number % 2 == 1;
            match number % 6 {
                1 => piece.push(take("nothing")),
                3 => piece.push(add(&format!("a{number}"))),
                5 => piece.push(any("INSERT INTO nowhere (x) VALUES (1)", vec![])),
                _ => {}
            }
            assert_eq!(driver.commit(piece).await.is_err(), fails);
        });
    }
    tasks.join_all().await;
    assert_eq!(int(&*driver, COUNT).await, 1000);
    for number in 0..1000 {
        let id = format!("b{number}");
        let found = driver
            .query("SELECT id FROM things WHERE id = $1", vec![id.into()])
            .await
            .unwrap();
        assert_eq!(found.len(), usize::from(number % 2 == 0), "{number}");
    }
}

pub async fn callers_who_leave_leave_no_halves(driver: Shared) {
    run(&*driver, THINGS).await;
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move {
            driver
                .commit(vec![add(&format!("a{number}")), add(&format!("b{number}"))])
                .await
        });
    }
    tasks.abort_all();
    while tasks.join_next().await.is_some() {}
    driver.commit(vec![]).await.unwrap();
    let halves = "SELECT COUNT(*) FROM things a WHERE a.id LIKE 'a%' AND NOT EXISTS \
                  (SELECT 1 FROM things b WHERE b.id = 'b' || SUBSTR(a.id, 2))";
    assert_eq!(int(&*driver, halves).await, 0);
    assert_eq!(int(&*driver, COUNT).await % 2, 0);
}

pub async fn values_come_back_as_they_went(driver: Shared) {
    run(
        &*driver,
        "CREATE TABLE kinds (place BIGINT NOT NULL, i BIGINT, t TEXT, b BYTEA)",
    )
    .await;
    let rows = [
        (Value::from(i64::MIN), Value::from(""), Value::from(vec![])),
        (
            Value::from(i64::MAX),
            Value::from("Zoë 陈 🙂 'quoted' $1"),
            Value::from(vec![0, 255, 1]),
        ),
        (
            Value::from(true),
            Value::from("12"),
            Value::from(vec![b'1']),
        ),
        (
            Value::Null,
            Value::from(None::<String>),
            Value::from(None::<Vec<u8>>),
        ),
    ];
    for (place, (i, t, b)) in (0_i64..).zip(rows.clone()) {
        let sql = "INSERT INTO kinds (place, i, t, b) VALUES ($1, $2, $3, $4)";
        driver
            .commit(vec![any(sql, vec![place.into(), i, t, b])])
            .await
            .unwrap();
    }
    let found = driver
        .query("SELECT i, t, b FROM kinds ORDER BY place", vec![])
        .await
        .unwrap();
    let expected: Vec<_> = rows
        .into_iter()
        .map(|(i, t, b)| techpass_store::db::Row::new(vec![i, t, b]))
        .collect();
    assert_eq!(found, expected);
    assert!(found[2].flag(0).unwrap());
    assert!(found[0].flag(0).is_err());
    assert_eq!(found[3].opt_int(0).unwrap(), None);
    assert_eq!(found[3].opt_text(1).unwrap(), None);
    assert_eq!(found[3].opt_bytes(2).unwrap(), None);
    assert!(found[3].int(0).is_err());
    assert!(found[0].int(1).is_err());
    assert!(found[0].text(9).is_err());
}

pub async fn a_nul_character_is_refused(driver: Shared) {
    run(&*driver, THINGS).await;
    let refused = driver.commit(vec![add("a"), add("b\0c")]).await;
    assert!(matches!(refused, Err(StoreError::Nul)), "{refused:?}");
    let sql = "SELECT id FROM things WHERE id = $1";
    let refused = driver.query(sql, vec!["\0".into()]).await;
    assert!(matches!(refused, Err(StoreError::Nul)), "{refused:?}");
    assert_eq!(int(&*driver, COUNT).await, 0);
}

pub async fn parameters_are_bound_by_number(driver: Shared) {
    let mixed = "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT)";
    let row = &driver
        .query(mixed, vec!["first".into(), "second".into()])
        .await
        .unwrap()[0];
    assert_eq!(
        [row.text(0), row.text(1), row.text(2)].map(Result::unwrap),
        ["second", "first", "second"]
    );
    for params in [
        vec![],
        vec!["one".into()],
        vec!["one".into(), "two".into(), "three".into()],
    ] {
        let refused = driver.query(mixed, params).await;
        assert!(
            matches!(refused, Err(StoreError::Database(_))),
            "{refused:?}"
        );
    }
}

pub async fn queries_do_not_write(driver: Shared) {
    run(&*driver, THINGS).await;
    let sql = "INSERT INTO things (id, used) VALUES ('a', 0) RETURNING id";
    assert!(driver.query(sql, vec![]).await.is_err());
    assert_eq!(int(&*driver, COUNT).await, 0);
}

pub async fn it_says_that_it_is_writable(driver: Shared) {
    driver.writable().await.unwrap();
    run(&*driver, THINGS).await;
    driver.writable().await.unwrap();
    driver.close().await.unwrap();
    assert!(matches!(driver.writable().await, Err(StoreError::Closed)));
}

pub async fn closing_answers_what_was_taken(driver: Shared) {
    run(&*driver, THINGS).await;
    let mut tasks = JoinSet::new();
    for number in 0..300 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move {
            if number == 150 {
                driver.close().await.unwrap();
            }
            driver.commit(vec![add(&number.to_string())]).await
        });
    }
    let outcomes = tasks.join_all().await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(()) | Err(StoreError::Closed)))
    );
    assert!(matches!(
        outcomes.last(),
        Some(Ok(()) | Err(StoreError::Closed))
    ));
    driver.close().await.unwrap();
    assert!(matches!(
        driver.commit(vec![add("late")]).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        driver.query(COUNT, vec![]).await,
        Err(StoreError::Closed)
    ));
}

const FIRST: Migration = Migration {
    version: 1,
    name: "things",
    sql: "-- Things; and parts.\nCREATE TABLE things (id TEXT PRIMARY KEY, used BIGINT NOT NULL, note TEXT);\n\
          CREATE TABLE parts (id TEXT PRIMARY KEY);\nINSERT INTO parts (id) VALUES ('a;b');\n",
};
const SECOND: Migration = Migration {
    version: 2,
    name: "colours",
    sql: "ALTER TABLE parts ADD COLUMN colour TEXT;",
};
const BROKEN: Migration = Migration {
    version: 3,
    name: "broken",
    sql: "CREATE TABLE half (id TEXT); INSERT INTO nowhere VALUES (1);",
};
const SCHEMA: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_migrations";

pub async fn migrations_are_applied_once(driver: Shared) {
    assert_eq!(migrate(&*driver, &[]).await.unwrap(), 0);
    assert_eq!(int(&*driver, SCHEMA).await, 0);
    assert_eq!(migrate(&*driver, &[FIRST]).await.unwrap(), 1);
    driver.commit(vec![add("kept")]).await.unwrap();
    assert_eq!(migrate(&*driver, &[FIRST, SECOND]).await.unwrap(), 1);
    assert_eq!(migrate(&*driver, &[FIRST, SECOND]).await.unwrap(), 0);
    assert_eq!(int(&*driver, SCHEMA).await, 2);
    assert_eq!(int(&*driver, COUNT).await, 1);
    assert_eq!(
        int(
            &*driver,
            "SELECT COUNT(*) FROM parts WHERE id = 'a;b' AND colour IS NULL"
        )
        .await,
        1
    );
    assert!(matches!(
        migrate(&*driver, &[SECOND, FIRST]).await,
        Err(StoreError::Database(_))
    ));
}

pub async fn a_newer_schema_is_refused(driver: Shared) {
    migrate(&*driver, &[FIRST, SECOND]).await.unwrap();
    let refused = migrate(&*driver, &[FIRST]).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Newer {
                schema: 2,
                known: 1
            })
        ),
        "{refused:?}"
    );
}

pub async fn a_failed_migration_leaves_nothing(driver: Shared) {
    let failed = migrate(&*driver, &[FIRST, SECOND, BROKEN]).await;
    assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
    assert_eq!(int(&*driver, SCHEMA).await, 2);
    assert!(driver.query("SELECT id FROM half", vec![]).await.is_err());
    let repaired = Migration {
        sql: "CREATE TABLE half (id TEXT)",
        ..BROKEN
    };
    assert_eq!(
        migrate(&*driver, &[FIRST, SECOND, repaired]).await.unwrap(),
        1
    );
}

pub async fn two_migrate_at_once(driver: Shared) {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let driver = Arc::clone(&driver);
        tasks.spawn(async move { migrate(&*driver, &[FIRST, SECOND]).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<usize>(), 2);
    assert_eq!(
        int(&*driver, "SELECT COUNT(*) FROM schema_migrations").await,
        2
    );
}
