//! `techpass serve` with a configuration of the test's own, in front of a home organisation that lies.

use super::program;
use super::wait::until;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// A running server. It ends with this value.
pub struct Server {
    child: Child,
    /// Its public address.
    pub issuer: String,
    config: PathBuf,
    _folder: tempfile::TempDir,
}

fn configuration(folder: &Path, port: u16, upstream: &str) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    format!(
        r#"public_url = "http://localhost:{port}"
listen = "127.0.0.1:{port}"
[database]
url = "sqlite:{database}"
[secrets]
master_key_file = "{key}"
[brand]
name = "TechPass"
demonstration = true
[outbound]
allow_private = true
[[upstream]]
id = "home"
name = "Home"
issuer = "{upstream}"
client_id = "techpass"
client_secret_file = "{secret}"
domains = ["agency.example"]
"#,
        database = at("techpass.db"),
        key = at("master.key"),
        secret = at("upstream.secret"),
    )
}

impl Server {
    /// Starts one whose officers are at home at `upstream`, where our secret is `secret`.
    pub async fn start(upstream: &str, secret: &str) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let port = program::ports(1);
        let config = folder.path().join("techpass.toml");
        for (name, text) in [
            (
                "techpass.toml",
                configuration(folder.path(), port, upstream),
            ),
            ("master.key", "5a".repeat(32)),
            ("upstream.secret", secret.to_owned()),
        ] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let child = program::command()
            .args(["serve", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let issuer = format!("http://localhost:{port}");
        let server = Server {
            child,
            issuer,
            config,
            _folder: folder,
        };
        until("the server to answer", || async {
            let url = format!("{}/.well-known/openid-configuration", server.issuer);
            let answer = super::browser::client().get(url).send().await;
            answer.map(drop).map_err(|error| error.to_string())
        })
        .await;
        server
    }

    /// Its configuration file.
    pub fn config(&self) -> &str {
        self.config.to_str().expect("a path")
    }

    /// Adds an officer whose `sub` at home is this.
    pub fn add_officer(&self, login_id: &str, subject: &str) {
        program::ok(&[
            "users",
            "add",
            "--config",
            self.config(),
            "--login-id",
            login_id,
            "--name",
            "An Officer",
            "--kind",
            "officer",
            "--upstream-subject",
            subject,
        ]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
