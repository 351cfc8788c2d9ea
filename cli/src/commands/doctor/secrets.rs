//! Secret files: there, readable, and for nobody else's eyes.

use super::Report;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use techpass_server::config::Config;
use techpass_server::seal::Seal;

/// Checks every secret file that the configuration names.
pub(super) fn check(config: &Config, report: &mut Report) {
    let key = &config.secrets.master_key_file;
    match Seal::from_file(key) {
        Ok(_) => private("master key", key, report),
        Err(error) => report.bad("master key", error.to_string()),
    }
    match techpass_server::epoch::read(&config.epoch_file()) {
        Ok(Some(epoch)) => report.good("epoch", format!("{epoch} in {}", config.epoch_file().display())),
        Ok(None) => report.warning(
            "epoch",
            format!(
                "{} is not there; a server makes it at its first start, and ends every session when the database has seen one",
                config.epoch_file().display()
            ),
        ),
        Err(error) => report.bad("epoch", error.to_string()),
    }
    for upstream in &config.upstream {
        private("client secret", &upstream.client_secret_file, report);
    }
    if let Some(tls) = &config.tls {
        private("TLS key", &tls.key_file, report);
    }
}

fn private(name: &'static str, path: &Path, report: &mut Report) {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) => report.bad(name, format!("{shown}: {error}")),
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 == 0 {
                report.good(name, format!("{shown} is readable by its owner only"));
            } else {
                report.bad(
                    name,
                    format!("{shown} has the permissions {mode:03o}: others can read it; chmod 600 {shown}"),
                );
            }
        }
    }
}
