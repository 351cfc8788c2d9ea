//! Two instances of the product, TechPass and WOG, as processes of their own, with people and applications.

use crate::http::{Site, Wire};
use crate::machine::{self, Cores};
use crate::phone::{Phone, now_s};
use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use techpass_server::seal::{Seal, hashed};
use techpass_store::{Store, Write};

/// The application that people sign in to.
pub const PORTAL: &str = "portal";
/// The application that gets tokens for itself.
pub const MACHINE: &str = "machine";
/// Where the portal's answers go; nobody listens there, the generator reads the redirect.
pub const CALLBACK: &str = "http://localhost:9/callback";
/// The password of every vendor.
pub const PASSWORD: &str = "correct horse battery staple";
/// The key of every world; a phone's seed is as fixed.
pub const MASTER_KEY: [u8; 32] = [7; 32];

/// The seed of every phone's verification codes.
pub const PHONE_SEED: [u8; 20] = [7; 20];

/// A fresh value of 256 random bits.
pub fn secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("the system gives no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

/// A server's process; it ends with this value.
pub struct Server {
    /// Where it answers.
    pub site: Arc<Site>,
    child: Child,
}

impl Server {
    /// Starts a command that will answer `ready` on the port, and waits until it does.
    pub async fn start(
        command: std::process::Command,
        port: u16,
        ready: &str,
    ) -> Result<(Server, Duration)> {
        let site = Arc::new(Site {
            address: ([127, 0, 0, 1], port).into(),
            host: format!("localhost:{port}"),
        });
        Server::start_at(command, site, ready).await
    }

    /// The same at a site whose name need not be that of its port.
    pub async fn start_at(
        mut command: std::process::Command,
        site: Arc<Site>,
        ready: &str,
    ) -> Result<(Server, Duration)> {
        let began = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut server = Server { site, child };
        let mut wire = Wire::new(&server.site);
        while began.elapsed() < Duration::from_secs(60) {
            if wire
                .get(ready)
                .await
                .is_ok_and(|answer| answer.status == 200)
            {
                return Ok((server, began.elapsed()));
            }
            if server.child.try_wait()?.is_some() {
                bail!("{} ended at once", command.get_program().display());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!(
            "{} is not ready after a minute",
            command.get_program().display()
        )
    }

    /// Ends it at once, as a crash would.
    pub fn end(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal by its name, `STOP` or `TERM`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        if !sent.context("kill does not run")?.success() {
            bail!("the signal {name} was not sent");
        }
        Ok(())
    }

    /// Its exit code, when it has ended by itself.
    pub fn ended(&mut self) -> Result<Option<i32>> {
        let status = self.child.try_wait()?;
        Ok(status.map(|status| status.code().unwrap_or(-1)))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The whole world is thrown away; nothing has to be closed well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person with a phone.
pub struct Person {
    /// What is typed.
    pub login_id: String,
    /// The account where the phone is.
    pub account: String,
    /// The phone.
    pub phone: Phone,
}

/// Which people a world has.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Officers, at home at WOG.
    pub officers: usize,
    /// Vendors of TechPass, whose password costs next to nothing to check.
    pub vendors: usize,
    /// Vendors whose password costs what the product makes it cost.
    pub slow_vendors: usize,
}

/// Everything a flow needs.
pub struct World {
    /// TechPass.
    pub techpass: Server,
    /// WOG.
    pub wog: Server,
    /// Officers.
    pub officers: Vec<Rc<Person>>,
    /// Vendors with a cheap password.
    pub vendors: Vec<Rc<Person>>,
    /// Vendors with a real one.
    pub slow_vendors: Vec<Rc<Person>>,
    /// The key of a government computer, for the cookie at WOG.
    pub device: String,
    /// The portal's secret at TechPass and at WOG.
    pub portal_secret: String,
    /// The machine's.
    pub machine_secret: String,
    /// The URL of TechPass's database.
    pub database: String,
    /// What discovery says of TechPass.
    pub discovery: Value,
}

/// How a world is started.
pub struct Plan<'a> {
    /// The program `techpass`.
    pub program: &'a Path,
    /// A folder on a real disk; emptied first.
    pub directory: &'a Path,
    /// Which cores.
    pub cores: Cores,
    /// Who lives there.
    pub population: Population,
    /// The URL of TechPass's database, when it is not the embedded one.
    pub database: Option<String>,
}

impl Plan<'_> {
    fn database(&self, role: &str) -> String {
        let embedded = || embedded(self.directory, role);
        let own = self.database.clone().filter(|_| role == "techpass");
        own.unwrap_or_else(embedded)
    }
}

fn embedded(directory: &Path, role: &str) -> String {
    let path = directory.join(format!("{role}.db"));
    format!("sqlite:{}", path.display())
}

impl World {
    /// Fills two databases and starts two servers.
    pub async fn start(plan: &Plan<'_>) -> Result<World> {
        let directory = plan.directory.to_owned();
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)?;
        let ports = (free_port()?, free_port()?);
        let issuers = (
            format!("http://localhost:{}", ports.0),
            format!("http://localhost:{}", ports.1),
        );
        let (upstream_secret, portal_secret, machine_secret) = (secret()?, secret()?, secret()?);
        std::fs::write(directory.join("wog.secret"), &upstream_secret)?;
        let key: String = MASTER_KEY
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // A file for each: the file that tells a restored database apart lies beside it.
        for role in ["techpass", "wog"] {
            std::fs::write(directory.join(format!("{role}.key")), &key)?;
        }
        let device = secret()?;
        let wog_db = Filler::open(&directory, "wog").await?;
        let database = plan.database("techpass");
        let techpass_db = Filler::of(&database, &MASTER_KEY).await?;
        let back = format!("{}/upstream/wog/callback", issuers.0);
        wog_db.client("techpass", &upstream_secret, &back).await?;
        wog_db.client(PORTAL, &portal_secret, CALLBACK).await?;
        wog_db.device(&device).await?;
        techpass_db.client(PORTAL, &portal_secret, CALLBACK).await?;
        techpass_db
            .client(MACHINE, &machine_secret, CALLBACK)
            .await?;
        let people = plan.population;
        let officers = wog_db
            .people("officer", people.officers, "officer", None)
            .await?;
        techpass_db.at_home_elsewhere(&officers, &issuers.1).await?;
        let (cheap, dear) = (cheap_hash()?, real_hash()?);
        let vendors = techpass_db
            .people("vendor", people.vendors, "vendor", Some(&cheap))
            .await?;
        let slow_vendors = techpass_db
            .people("slow", people.slow_vendors, "vendor", Some(&dear))
            .await?;
        wog_db.close().await?;
        techpass_db.close().await?;
        let upstream = upstream_toml(&directory, &issuers.1);
        let (wog, _) = serve(plan, ports.1, "wog", "").await?;
        let (techpass, _) = serve(plan, ports.0, "techpass", &upstream).await?;
        let discovery = Wire::new(&techpass.site).get(DISCOVERY).await?.json()?;
        Ok(World {
            techpass,
            wog,
            officers,
            vendors,
            slow_vendors,
            device,
            portal_secret,
            machine_secret,
            database,
            discovery,
        })
    }

    /// Whether TechPass says that it has something.
    pub fn offers(&self, member: &str, value: &str) -> bool {
        match self.discovery.get(member) {
            Some(Value::Array(all)) => all.iter().any(|one| one == value),
            Some(Value::String(_)) => value.is_empty(),
            _ => false,
        }
    }
}

/// The address that says that a server is ready.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A path as TOML writes it.
pub fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

fn upstream_toml(directory: &Path, issuer: &str) -> String {
    format!(
        "\n[[upstream]]\nid = \"wog\"\nname = \"WOG\"\nissuer = \"{issuer}\"\nclient_id = \"techpass\"\n\
         client_secret_file = {}\ndomains = [\"agency.example\"]\n",
        quoted(&directory.join("wog.secret"))
    )
}

/// Starts one instance. Limits are an operator's to set; these are wide, since the generator asks as a whole population.
pub async fn serve(
    plan: &Plan<'_>,
    port: u16,
    role: &str,
    more: &str,
) -> Result<(Server, Duration)> {
    let directory = plan.directory;
    let text = format!(
        "public_url = \"http://localhost:{port}\"\nlisten = \"127.0.0.1:{port}\"\nrole = \"{role}\"\n\
         [database]\nurl = {}\n[secrets]\nmaster_key_file = {}\n[brand]\nname = \"{role}\"\n\
         [outbound]\nallow_private = true\n\
         [limits.circles]\nmax = 0\n[limits.number]\nshort_max = 1000000\nshort_s = 60\nlong_max = 1000000\nlong_s = 60\n{more}",
        toml::Value::String(plan.database(role)),
        quoted(&directory.join(format!("{role}.key"))),
    );
    let config = directory.join(format!("{role}.toml"));
    std::fs::write(&config, text)?;
    let log = std::fs::File::create(directory.join(format!("{role}.log")))?;
    let mut command = machine::command(plan.program, plan.cores);
    command.arg("serve").arg("--config").arg(&config);
    command.env("TECHPASS_LOG", "warn").stderr(log);
    Server::start(command, port, DISCOVERY).await
}

/// A password hash that costs next to nothing to check.
pub fn cheap_hash() -> Result<String> {
    hash(argon2::Params::new(8, 1, 1, None).map_err(|_| anyhow!("argon2 parameters"))?)
}

fn hash(params: argon2::Params) -> Result<String> {
    use argon2::password_hash::PasswordHasher;
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash = argon2.hash_password(PASSWORD.as_bytes());
    Ok(hash
        .map_err(|_| anyhow!("the password cannot be hashed"))?
        .to_string())
}

/// With the parameters that the product hashes with.
fn real_hash() -> Result<String> {
    hash(argon2::Params::new(19 * 1024, 2, 1, None).map_err(|_| anyhow!("argon2 parameters"))?)
}

/// A database that is being filled before its server starts.
pub struct Filler {
    store: Store,
    seal: Seal,
}

impl Filler {
    /// Opens or makes the database of a role.
    pub async fn open(directory: &Path, role: &str) -> Result<Filler> {
        Filler::of(&embedded(directory, role), &MASTER_KEY).await
    }

    /// Opens or makes the database at a URL, of servers with this master key.
    pub async fn of(url: &str, master: &[u8; 32]) -> Result<Filler> {
        let store = Store::open(url, techpass_store::Open::default()).await?;
        let seal = Seal::new(master)?;
        Ok(Filler { store, seal })
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Lets go of it.
    pub async fn close(self) -> Result<()> {
        Ok(self.store.close().await?)
    }

    /// Adds an application.
    pub async fn client(&self, id: &str, secret: &str, redirect_uri: &str) -> Result<()> {
        // As text, so that what the product adds to a client's record takes its own default here.
        let grants = match id {
            MACHINE => json!(["client_credentials"]),
            _ => json!(["authorization_code", "refresh_token"]),
        };
        let client = json!({
            "id": id, "name": id, "redirect_uris": [redirect_uri], "grant_types": grants,
            "auth_method": "client_secret_basic",
            "secrets": [{ "sha256": hashed(secret), "created_at": now_s() }],
            "id_token_signed_response_alg": "ES256",
            "scopes": ["openid", "profile", "email", "offline_access"],
            "broker": id == "techpass", "created_at": now_s(),
        });
        let client = serde_json::from_value(client)?;
        Ok(self.store.commit(vec![Write::AddClient(client)]).await?)
    }

    async fn device(&self, key: &str) -> Result<()> {
        let device = serde_json::from_value(json!({
            "id": "dev_bench", "class": "non-se-gsib", "owner": null, "name": "Bench",
            "enrolled_at": now_s(),
        }))?;
        let key_sha256 = hashed(key);
        let write = Write::AddDevice { device, key_sha256 };
        Ok(self.store.commit(vec![write]).await?)
    }

    /// Adds people with a phone each, and a password where one is given.
    pub async fn people(
        &self,
        name: &str,
        count: usize,
        kind: &str,
        phc: Option<&str>,
    ) -> Result<Vec<Rc<Person>>> {
        let domain = if kind == "officer" {
            "agency.example"
        } else {
            "techpass.example"
        };
        let (mut all, mut writes) = (Vec::with_capacity(count), Vec::new());
        for n in 0..count {
            let login_id = format!("{name}{n}@{domain}");
            let account = format!("acc_{name}{n:08}");
            let phone = Phone::new(&format!("phn_{name}{n:08}"))?;
            writes.push(Write::AddAccount(account_of(
                &account, &login_id, kind, "local",
            )?));
            writes.push(self.phone(&account, &phone)?);
            if let Some(phc) = phc {
                writes.push(Write::SetPassword {
                    account: techpass_domain::id::AccountId::new(account.as_str()),
                    phc: phc.to_owned(),
                    at: techpass_domain::time::Timestamp(now_s()),
                });
            }
            all.push(Rc::new(Person {
                login_id,
                account,
                phone,
            }));
            if writes.len() > 1000 {
                self.store.commit(std::mem::take(&mut writes)).await?;
            }
        }
        self.store.commit(writes).await?;
        Ok(all)
    }

    fn phone(&self, account: &str, phone: &Phone) -> Result<Write> {
        let authenticator = serde_json::from_value(json!({
            "id": phone.id, "account": account, "name": "Robot", "key": phone.public()?,
            "enrolled_at": now_s(),
        }))?;
        let place = format!("authenticators|{}", phone.id);
        Ok(Write::AddAuthenticator {
            authenticator,
            sealed_seed: self.seal.seal(&place, &PHONE_SEED)?,
        })
    }

    /// The officers' records at TechPass, linked to their accounts at WOG.
    async fn at_home_elsewhere(&self, officers: &[Rc<Person>], issuer: &str) -> Result<()> {
        for some in officers.chunks(500) {
            let mut writes = Vec::new();
            for person in some {
                let id = format!("{}_tp", person.account);
                let home = json!({ "upstream": "wog" });
                writes.push(Write::AddAccount(account_of(
                    &id,
                    &person.login_id,
                    "officer",
                    home,
                )?));
                writes.push(Write::Link {
                    issuer: issuer.to_owned(),
                    subject: person.account.clone(),
                    account: techpass_domain::id::AccountId::new(id),
                    at: techpass_domain::time::Timestamp(now_s()),
                });
            }
            self.store.commit(writes).await?;
        }
        Ok(())
    }
}

/// A record of an account.
pub fn account_of(
    id: &str,
    login_id: &str,
    kind: &str,
    home: impl Into<Value>,
) -> Result<techpass_domain::account::Account> {
    Ok(serde_json::from_value(json!({
        "id": id, "login_id": login_id, "name": format!("Robot {id}"), "organisation": "Agency",
        "email": login_id, "kind": kind, "home": home.into(), "status": "active",
        "created_at": now_s(),
    }))?)
}

/// The header by which a client shows its secret.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}
