//! The table of the provider's rules: every function and test it names is there, and `docs/rules.md` shows it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use techpass_domain::oidc::rules::{RULES, Rule};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// File from the root of the repository, and the function in it.
fn place(reference: &str, folder: &str) -> (String, String) {
    let (file, function) = reference.split_once('#').expect("a file and a function");
    let file = match file.strip_prefix('/') {
        Some(file) => file.to_owned(),
        None => format!("{folder}/{file}"),
    };
    (file, function.to_owned())
}

fn source(rule: &Rule) -> (String, String) {
    place(rule.by, "domain/src/oidc")
}

fn test(rule: &Rule) -> (String, String) {
    place(rule.test, "domain/src/oidc/tests")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_rule_has_a_function_and_a_test_of_that_name() {
    let mut ids = BTreeSet::new();
    for rule in RULES {
        assert!(ids.insert(rule.id), "{} is there twice", rule.id);
        assert!(
            rule.section.contains('§') || rule.section.contains("App."),
            "{}",
            rule.id
        );
        let (file, function) = source(rule);
        let text = read(&file);
        let found = ["(", "<"]
            .iter()
            .any(|next| text.contains(&format!("fn {function}{next}")));
        assert!(found, "{}: {file} has no function {function}", rule.id);
        let (file, function) = test(rule);
        let text = read(&file);
        let parts = text.split_once(&format!("fn {function}()"));
        let (before, _) =
            parts.unwrap_or_else(|| panic!("{}: {file} has no test {function}", rule.id));
        let before = before.rsplit("\n\n").next().unwrap_or_default();
        assert!(
            before.contains("#[test]") || before.contains("#[tokio::test"),
            "{}: {function} is no test",
            rule.id
        );
    }
}

fn document() -> String {
    let mut text = String::from(
        "# The rules of the provider\n\nDrawn from `domain/src/oidc/rules.rs`; `UPDATE_DOCS=1 cargo test -p \
         techpass-domain --test main rules` draws it again. Every rule names the section it comes from, the function that \
         decides and the test that holds it.\n",
    );
    let mut endpoint = "";
    for rule in RULES {
        if rule.endpoint != endpoint {
            endpoint = rule.endpoint;
            text.push_str(&format!(
                "\n## {endpoint}\n\n| rule | section | what holds | decided by | test |\n|---|---|---|---|---|\n"
            ));
        }
        let link = |(file, function): (String, String)| format!("[{function}](../{file})");
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            rule.id,
            rule.section,
            rule.what,
            link(source(rule)),
            link(test(rule)),
        ));
    }
    text
}

#[test]
fn the_document_of_rules_shows_the_table() {
    let path = root().join("docs/rules.md");
    let fresh = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, fresh).expect("docs/rules.md");
        return;
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        present == fresh,
        "docs/rules.md is stale; run UPDATE_DOCS=1 cargo test -p techpass-domain --test main rules"
    );
}
