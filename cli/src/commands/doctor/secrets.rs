//! Secret files: there, readable, and for nobody else's eyes.

use super::Report;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use techpass_server::config::Config;
use techpass_server::seal::Seal;

/// Every file with a secret that a configuration names, with a name for it; the master key comes first.
fn files(config: &Config) -> Vec<(&'static str, &Path)> {
    let mut all = vec![("master key", Some(&config.secrets.master_key_file))];
    for upstream in &config.upstream {
        all.push(("client secret", Some(&upstream.client_secret_file)));
    }
    let tls = config.tls.as_ref().map(|tls| &tls.key_file);
    let mail = config.mail.as_ref();
    let mail = mail.and_then(|mail| mail.password_file.as_ref());
    let token = config.registration.initial_access_token_file.as_ref();
    all.extend([
        ("TLS key", tls),
        ("database password", config.database.password_file.as_ref()),
        ("mail password", mail),
        ("initial access token", token),
    ]);
    let there = all.into_iter();
    there
        .filter_map(|(name, path)| Some((name, path?.as_path())))
        .collect()
}

/// Checks every secret file that the configuration names.
pub(super) fn check(config: &Config, report: &mut Report) {
    for (name, path) in files(config) {
        private(name, path, report);
    }
    if let Err(error) = Seal::from_file(&config.secrets.master_key_file) {
        report.bad("master key", error.to_string());
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
}

fn private(name: &'static str, path: &Path, report: &mut Report) {
    let shown = path.display();
    // Permissions say who else can read it, opening says whether this user can.
    match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Err(error) => report.bad(name, format!("{shown}: {error}")),
        Ok(found) => readers(name, path, found.permissions().mode(), report),
    }
}

/// Who can read a file, by its permissions.
pub(super) fn readers(name: &'static str, path: &Path, mode: u32, report: &mut Report) {
    let (shown, mode) = (path.display(), mode & 0o777);
    if mode & 0o007 != 0 {
        report.bad(
            name,
            format!(
                "{shown} has the permissions {mode:03o}: others can read it; chmod 600 {shown}"
            ),
        );
    } else if mode & 0o070 != 0 {
        // As Kubernetes makes them with fsGroup.
        report.warning(
            name,
            format!("{shown} has the permissions {mode:03o}: its group can read it"),
        );
    } else {
        report.good(name, format!("{shown} is readable by its owner only"));
    }
}

/// The master key and the TLS key, where everybody on the machine can read them.
pub(super) fn open_to_everybody(config: &Config) -> Vec<String> {
    let grave = files(config).into_iter();
    let grave = grave.filter(|(name, _)| matches!(*name, "master key" | "TLS key"));
    let open = grave.filter(|(_, path)| {
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
    });
    let told = open.map(|(name, path)| {
        let shown = path.display();
        format!("everybody can read the {name} {shown}; chmod 600 {shown}")
    });
    told.collect()
}
