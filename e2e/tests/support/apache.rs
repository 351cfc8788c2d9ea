//! The real Apache with the real mod_auth_openidc, from Debian's packages, on a port of its own.

use super::browser::client;
use super::program;
use super::wait::until;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Where the guide keeps secrets.
const GUIDE_FOLDER: &str = "/etc/apache2/oidc";
/// Modules that a plain site needs.
const MODULES: [&str; 6] = [
    "mpm_event",
    "authz_core",
    "authz_user",
    "authn_core",
    "dir",
    "auth_openidc",
];

/// A running site.
pub struct Apache {
    child: Child,
    /// Its origin.
    pub origin: String,
    folder: tempfile::TempDir,
}

impl Drop for Apache {
    fn drop(&mut self) {
        // Asked politely it ends its children too.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}

impl Apache {
    /// Serves `/` and `/agency/` under the configuration that `techpass snippet apache` printed.
    pub async fn start(port: u16, snippet: &str, client_id: &str, secret: &str) -> Apache {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path();
        // Apache gives up root before it serves; what is secret it reads before.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(here, open).expect("permissions");
        write(here, "site/index.html", "<h1>Everybody's page</h1>");
        write(here, "site/agency/index.html", "<h1>The agency's page</h1>");
        write(
            here,
            &format!("oidc/{client_id}-secret.conf"),
            &format!("OIDCClientSecret \"{secret}\"\n"),
        );
        write(
            here,
            &format!("oidc/{client_id}-passphrase"),
            "a passphrase of the tests\n",
        );
        let own = here.join("oidc");
        let snippet = snippet.replace(GUIDE_FOLDER, own.to_str().expect("text"));
        let mut all = Apache::frame(here, port);
        all.push_str(&snippet);
        write(here, "apache.conf", &all);
        let child = Command::new("apache2")
            .arg("-f")
            .arg(here.join("apache.conf"))
            .arg("-DFOREGROUND")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("apache2 is installed (./test installs it)");
        let origin = format!("http://localhost:{port}");
        let apache = Apache {
            child,
            origin,
            folder,
        };
        until("Apache to answer", || async {
            let answer = client().get(&apache.origin).send().await;
            answer.map(drop).map_err(|error| {
                let log = std::fs::read_to_string(apache.folder.path().join("error.log"))
                    .unwrap_or_default();
                format!("{error}; {log}")
            })
        })
        .await;
        apache
    }

    fn frame(here: &Path, port: u16) -> String {
        let here = here.display();
        let mut text = format!(
            "ServerRoot {here}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {here}/pid\n\
             ErrorLog {here}/error.log\nMutex file:{here} default\nUser www-data\nGroup www-data\n\
             DocumentRoot {here}/site\n"
        );
        for module in MODULES {
            let _ = writeln!(
                text,
                "LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so"
            );
        }
        text
    }
}

/// A free port for a site.
pub fn port() -> u16 {
    program::ports(1)
}
