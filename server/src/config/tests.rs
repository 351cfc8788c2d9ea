//! Reading a configuration.

#![allow(clippy::unwrap_used)]
use super::*;

const FILE: &str = r#"
    public_url = "https://techpass.example"
    listen = "127.0.0.1:8081"
    [database]
    url = "sqlite:/var/lib/techpass/techpass.db"
    [secrets]
    master_key_file = "/etc/techpass/master.key"
    [brand]
    name = "TechPass"
"#;

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::parse(text, "techpass.toml", environment)
}

#[test]
fn the_environment_lies_over_the_file() {
    let config = parse(
        FILE,
        &[
            ("TECHPASS__BRAND__NAME", "Sign-in"),
            ("TECHPASS__SESSION__IDLE_S", "60"),
            ("PATH", "x"),
        ],
    )
    .unwrap();
    assert_eq!(
        (config.brand.name.as_str(), config.session.idle_s),
        ("Sign-in", 60)
    );
    assert_eq!(config.issuer(), "https://techpass.example");
}

#[test]
fn a_value_and_a_file_for_one_key_are_refused() {
    let both = [
        ("TECHPASS__BRAND__NAME", "Sign-in"),
        ("TECHPASS__BRAND__NAME_FILE", "/run/secrets/name"),
    ];
    let error = parse(FILE, &both).unwrap_err().to_string();
    assert!(error.contains("both set"), "{error}");
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_closest_one() {
    let error = parse(&format!("{FILE}\n[sesion]\nidle_s = 1"), &[]).unwrap_err();
    assert!(
        error.to_string().contains("did you mean `session`?"),
        "{error}"
    );
}

#[test]
fn plain_http_is_for_localhost() {
    let text = FILE.replace("https://techpass.example", "http://techpass.example");
    assert!(parse(&text, &[]).unwrap_err().to_string().contains("https"));
    let text = FILE.replace("https://techpass.example", "http://localhost:8081");
    assert_eq!(parse(&text, &[]).unwrap().issuer(), "http://localhost:8081");
}

#[test]
fn the_examples_are_configurations_and_name_where_health_is_answered() {
    for (text, listen) in [
        (
            include_str!("../../../docs/examples/techpass.toml"),
            "127.0.0.1:9081",
        ),
        (
            include_str!("../../../docs/examples/home-organisation.toml"),
            "127.0.0.1:9082",
        ),
        (
            include_str!("../../../docs/examples/cluster/techpass.toml"),
            "10.0.0.21:9090",
        ),
    ] {
        let config = parse(text, &[]).unwrap();
        assert_eq!(config.management.listen.as_deref(), Some(listen));
    }
}

#[test]
fn a_node_of_the_cluster_asks_for_a_standby_and_takes_what_the_load_needs() {
    let node = include_str!("../../../docs/examples/cluster/techpass.toml");
    let load = include_str!("../../../deploy/cluster/load.toml");
    let config = parse(&format!("{node}{load}"), &[]).unwrap();
    assert!(config.database.cluster && config.database.shared());
}

#[test]
fn what_the_examples_leave_out_is_a_configuration_too() {
    // A line that only looks like text of a section would be a key that nobody knows.
    let text = include_str!("../../../docs/examples/techpass.toml");
    let taken_off: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("# ") || line.contains(" = ") || line.starts_with("# ["))
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .filter(|line| !line.starts_with("Every key"))
        .collect();
    parse(&taken_off.join("\n"), &[]).unwrap();
}

#[test]
fn the_chart_sets_keys_that_exist() {
    let chart = include_str!("../../../deploy/helm/techpass/templates/statefulset.yaml");
    let names: Vec<&str> = chart
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- name: TECHPASS__"))
        .collect();
    assert!(names.len() >= 8, "the chart sets nothing: {names:?}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "sqlite:/data/techpass.db").unwrap();
    let file = file.path().to_str().unwrap();
    for name in names {
        let value = match name {
            "LOG__FORMAT" => "json",
            "DATABASE__URL_FILE" => file,
            name if name.ends_with("_S") => "7",
            _ => "127.0.0.1:7",
        };
        let name = format!("TECHPASS__{name}");
        parse(FILE, &[(&name, value)]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn token_lifetimes_are_within_what_keys_and_grants_outlive() {
    let with = |text: &str| parse(&format!("{FILE}\n[tokens]\n{text}"), &[]);
    assert_eq!(with("access_s = 60").unwrap().tokens.access_s, 60);
    for bad in ["access_s = 0", "id_token_s = 86401", "offline_s = -1"] {
        let name = bad.split(' ').next().unwrap();
        assert!(with(bad).unwrap_err().to_string().contains(name), "{bad}");
    }
}
