//! A data directory belongs to the addresses that it was made for: applications, phones, links between accounts and every
//! token in it name them.

use super::Origins;
use crate::exit::Failure;
use std::path::Path;
use url::Url;

/// Refuses to start with other addresses than those of the runs before.
///
/// # Errors
/// 2, with the options that the directory was made with.
pub fn same(data: &Path, origins: &Origins) -> Result<(), Failure> {
    match before(data) {
        Some(then) if then.as_str() != url(origins).as_deref().unwrap_or_default() => {
            Err(Failure::usage(format!(
                "{} was made with {}; start it with the same options, or choose another directory",
                data.display(),
                options(&then)
            )))
        }
        _ => Ok(()),
    }
}

fn url(origins: &Origins) -> Option<String> {
    Some(Url::parse(&origins.techpass()).ok()?.into())
}

/// TechPass's address, as the configuration that an earlier run wrote says it.
fn before(data: &Path) -> Option<Url> {
    let text = std::fs::read_to_string(data.join("techpass.toml")).ok()?;
    let config: toml::Table = text.parse().ok()?;
    Url::parse(config.get("public_url")?.as_str()?).ok()
}

/// What one writes to get TechPass at this address.
fn options(techpass: &Url) -> String {
    let base = techpass
        .port_or_known_default()
        .unwrap_or(1)
        .saturating_sub(1);
    let mut text = format!("--port-base {base}");
    match techpass.host_str() {
        None | Some("localhost") => {}
        Some(host) => text.push_str(&format!(" --host {host}")),
    }
    text.push_str(match techpass.scheme() {
        "https" => " --tls",
        _ => " and without --tls",
    });
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn origins(scheme: &'static str, host: &str, base: u16) -> Origins {
        Origins {
            scheme,
            host: host.to_owned(),
            base,
        }
    }

    #[test]
    fn a_directory_belongs_to_its_addresses() {
        let data = tempfile::tempdir().unwrap();
        let plain = origins("http", "localhost", 8080);
        assert!(same(data.path(), &plain).is_ok());
        for (made, said) in [
            (plain.clone(), "--port-base 8080 and without --tls;"),
            (
                origins("https", "pass.example", 442),
                "--port-base 442 --host pass.example --tls;",
            ),
        ] {
            let text = super::super::configs::techpass(&made, data.path(), None);
            fs::write(data.path().join("techpass.toml"), text).unwrap();
            assert!(same(data.path(), &made).is_ok());
            for other in [
                origins("https", "localhost", 8080),
                origins("http", "other.example", 8080),
                origins("http", "localhost", 9080),
            ] {
                let refused = same(data.path(), &other).unwrap_err();
                assert_eq!(refused.exit, crate::exit::Exit::Usage);
                assert!(refused.to_string().contains(said), "{refused}");
            }
        }
    }
}
