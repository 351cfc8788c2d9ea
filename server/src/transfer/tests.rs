//! An instance moves between kinds of database, whole or not at all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]
use super::*;
use crate::admin::{NewAccount, add_account};
use crate::app::App;
use crate::clock::Clock;
use postgres::Server;

#[path = "../../../store/tests/support/postgres.rs"]
mod postgres;

/// A configuration with this database, and files of its own in a folder.
fn config(folder: &Path, database: &str) -> Config {
    let key = folder.join("master.key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    let text = format!(
        "public_url = \"http://localhost:8081\"\nlisten = \"127.0.0.1:8081\"\n[database]\nurl = \"{database}\"\n\
         [secrets]\nmaster_key_file = \"{}\"\nepoch_file = \"{}\"\n[brand]\nname = \"TechPass\"\n",
        key.display(),
        folder.join("epoch").display(),
    );
    Config::parse(&text, "techpass.toml", std::iter::empty()).unwrap()
}

fn embedded(folder: &Path, name: &str) -> Config {
    config(folder, &format!("sqlite:{}", folder.join(name).display()))
}

/// An instance of a few accounts, exported.
async fn exported(folder: &Path) -> (std::path::PathBuf, Sum) {
    let from = embedded(folder, "from.db");
    let app = App::start(from.clone(), Clock::system(), true)
        .await
        .unwrap();
    for n in 0..3 {
        let new = NewAccount {
            login_id: format!("person{n}@techpass.example"),
            name: format!("Person {n}"),
            ..NewAccount::default()
        };
        add_account(&app, new).await.unwrap();
    }
    app.store.close().await.unwrap();
    drop(app);
    let file = folder.join("whole.data");
    let sum = export(&from, &file).await.unwrap();
    (file, sum)
}

/// The same file with a last row that the database refuses, after everything else was taken. Its last line promises it.
fn spoilt(file: &Path) -> std::path::PathBuf {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.pop();
    // The first row once more: its key is there already.
    let twice = lines.get(1).unwrap().clone();
    lines.push(twice);
    let mut sum = Sum::default();
    for line in lines.iter().skip(1) {
        let (table, row) = parsed(line).unwrap();
        sum.count(table.name, &super::line(table, &row));
    }
    lines.push(sum.line());
    let spoilt = file.with_extension("spoilt");
    std::fs::write(&spoilt, lines.join("\n") + "\n").unwrap();
    spoilt
}

/// An import that fails in its middle leaves nothing that anybody is served from; another one begins anew.
async fn whole_or_not_at_all(folder: &Path, to: Config) {
    let (file, sum) = exported(folder).await;
    let failed = import(&to, &spoilt(&file)).await;
    assert!(failed.is_err(), "a row was taken twice");
    for server in [true, false] {
        let Err(error) = App::start(to.clone(), Clock::system(), server).await else {
            panic!("half an instance is served");
        };
        assert!(error.to_string().contains("techpass import"), "{error}");
    }
    assert!(export(&to, &folder.join("half.data")).await.is_err());
    assert_eq!(import(&to, &file).await.unwrap(), sum);
    let refused = import(&to, &file).await.unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    // And back, which is a move between two kinds of database where they are two.
    let again = folder.join("again.data");
    assert_eq!(export(&to, &again).await.unwrap(), sum);
    let back = embedded(folder, "back.db");
    assert_eq!(import(&back, &again).await.unwrap(), sum);
    let app = App::start(back, Clock::system(), true).await.unwrap();
    let found = app
        .store
        .account_by_login_id("person2@techpass.example")
        .await;
    assert_eq!(found.unwrap().unwrap().name, "Person 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_into_the_embedded_database_is_whole_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = embedded(folder.path(), "to.db");
    whole_or_not_at_all(folder.path(), to).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_into_postgresql_is_whole_or_refused_and_leads_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&[]);
    let to = config(folder.path(), &server.fresh());
    whole_or_not_at_all(folder.path(), to).await;
}
