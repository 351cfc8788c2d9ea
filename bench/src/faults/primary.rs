//! A PostgreSQL server of this run's own, and a way to it that can be cut in the middle of a commit.

use super::facts::{self, Fact};
use super::person::Dice;
use crate::world::free_port;
use anyhow::{Context, Result, bail};
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The only database server; its folder goes with this value.
pub struct Primary {
    bin: PathBuf,
    folder: PathBuf,
    child: Option<Child>,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Primary {
    /// Makes a cluster and starts it; `None` when PostgreSQL is not installed.
    pub async fn start(bin: &Path) -> Result<Option<Primary>> {
        if !bin.join("initdb").exists() {
            return Ok(None);
        }
        let folder = std::env::temp_dir().join(format!("techpass-faults-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let mut primary = Primary {
            bin: bin.to_owned(),
            folder,
            child: None,
            port: free_port()?,
        };
        if let Some(account) = account() {
            Command::new("chown")
                .arg(account)
                .arg(&primary.folder)
                .status()?;
        }
        let made = primary
            .command("initdb")
            .args([
                "-U",
                "techpass",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(primary.folder.join("data"))
            .output()?;
        if !made.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        primary.begin().await?;
        primary.psql("CREATE DATABASE techpass", "postgres")?;
        Ok(Some(primary))
    }

    /// PostgreSQL refuses to run as root, so root lends it to another account.
    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match account() {
            None => Command::new(program),
            Some(account) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={account}"), format!("--regid={account}")]);
                command.args(["--clear-groups", "--"]).arg(program);
                command
            }
        };
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Starts the server, and waits until it takes connections.
    pub async fn begin(&mut self) -> Result<()> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("server.log"))?;
        let child = self
            .command("postgres")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k"])
            .arg(&self.folder)
            .args([
                "-c",
                "max_connections=200",
                "-c",
                "logging_collector=off",
                "-D",
            ])
            .arg(self.folder.join("data"))
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()?;
        self.child = Some(child);
        let began = Instant::now();
        while self.psql("SELECT 1", "postgres").is_err() {
            if began.elapsed() > Duration::from_secs(30) {
                bail!("PostgreSQL does not start");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Ends it with SIGKILL; its children notice by themselves.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// The URL of the database, through any port.
    pub fn url_at(port: u16) -> String {
        format!("postgres://techpass@127.0.0.1:{port}/techpass")
    }

    /// What a statement prints.
    pub fn psql(&self, sql: &str, database: &str) -> Result<String> {
        let output = Command::new(self.bin.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
            ])
            .args([
                "-U",
                "techpass",
                "-d",
                database,
                "-p",
                &self.port.to_string(),
                "-c",
                sql,
            ])
            .output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Acknowledged facts that the database does not hold.
    pub fn missing(&self, facts: &[Fact]) -> Result<Vec<String>> {
        facts::missing(facts, |sql| self.psql(sql, "techpass"))
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        let _ = self.kill();
        // Its children are gone when the folder can be removed for good.
        std::thread::sleep(Duration::from_millis(300));
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn account() -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let postgres = known.lines().any(|line| line.starts_with("postgres:"));
    root.then_some(if postgres { "postgres" } else { "nobody" })
}

/// A way to the database that loses connections at the worst moment.
pub struct Cutter {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// One of so many commits is cut; 0 for none.
    pub one_of: Rc<Cell<u64>>,
    /// How many commits the server got and nobody heard of, and how many it did not get.
    pub cut: Rc<(Cell<usize>, Cell<usize>)>,
}

/// The message that asks for a commit.
const COMMIT: &[u8] = b"COMMIT\0";

impl Cutter {
    /// Leads to a port.
    pub async fn start(to: u16) -> Result<Cutter> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let cutter = Cutter {
            port: listener.local_addr()?.port(),
            one_of: Rc::default(),
            cut: Rc::default(),
        };
        let (one_of, cut) = (Rc::clone(&cutter.one_of), Rc::clone(&cutter.cut));
        let dice = Rc::new(RefCell::new(Dice::new(16)));
        tokio::task::spawn_local(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (one_of, cut, dice) = (Rc::clone(&one_of), Rc::clone(&cut), Rc::clone(&dice));
                tokio::task::spawn_local(async move {
                    let server = TcpStream::connect(("127.0.0.1", to)).await?;
                    forward(client, server, || {
                        let mut dice = dice.borrow_mut();
                        let strikes = one_of.get() > 0 && dice.roll(one_of.get()) == 0;
                        strikes.then(|| {
                            let after = dice.roll(2) == 0;
                            let count = if after { &cut.0 } else { &cut.1 };
                            count.set(count.get() + 1);
                            after
                        })
                    })
                    .await
                });
            }
        });
        Ok(cutter)
    }
}

/// Passes everything on until `strike` says whether a commit is cut: `true` for after it was sent.
async fn forward(
    client: TcpStream,
    server: TcpStream,
    strike: impl Fn() -> Option<bool>,
) -> Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::task::spawn_local(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 65_536];
    loop {
        let length = from_client.read(&mut buffer).await.unwrap_or(0);
        if length == 0 {
            break;
        }
        let sent = buffer
            .get(..length)
            .context("no more than there is room for")?;
        let asks = sent.windows(COMMIT.len()).any(|part| part == COMMIT);
        match if asks { strike() } else { None } {
            None => to_server.write_all(sent).await?,
            Some(after) => {
                // No answer gets through from here on.
                answers.abort();
                let _ = answers.await;
                if after {
                    to_server.write_all(sent).await?;
                }
                return Ok(());
            }
        }
    }
    answers.abort();
    Ok(())
}
