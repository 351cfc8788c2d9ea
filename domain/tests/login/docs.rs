//! The generated parts of `docs/login.md`.

use crate::login::checks::Check;
use crate::login::faults::TRIED;
use crate::login::rules::WALKED;
use std::path::PathBuf;

fn invariants() -> String {
    let all = Check::ALL
        .iter()
        .map(|check| format!("| {check:?} | {} |\n", check.rule()));
    format!(
        "| name | what holds |\n|---|---|\n{}",
        all.collect::<String>()
    )
}

fn faults() -> String {
    let all = TRIED.iter().map(|tried| {
        let (check, way) = match &tried.noticed {
            Some((check, way)) if way.is_empty() => (format!("{check:?}"), "at once"),
            Some((check, way)) => (format!("{check:?}"), way.as_str()),
            None => ("nobody".to_owned(), ""),
        };
        format!("| {} | {check} | {way} |\n", tried.what)
    });
    format!(
        "| fault | noticed by | after |\n|---|---|---|\n{}",
        all.collect::<String>()
    )
}

fn counts() -> String {
    let seen = &WALKED.seen;
    format!(
        "{} worlds, {} states, {} transitions taken and {} events refused as they should be.\n",
        seen.worlds, seen.states, seen.transitions, seen.refusals
    )
}

/// The text with the part between the markers of `name` replaced.
fn with_part(text: &str, name: &str, part: &str) -> String {
    let begin = format!("<!-- generated: {name} -->\n");
    let end = "<!-- end -->";
    let (head, rest) = text.split_once(&begin).expect("a marker is missing");
    let (_, tail) = rest.split_once(end).expect("an end marker is missing");
    format!("{head}{begin}\n{part}\n{end}{tail}")
}

#[test]
fn the_document_shows_what_the_code_does() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/login.md");
    let present = std::fs::read_to_string(&path).expect("docs/login.md");
    let picture = &WALKED.seen.picture;
    let parts = [
        ("diagram", format!("```mermaid\n{}```\n", picture.mermaid())),
        ("events by page", picture.events_by_page()),
        ("effects by event", picture.effects_by_event()),
        ("invariants", invariants()),
        ("counts", counts()),
        ("faults", faults()),
    ];
    let fresh = parts.iter().fold(present.clone(), |text, (name, part)| {
        with_part(&text, name, part)
    });
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, fresh).expect("docs/login.md");
        return;
    }
    assert!(
        present == fresh,
        "docs/login.md is stale; run UPDATE_DOCS=1 cargo test -p techpass-domain --test main"
    );
}
