//! A schema that is brought up to date by a command, before servers start that may not do it themselves.

use crate::support::demo::Demo;
use crate::support::postgres::Server;
use crate::support::program;
use std::process::Output;

/// A command at a database, on a configuration that leaves the schema to `techpass migrate`.
fn at(database: &str, words: &[&str], config: &str) -> Output {
    let mut command = program::command();
    command.args(words).args(["--config", config]);
    command.env("TECHPASS__DATABASE__URL", database);
    command.env("TECHPASS__DATABASE__MIGRATE", "false");
    command.output().expect("it runs")
}

fn said(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn an_operator_migrates_before_anybody_starts() {
    let mut demo = Demo::start();
    let config = demo.config("techpass");
    demo.cut();
    let embedded = format!("sqlite:{}", demo.scratch().join("new.db").display());
    for database in [embedded, Server::shared().fresh()] {
        let early = at(&database, &["serve"], &config);
        assert_eq!(early.status.code(), Some(1), "{}", said(&early));
        assert!(
            said(&early).contains("techpass migrate"),
            "{}",
            said(&early)
        );
        let first = at(&database, &["migrate"], &config);
        assert!(first.status.success(), "{}", said(&first));
        assert!(said(&first).contains("applied"), "{}", said(&first));
        let again = at(&database, &["migrate"], &config);
        assert!(said(&again).contains("nothing to do"), "{}", said(&again));
        let used = at(&database, &["users", "list"], &config);
        assert!(used.status.success(), "{}", said(&used));
    }
}
