//! House rules: small functions and files, few parameters, a pure domain, dependencies that may be there, documents that
//! name what exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 500;
const PARAMETERS_MAX: usize = 5;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') && name != "node_modules" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 50, "the sources are somewhere else");
    found
}

/// Functions of rustfmt-formatted text: name, lines, parameters. A function ends at the closing brace that stands as far
/// in as its `fn`.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        let words: Vec<&str> = bare
            .split_whitespace()
            .take_while(|word| !word.contains('(') || word.starts_with("pub("))
            .collect();
        let is_fn = bare.starts_with("fn ")
            || (words.contains(&"fn") && bare.starts_with("pub"))
            || bare.starts_with("async fn ")
            || bare.starts_with("const fn ");
        if !is_fn {
            continue;
        }
        let name = bare
            .split("fn ")
            .nth(1)
            .unwrap_or("")
            .split(['(', '<'])
            .next()
            .unwrap_or("")
            .to_owned();
        let closing = format!("{}}}", " ".repeat(indent));
        let one_line = line.trim_end().ends_with('}') || line.trim_end().ends_with(';');
        let end = if one_line {
            at
        } else {
            (at..lines.len())
                .find(|n| lines[*n] == closing)
                .unwrap_or(at)
        };
        let signature: String = lines[at..=end.min(at + 12)].join(" ");
        found.push((name, end - at + 1, parameters(&signature)));
    }
    found
}

/// Parameters in a signature, `self` not counted.
fn parameters(signature: &str) -> usize {
    let Some(open) = signature
        .find("fn ")
        .and_then(|f| signature[f..].find('(').map(|o| f + o))
    else {
        return 0;
    };
    let (mut depth, mut angle, mut count, mut seen) = (0, 0, 0, String::new());
    for letter in signature[open..].chars() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            '<' => angle += 1,
            '>' if angle > 0 => angle -= 1,
            ',' if depth == 1 && angle == 0 => {
                count += usize::from(!seen.trim().is_empty() && !seen.contains("self"));
                seen.clear();
                continue;
            }
            _ => {}
        }
        if depth >= 1 && !(depth == 1 && letter == '(') {
            seen.push(letter);
        }
    }
    count + usize::from(!seen.trim().is_empty() && !seen.contains("self"))
}

#[test]
fn functions_and_files_are_small() {
    let mut wrong = Vec::new();
    let mut longest: Vec<(usize, String)> = Vec::new();
    for (path, text) in sources() {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{shown}: {lines} lines"));
        }
        for (name, lines, parameters) in functions(&text) {
            if lines > FUNCTION_LINES_MAX {
                wrong.push(format!("{shown}: {name} has {lines} lines"));
            }
            if parameters > PARAMETERS_MAX {
                wrong.push(format!("{shown}: {name} has {parameters} parameters"));
            }
            longest.push((lines, format!("{shown}: {name}")));
        }
    }
    longest.sort();
    for (lines, name) in longest.iter().rev().take(5) {
        println!("{lines:4} {name}");
    }
    assert!(wrong.is_empty(), "too large:\n{}", wrong.join("\n"));
}

#[test]
fn the_measure_itself_measures() {
    let text = "impl X {\n    pub(crate) async fn long(\n        &self,\n        a: Map<u8, u8>,\n        b: (u8, u8),\n    ) -> u8 {\n        1\n    }\n}\nfn short() {}\n";
    assert_eq!(
        functions(text),
        [("long".to_owned(), 7, 2), ("short".to_owned(), 1, 0)]
    );
    assert_eq!(
        parameters("fn six(a: u8, b: u8, c: &[u8], d: impl Fn(u8, u8), e: u8, f: u8) {"),
        6
    );
}

