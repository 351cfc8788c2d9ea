//! `techpass serve` with a configuration of the test's own, in front of a home organisation that lies.

use super::program;
use super::wait::until;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// A running server. It ends with this value.
pub struct Server {
    child: Child,
    /// Its public address.
    pub issuer: String,
    /// The address of its health and metrics.
    pub management: String,
    config: PathBuf,
    _folder: tempfile::TempDir,
}

/// A configuration with an upstream; health is answered one port above the public one.
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
[management]
listen = "127.0.0.1:{management}"
"#,
        management = port + 1,
        database = at("techpass.db"),
        key = at("master.key"),
        secret = at("upstream.secret"),
    )
}

fn spawn(config: &Path, told: &[(&str, &str)]) -> Child {
    let log = File::create(config.with_extension("log")).expect("a log");
    program::command()
        .args(["serve", "--config"])
        .arg(config)
        .envs(told.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the server starts")
}

impl Server {
    /// Starts one whose officers are at home at `upstream`, where our secret is `secret`.
    pub async fn start(upstream: &str, secret: &str) -> Server {
        Server::start_with(upstream, secret, "").await
    }

    /// The same with further sections of configuration.
    pub async fn start_with(upstream: &str, secret: &str, further: &str) -> Server {
        Server::start_told(upstream, secret, further, &[]).await
    }

    /// The same with variables of its environment.
    pub async fn start_told(
        upstream: &str,
        secret: &str,
        further: &str,
        told: &[(&str, &str)],
    ) -> Server {
        for _ in 0..program::PORTS_TRIED_MAX {
            let mut server = Server::spawned(upstream, secret, further, told);
            match server.answers().await {
                Ok(()) => return server,
                Err(said) if said.contains(program::PORT_TAKEN) => {}
                Err(said) => panic!("the server ended: {said}"),
            }
        }
        panic!("no free ports for a server");
    }

    /// Starts one, and waits only until its address is taken: it may answer, or still be opening its database.
    pub async fn start_bound(upstream: &str, secret: &str) -> Server {
        let server = Server::spawned(upstream, secret, "", &[]);
        let address = server.issuer.trim_start_matches("http://");
        until("the server to listen", || async {
            let connected = tokio::net::TcpStream::connect(address).await;
            connected.map(drop).map_err(|error| error.to_string())
        })
        .await;
        server
    }

    fn spawned(upstream: &str, secret: &str, further: &str, told: &[(&str, &str)]) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let port = program::ports(2);
        let config = folder.path().join("techpass.toml");
        for (name, text) in [
            (
                "techpass.toml",
                configuration(folder.path(), port, upstream) + further,
            ),
            ("master.key", "5a".repeat(32)),
            ("upstream.secret", secret.to_owned()),
        ] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        Server {
            child: spawn(&config, told),
            issuer: format!("http://localhost:{port}"),
            management: format!("http://127.0.0.1:{}", port + 1),
            config,
            _folder: folder,
        }
    }

    /// Waits until it answers, or ends: then what it said.
    async fn answers(&mut self) -> Result<(), String> {
        let log = self.config.with_extension("log");
        let url = format!("{}/.well-known/openid-configuration", self.issuer);
        let child = Mutex::new(&mut self.child);
        until("the server to answer", || async {
            let ended = child.lock().expect("one looks at a time").try_wait();
            if ended.expect("it can be looked at").is_some() {
                return Ok(Err(std::fs::read_to_string(&log).unwrap_or_default()));
            }
            let answer = super::browser::client().get(&url).send().await;
            answer.map(|_| Ok(())).map_err(|error| error.to_string())
        })
        .await
    }

    /// Starts it again on its data.
    pub async fn start_again(&mut self) {
        self.child = spawn(&self.config, &[]);
        self.answers().await.expect("the server answers again");
    }

    /// A file of its own.
    pub fn file(&self, name: &str) -> PathBuf {
        self._folder.path().join(name)
    }

    /// Asks it to stop, as a service manager does.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends it a signal, as `kill` names it.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// What it has said until now.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.config.with_extension("log")).expect("a log")
    }

    /// Asks it to stop again and again until it has ended, and gives its exit code.
    pub async fn ended_by_asking_again(&mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        until("the server to end", || async {
            let mut child = child.lock().expect("one looks at a time");
            if let Some(ended) = child.try_wait().expect("it can be looked at") {
                return Ok(ended);
            }
            // It is this process's child, so its number is nobody else's until it was waited for.
            let _ = Command::new("kill")
                .args(["-TERM", &child.id().to_string()])
                .status();
            Err("it runs".to_owned())
        })
        .await
        .code()
    }

    /// Waits for its end, and gives its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        until("the server to end", || async {
            let looked = child.lock().expect("one looks at a time").try_wait();
            looked
                .expect("it can be looked at")
                .ok_or_else(|| "it runs".to_owned())
        })
        .await
        .code()
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
