//! The peer: node `oidc-provider`, installed into a folder of its own below `target`.

use crate::http::Wire;
use crate::machine::{self, Cores};
use crate::world::{DISCOVERY, MACHINE, Server, basic, free_port, secret};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const SCRIPT: &str = include_str!("peer.mjs");
const PACKAGE: &str = "{ \"private\": true, \"type\": \"module\", \"dependencies\": { \"oidc-provider\": \"^9.13.0\" } }\n";

/// A running peer.
pub struct Peer {
    /// Its process.
    pub server: Server,
    /// The secret of its clients.
    pub secret: String,
    /// How long it took to be ready.
    pub ready: Duration,
}

impl Peer {
    /// Installs it where it is missing, and starts it.
    pub async fn start(target: &Path, cores: Cores) -> Result<Peer> {
        let folder = install(target)?;
        let (port, secret) = (free_port()?, secret()?);
        let node = which("node")?;
        let mut command = machine::command(&node, cores);
        command
            .arg(folder.join("peer.mjs"))
            .arg(port.to_string())
            .arg(&secret)
            .env("NODE_ENV", "production")
            .stderr(std::process::Stdio::null());
        let (server, ready) = Server::start(command, port, DISCOVERY).await?;
        Ok(Peer {
            server,
            secret,
            ready,
        })
    }

    /// The header of its machine client.
    pub fn machine(&self) -> String {
        basic(MACHINE, &self.secret)
    }

    /// An opaque token, to be introspected.
    pub async fn opaque(&self) -> Result<String> {
        let mut wire = Wire::new(&self.server.site);
        let authorization = self.machine();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", authorization.as_str()),
        ];
        let form = Some("grant_type=client_credentials");
        let answer = wire.call("POST", "/token", &headers, form).await?;
        let tokens = answer.expect(200)?.json()?;
        let token = tokens.get("access_token").and_then(Value::as_str);
        Ok(token.context("the peer gave no token")?.to_owned())
    }

    /// Where it is.
    pub fn site(&self) -> &Arc<crate::http::Site> {
        &self.server.site
    }
}

fn which(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    let mut found = found.filter(|file| file.is_file());
    found
        .next()
        .with_context(|| format!("{name} is not installed"))
}

fn install(target: &Path) -> Result<PathBuf> {
    let folder = target.join("peer");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("peer.mjs"), SCRIPT)?;
    if !folder
        .join("node_modules/oidc-provider/package.json")
        .is_file()
    {
        std::fs::write(folder.join("package.json"), PACKAGE)?;
        let npm = Command::new(which("npm")?)
            .args(["install", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .output()?;
        if !npm.status.success() {
            bail!("npm cannot install oidc-provider");
        }
    }
    Ok(folder)
}
