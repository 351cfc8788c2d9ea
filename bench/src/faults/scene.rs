//! One issuer with its servers, its people and their history, in a folder of its own.

use super::checker::{self, Violation};
use super::history::History;
use super::keys::KeyCache;
use super::person::{Person, Shared};
use super::script::Crowd;
use crate::http::{Site, Wire, path_of};
use crate::machine::{self, Cores};
use crate::world::{
    self, CALLBACK, DISCOVERY, Filler, MASTER_KEY, PORTAL, Server, basic, free_port, quoted,
};
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// People of a usual crowd.
pub const CROWD: usize = 24;
/// For how long after it was acknowledged a fact is looked for, in microseconds.
pub const LATELY_US: u64 = 45_000_000;
/// Accounts whose codes are typed twice.
const CODES: usize = 200;

/// A server that can be ended and started again.
pub struct Node {
    /// Its process; nothing while it is down.
    pub server: Option<Server>,
    /// Where it answers.
    pub site: Arc<Site>,
    config: PathBuf,
    program: PathBuf,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Milliseconds from each start to the first answer.
    pub ready_ms: Vec<f64>,
}

impl Node {
    /// Starts it, and waits until it answers.
    pub async fn start(&mut self) -> Result<Duration> {
        let mut command = machine::command(&self.program, Cores::Shared);
        command.arg("serve").arg("--config").arg(&self.config);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.config.with_extension("log"))?;
        command.env("TECHPASS_LOG", "warn").stderr(log);
        command.envs(self.environment.iter().cloned());
        let site = Arc::clone(&self.site);
        let (server, took) = Server::start_at(command, site, DISCOVERY).await?;
        self.server = Some(server);
        self.ready_ms.push(took.as_secs_f64() * 1000.0);
        Ok(took)
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        match self.server.take() {
            Some(mut server) => server.end(),
            None => Ok(()),
        }
    }

    /// Asks it to end, and waits until it has; its exit code.
    pub async fn stop(&mut self) -> Result<i32> {
        let mut server = self.server.take().context("the server is not running")?;
        server.signal("TERM")?;
        loop {
            if let Some(code) = server.ended()? {
                return Ok(code);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Where a scene is, and what is special about it.
pub struct Setting<'a> {
    /// The program `techpass`.
    pub program: &'a Path,
    /// Its folder; emptied first.
    pub directory: PathBuf,
    /// The database; a file in the folder when left out.
    pub database: Option<String>,
    /// How many servers.
    pub nodes: usize,
    /// How many people.
    pub people: usize,
    /// More configuration.
    pub more: String,
}

/// Servers that somebody else runs.
pub struct Shore {
    /// Where they answer.
    pub site: Arc<Site>,
    /// Their database.
    pub database: String,
    /// Their master key.
    pub master: [u8; 32],
    /// Where the application's secret is kept from one scene to the next.
    pub secret_file: PathBuf,
}

/// The whole of it.
pub struct Scene {
    /// Servers of the one issuer.
    pub nodes: Vec<Node>,
    /// What everybody shares.
    pub shared: Rc<Shared>,
    /// Its folder.
    pub directory: PathBuf,
    people: Vec<Rc<world::Person>>,
    temps: Vec<Rc<world::Person>>,
}

/// Vendors by password and number, temporary staff by password and code.
const RULES: &str = "
[[access.rules]]
name = \"By code\"
kinds = [\"temp\"]
then = { require = [\"password\", \"code\"] }
[[access.rules]]
name = \"By number\"
kinds = [\"vendor\"]
then = { require = [\"password\", \"number\"] }
";

impl Scene {
    /// Fills the database and starts every server.
    pub async fn open(setting: Setting<'_>) -> Result<Scene> {
        let mut scene = Scene::lay_down(setting).await?;
        scene.start().await?;
        Ok(scene)
    }

    /// Fills the database; the servers are started later.
    pub async fn lay_down(setting: Setting<'_>) -> Result<Scene> {
        let directory = setting.directory;
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)?;
        let file = format!("sqlite:{}", directory.join("techpass.db").display());
        let database = setting.database.unwrap_or(file);
        let key: String = MASTER_KEY
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        std::fs::write(directory.join("master.key"), key)?;
        let secret = world::secret()?;
        let filler = Filler::of(&database, &MASTER_KEY).await?;
        filler.client(PORTAL, &secret, CALLBACK).await?;
        let hash = world::cheap_hash()?;
        let people = filler
            .people("vendor", setting.people, "vendor", Some(&hash))
            .await?;
        let temps = filler.people("temp", CODES, "temp", Some(&hash)).await?;
        filler.close().await?;
        let public = free_port()?;
        let mut nodes = Vec::new();
        for n in 0..setting.nodes {
            let port = if n == 0 { public } else { free_port()? };
            let config = directory.join(format!("node{n}.toml"));
            let text = configuration(&directory, &database, (public, port));
            std::fs::write(&config, text + &setting.more + RULES)?;
            nodes.push(Node {
                server: None,
                site: Arc::new(Site {
                    address: ([127, 0, 0, 1], port).into(),
                    host: format!("localhost:{public}"),
                }),
                config,
                program: setting.program.to_owned(),
                environment: Vec::new(),
                ready_ms: Vec::new(),
            });
        }
        let sites = nodes.iter().map(|node| Arc::clone(&node.site)).collect();
        let shared = shared(sites, &secret);
        Ok(Scene {
            nodes,
            shared,
            directory,
            people,
            temps,
        })
    }

    /// People of its own at servers that run already; the history is written to the folder.
    pub async fn at(shore: Shore, directory: &Path, people: usize) -> Result<Scene> {
        std::fs::create_dir_all(directory)?;
        let filler = Filler::of(&shore.database, &shore.master).await?;
        let secret = match std::fs::read_to_string(&shore.secret_file) {
            Ok(secret) => secret,
            Err(_) => {
                let secret = world::secret()?;
                filler.client(PORTAL, &secret, CALLBACK).await?;
                std::fs::write(&shore.secret_file, &secret)?;
                secret
            }
        };
        let hash = world::cheap_hash()?;
        // Others were here before.
        let name = |kind: &str| format!("{kind}{:x}x", crate::phone::now_s());
        let (vendors, temps) = (name("vendor"), name("temp"));
        let people = filler
            .people(&vendors, people, "vendor", Some(&hash))
            .await?;
        let temps = filler.people(&temps, CODES, "temp", Some(&hash)).await?;
        filler.close().await?;
        let mut scene = Scene {
            nodes: Vec::new(),
            shared: shared(vec![shore.site], &secret),
            directory: directory.to_owned(),
            people,
            temps,
        };
        scene.start().await?;
        Ok(scene)
    }

    /// Starts every server, and reads what they offer.
    pub async fn start(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.start().await?;
        }
        let site = self.shared.sites.first().context("there is no server")?;
        let offered = Wire::new(site).get(DISCOVERY).await?.json()?;
        let path = |name: &str| {
            let url = offered.get(name).and_then(serde_json::Value::as_str);
            url.map(|url| path_of(url).to_owned())
        };
        if let Some(shared) = Rc::get_mut(&mut self.shared) {
            shared.revocation = path("revocation_endpoint");
            shared.introspection = path("introspection_endpoint");
        }
        Ok(())
    }

    /// Everybody, doing what people do.
    pub fn crowd(&self) -> Crowd {
        let one = |(actor, who)| Person::new(actor, who, &self.shared);
        let people = self.people.iter().enumerate().filter_map(one).collect();
        let temps = (self.people.len()..).zip(&self.temps);
        Crowd::gather(people, temps.filter_map(one).collect())
    }

    /// One person more, for a fault that needs somebody in particular.
    pub fn person(&self, n: usize) -> Result<Person> {
        self.one_of(&self.people, n)
    }

    /// The same for somebody who signs in by code.
    pub fn temp(&self, n: usize) -> Result<Person> {
        self.one_of(&self.temps, n)
    }

    fn one_of(&self, all: &[Rc<world::Person>], n: usize) -> Result<Person> {
        let who = all.get(n % all.len().max(1));
        let actor = self.people.len() + self.temps.len() + n;
        let person = who.and_then(|who| Person::new(actor, who, &self.shared));
        person.context("there is nobody")
    }

    /// Where the first server answers.
    pub fn site(&self) -> Result<Arc<Site>> {
        let site = self.shared.sites.first().cloned();
        site.context("there is no server")
    }

    /// The first server.
    pub fn node(&mut self) -> Result<&mut Node> {
        self.nodes.first_mut().context("there is no server")
    }

    /// What the history says; it is written beside the database.
    pub fn judge(&self, slack: Duration) -> Result<Vec<Violation>> {
        let history = &self.shared.history;
        history.write(&self.directory.join("history.jsonl"))?;
        let slack_us = u64::try_from(slack.as_micros()).unwrap_or(0);
        Ok(checker::check(&history.sorted(), slack_us))
    }

    /// Copies the database, looks at every page and reference of the copy, and looks for everything that clients were told
    /// lately; what is wrong with it.
    pub fn examine(&self) -> Result<Option<String>> {
        let copy = self.directory.join("copy.db");
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(with_end(&copy, end));
        }
        for end in ["", "-wal"] {
            let from = with_end(&self.directory.join("techpass.db"), end);
            if from.exists() {
                std::fs::copy(from, with_end(&copy, end))?;
            }
        }
        if let Some(wrong) = examine(&copy)? {
            return Ok(Some(wrong));
        }
        let connection = rusqlite::Connection::open(&copy)?;
        let since_us = self.shared.history.now_us().saturating_sub(LATELY_US);
        let mut facts = self.shared.facts.borrow_mut();
        // What is older may be swept away by its time.
        facts.retain(|fact| fact.at_us > since_us);
        for fact in facts.iter() {
            if !fact.holds(&connection)? {
                return Ok(Some(format!("lost: {} at {} us", fact.what, fact.at_us)));
            }
        }
        Ok(None)
    }
}

/// What everybody at these servers shares.
fn shared(sites: Vec<Arc<Site>>, secret: &str) -> Rc<Shared> {
    Rc::new(Shared {
        history: History::new(),
        facts: RefCell::default(),
        sites,
        authorization: basic(PORTAL, secret),
        keys: KeyCache::default(),
        revocation: None,
        introspection: None,
    })
}

/// A path with more at its end.
pub fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// What `integrity_check` and `foreign_key_check` find.
pub fn examine(path: &Path) -> Result<Option<String>> {
    let connection = rusqlite::Connection::open(path)?;
    let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if said != "ok" {
        return Ok(Some(said));
    }
    let mut dangling = connection.prepare("PRAGMA foreign_key_check")?;
    let dangles = dangling.exists([])?;
    Ok(dangles.then(|| "a reference dangles".to_owned()))
}

fn configuration(directory: &Path, database: &str, (public, port): (u16, u16)) -> String {
    format!(
        "public_url = \"http://localhost:{public}\"\nlisten = \"127.0.0.1:{port}\"\nrole = \"techpass\"\n\
         [database]\nurl = {}\n[secrets]\nmaster_key_file = {}\n[brand]\nname = \"techpass\"\n\
         [outbound]\nallow_private = true\n[limits.circles]\nmax = 0\n\
         [limits.number]\nshort_max = 1000000\nshort_s = 60\nlong_max = 1000000\nlong_s = 60\n",
        toml::Value::String(database.to_owned()),
        quoted(&directory.join("master.key")),
    )
}

/// An application's receiver of log-out notices, which can be mute.
pub struct Receivers {
    address: std::net::SocketAddr,
    mute: Rc<Cell<bool>>,
    taken: Rc<RefCell<BTreeSet<String>>>,
}

impl Receivers {
    /// Listens on loopback.
    pub async fn listen() -> Result<Receivers> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let receivers = Receivers {
            address: listener.local_addr()?,
            mute: Rc::default(),
            taken: Rc::default(),
        };
        let (mute, taken) = (Rc::clone(&receivers.mute), Rc::clone(&receivers.taken));
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(receive(stream, Rc::clone(&mute), Rc::clone(&taken)));
            }
        });
        Ok(receivers)
    }

    /// Whether it takes notices and says nothing.
    pub fn mute(&self, mute: bool) {
        self.mute.set(mute);
    }

    /// Sessions whose notice was taken.
    pub fn taken(&self) -> usize {
        self.taken.borrow().len()
    }
}

async fn receive(
    mut stream: tokio::net::TcpStream,
    mute: Rc<Cell<bool>>,
    taken: Rc<RefCell<BTreeSet<String>>>,
) -> Option<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut input = Vec::new();
    loop {
        if stream.read_buf(&mut input).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&input);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        })?;
        if body.len() < length {
            continue;
        }
        if mute.get() {
            // As a program that hangs: the connection stays open until the other side gives up.
            std::future::pending::<()>().await;
        }
        let payload = body.split('.').nth(1)?;
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        taken
            .borrow_mut()
            .insert(claims.get("sid")?.as_str()?.to_owned());
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.ok()?;
        input.clear();
    }
}

impl Scene {
    /// The portal is told of log-outs there; to be said before the servers start.
    pub fn tell(&self, receivers: &Receivers) -> Result<()> {
        let connection = rusqlite::Connection::open(self.directory.join("techpass.db"))?;
        let uri = format!("http://{}/logout", receivers.address);
        connection.execute(
            "UPDATE clients SET data = json_set(data, '$.backchannel_logout_uri', $1) WHERE id = $2",
            [uri.as_str(), PORTAL],
        )?;
        Ok(())
    }
}