#[test]
fn nothing_unfinished_is_in_the_sources() {
    let marks = ["todo!(", "unimplemented!(", "dbg!("];
    for (path, text) in sources() {
        if path.ends_with("tidy.rs") {
            continue;
        }
        for mark in marks {
            assert!(!text.contains(mark), "{}: {mark}", path.display());
        }
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// `name version` of everything in the release tree of a package.
fn tree(package: &str) -> BTreeSet<String> {
    let text = cargo(&[
        "tree",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--package",
        package,
        "--format",
        "{p}",
    ]);
    text.lines()
        .filter_map(|line| line.split(" v").next())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn no_openssl_and_no_ring_in_the_release_tree() {
    let tree = tree("techpass");
    assert!(
        tree.contains("aws-lc-rs") && tree.contains("rusqlite"),
        "the tree is not the product's"
    );
    for forbidden in ["ring", "openssl", "openssl-sys", "native-tls"] {
        assert!(
            !tree.contains(forbidden),
            "{forbidden} is in the release tree"
        );
    }
}

#[test]
fn the_domain_is_pure() {
    let tree = tree("techpass-domain");
    for forbidden in [
        "tokio",
        "axum",
        "hyper",
        "rusqlite",
        "reqwest",
        "tracing",
        "rand",
        "getrandom",
        "time",
        "chrono",
        "aws-lc-rs",
    ] {
        assert!(
            !tree.contains(forbidden),
            "{forbidden} is in the domain's tree"
        );
    }
    for (path, text) in sources() {
        if path.starts_with(root().join("domain/src")) {
            for forbidden in [
                "std::fs",
                "std::net",
                "std::time",
                "SystemTime",
                "std::env",
                "std::process",
                "std::thread",
            ] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", path.display());
            }
        }
    }
}

#[test]
fn licences_are_permissive() {
    let allowed = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "MPL-2.0",
        "CC0-1.0",
        "Unlicense",
        "0BSD",
        "BSL-1.0",
        "CDLA-Permissive-2.0",
        "MIT-0",
        "OpenSSL",
    ];
    let text = cargo(&[
        "tree",
        "--locked",
        "--workspace",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}\t{l}",
    ]);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (package, licence) = line.split_once('\t').unwrap();
        let licence = licence.replace('/', " OR ").replace("(*)", "");
        // Every part that AND binds needs one allowed choice.
        let fine = licence.replace(['(', ')'], "").split(" AND ").all(|part| {
            part.split(" OR ")
                .any(|one| allowed.contains(&one.trim().split(" WITH ").next().unwrap()))
        });
        assert!(fine && !licence.trim().is_empty(), "{package}: {licence}");
    }
}

#[test]
fn documents_name_what_exists() {
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"] {
        let text = std::fs::read_to_string(root().join(document))
            .unwrap_or_else(|_| panic!("{document} is missing"));
        for quoted in text.split('`').skip(1).step_by(2) {
            let names_a_file = [".rs", ".sql", ".toml", ".md", ".html", ".css", ".js"]
                .iter()
                .any(|end| quoted.ends_with(end));
            let plain = quoted
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
            if names_a_file && plain && quoted.contains('/') && !quoted.starts_with('/') {
                assert!(
                    root().join(quoted).exists(),
                    "{document} names {quoted}, which is not there"
                );
            }
        }
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") {
                assert!(
                    root().join(path).exists(),
                    "{document} links to {path}, which is not there"
                );
            }
        }
    }
}

/// The cluster itself needs root and minutes; that its program is read as a whole can be looked at here.
#[test]
fn the_cluster_s_program_is_one_that_bash_reads() {
    let folder = root().join("deploy/cluster");
    let parts = std::fs::read_dir(folder.join("lib")).unwrap();
    let mut files: Vec<PathBuf> = parts.map(|part| part.unwrap().path()).collect();
    files.push(folder.join("cluster"));
    assert!(files.len() > 5, "its parts are somewhere else");
    for file in files {
        let read = Command::new("bash").arg("-n").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success(), "{}: {said}", file.display());
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= FILE_LINES_MAX, "{}: {lines} lines", file.display());
    }
}

/// What runs and what is to be copied say the same of what keeps acknowledged data.
#[test]
fn the_cluster_s_examples_have_the_numbers_of_the_cluster_that_is_tried() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let tried = read("deploy/cluster/lib/database.sh") + &read("deploy/cluster/lib/nodes.sh");
    let example: String = ["patroni.yml", "primary.cfg", "front.cfg"]
        .map(|name| read(&format!("docs/examples/cluster/{name}")))
        .concat();
    for line in [
        "\netcd:\n  hosts: ",
        "ttl: 20",
        "loop_wait: 5",
        "retry_timeout: 5",
        "synchronous_mode: true",
        "synchronous_mode_strict: true",
        "maximum_lag_on_failover: 1048576",
        "use_pg_rewind: true",
        "wal_retrieve_retry_interval: 500ms",
        "option httpchk OPTIONS /primary",
        "default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions",
        "option httpchk GET /readyz",
        "default-server inter 500ms fall 2 rise 1",
        "http-request disable-l7-retry unless METH_GET",
    ] {
        assert!(tried.contains(line), "the cluster has no {line}");
        assert!(example.contains(line), "the examples have no {line}");
    }
}
