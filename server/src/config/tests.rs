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
            "DATABASE__URL" => "sqlite:/data/techpass.db",
            name if name.ends_with("_S") => "7",
            _ => "127.0.0.1:7",
        };
        let name = format!("TECHPASS__{name}");
        // Where that app is served wants to be told what it is called.
        let called = (
            "TECHPASS__AUTHENTICATOR__PUBLIC_URL",
            "https://phone.example",
        );
        parse(FILE, &[(&name, value), called]).unwrap_or_else(|error| panic!("{name}: {error}"));
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

#[test]
fn a_variable_is_a_text_where_a_text_is_wanted() {
    let config = parse(
        FILE,
        &[
            ("TECHPASS__BRAND__NAME", "123"),
            ("TECHPASS__BRAND__HELP", "true"),
            ("TECHPASS__DATABASE__PASSWORD", "0x10"),
            ("TECHPASS__SESSION__IDLE_S", "60"),
            ("TECHPASS__KEYS__ALGORITHMS", "[\"RS256\"]"),
        ],
    )
    .unwrap();
    assert_eq!(
        (config.brand.name.as_str(), config.brand.help.as_str()),
        ("123", "true")
    );
    let opening = config.database.opening(false).unwrap();
    assert_eq!(opening.postgres.password.as_deref(), Some("0x10"));
    assert_eq!(
        (config.session.idle_s, config.keys.algorithms.len()),
        (60, 1)
    );
}

#[test]
fn what_a_variable_has_wrong_names_the_variable() {
    for (name, value) in [
        ("TECHPASS__SESSION__IDLE_S", "soon"),
        ("TECHPASS__SESSION__IDEL_S", "60"),
        ("TECHPASS__SESION__IDLE_S", "60"),
        ("TECHPASS__SESSION__IDLE_S", "0"),
        ("TECHPASS__PUBLIC_URL", "https://techpass.example/path"),
        ("TECHPASS__BRAND__NAME_FILE", "/nowhere/at/all"),
    ] {
        let other = ("TECHPASS__BRAND__HELP", "7");
        let error = parse(FILE, &[other, (name, value)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(name) && !error.contains("techpass.toml"),
            "{error}"
        );
    }
    // The file's own mistakes keep their line.
    let text = FILE.replace("name = \"TechPass\"", "name = 7");
    let help = [("TECHPASS__BRAND__HELP", "us")];
    let error = parse(&text, &help).unwrap_err().to_string();
    assert!(
        error.contains("techpass.toml") && error.contains("line 9"),
        "{error}"
    );
}

#[test]
fn variables_of_others_may_be_anything() {
    use std::os::unix::ffi::OsStringExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), FILE).unwrap();
    let noise = || OsString::from_vec(vec![b'x', 0xff]);
    let theirs = vec![(noise(), noise()), ("PATH".into(), noise())];
    Config::read(file.path(), theirs.into_iter()).unwrap();
    let ours = vec![("TECHPASS__BRAND__NAME".into(), noise())];
    let error = Config::read(file.path(), ours.into_iter()).unwrap_err();
    assert!(
        error.to_string().contains("TECHPASS__BRAND__NAME"),
        "{error}"
    );
}

#[test]
fn values_that_make_no_sense_are_refused_by_their_key() {
    let with = |key: &str, value: &str| {
        let (section, key) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table: toml::Table = toml::from_str(FILE).unwrap();
        let mut place = &mut table;
        for part in section.split('.').filter(|part| !part.is_empty()) {
            let next = place
                .entry(part)
                .or_insert_with(|| toml::Table::new().into());
            place = next.as_table_mut().unwrap();
        }
        let value: toml::Table = toml::from_str(&format!("v = {value}")).unwrap();
        place.insert(key.to_owned(), value["v"].clone());
        parse(&table.to_string(), &[])
    };
    for (key, value) in [
        ("listen", "\"8081\""),
        ("listen", "\"127.0.0.1:99999\""),
        ("management.listen", "\":9081\""),
        ("authenticator.listen", "\"127.0.0.1:8083\""),
        ("public_url", "\"https://user:word@techpass.example\""),
        ("database.url", "\"/var/lib/techpass/techpass.db\""),
        ("database.url", "\"mysql://a@b/c\""),
        ("database.url", "\"sqlite:\""),
        ("database.url", "\"postgres://a@b/c?sslmode=prefer\""),
        ("session.idle_s", "-1"),
        ("session.absolute_s", "0"),
        ("session.accounts_max", "0"),
        ("limits.load.sign_in_max", "0"),
        ("limits.load.connections_max", "0"),
        ("traces.sampled_percent", "200"),
        ("log.level", "\"bogus\""),
        ("log.level", "\"warn,techpass_server=loud\""),
    ] {
        let error = with(key, value).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{key}:")),
            "{key} = {value}: {error}"
        );
    }
    for (key, value) in [
        ("listen", "\"[::1]:8081\""),
        ("database.url", "\"postgresql://a@b/c?sslmode=require\""),
        ("log.level", "\"warn,techpass_server=debug\""),
        ("log.level", "\"INFO\""),
        ("limits.load.connections_max", "100"),
    ] {
        with(key, value).unwrap();
    }
}

#[test]
fn a_secret_that_is_not_there_is_told_by_its_key() {
    for (text, key) in [
        (
            "database.password_file = \"/nowhere\"",
            "database.password_file",
        ),
        (
            "database.url = \"postgres://a@b/c?sslrootcert=/nowhere\"",
            "database.url",
        ),
    ] {
        let base = FILE
            .replace("[database]", "")
            .replace("[secrets]", "")
            .replace("[brand]", "");
        let base = base
            .replace("url = \"sqlite", "database.url = \"sqlite")
            .replace("master_key_file", "secrets.master_key_file")
            .replace("name = ", "brand.name = ");
        let base = match key {
            "database.url" => base.replace("database.url", "# database.url"),
            _ => base,
        };
        let config = parse(&format!("{base}\n{text}"), &[]).unwrap();
        let error = config.database.opening(true).unwrap_err().to_string();
        assert!(
            error.starts_with(key) && error.contains("/nowhere"),
            "{error}"
        );
    }
}
