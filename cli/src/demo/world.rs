//! Everything a demonstration runs: two servers, a portal, the phone's web app, the control page.

use super::people::{PASSWORD, PEOPLE, Person, probe_claims};
use super::{Origins, configs, control, moved, tls};
use crate::exit::Failure;
use crate::phone::Phone;
use crate::say::note;
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use techpass_server::admin::{self, NewAccount};
use techpass_server::app::{App, Error};
use techpass_server::chance;
use techpass_server::clients::{self, Wanted};
use techpass_server::clock::Clock;
use techpass_server::config::{Config, Tls};
use techpass_server::serve::{self, Certificate, Listeners, Places, Terms};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// A running demonstration.
pub struct World {
    /// Its addresses.
    pub origins: Origins,
    /// Where its data is.
    pub data: PathBuf,
    /// TechPass.
    pub techpass: App,
    /// WOG.
    pub wog: App,
    /// Certificate authority, with `--tls`.
    pub ca: Option<PathBuf>,
    stop: serve::Stop,
    running: tokio::sync::Mutex<JoinSet<Result<(), Failure>>>,
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

/// The secret in a file, made when there is none yet.
fn secret_file(
    path: &Path,
    fresh: impl FnOnce() -> Result<String, Failure>,
) -> Result<String, Failure> {
    if let Ok(text) = std::fs::read_to_string(path) {
        return Ok(text.trim().to_owned());
    }
    let text = fresh()?;
    write_private(path, text.as_bytes())?;
    Ok(text)
}

/// A master key as `techpass init` writes it.
pub fn new_master_key() -> Result<String, Failure> {
    let bytes = chance::bytes::<32>().map_err(Failure::system)?;
    Ok(techpass_server::seal::hex(&bytes))
}

impl World {
    /// Prepares the data, starts everything, and returns when a person can sign in.
    pub async fn start(origins: &Origins, data: &Path, with_tls: bool) -> Result<World, Failure> {
        for dir in [data.to_owned(), data.join("phones")] {
            std::fs::create_dir_all(&dir).map_err(|error| {
                Failure::failed(format!(
                    "cannot use the data directory {}: {error}; choose another with --data",
                    dir.display()
                ))
            })?;
        }
        // Ports first: nothing is written for a demonstration that cannot start.
        let mut listeners = Vec::new();
        for offset in 0..5 {
            listeners.push(serve::bind("listen", &origins.listen(offset))?);
        }
        let files = match with_tls {
            // Browsers compare certificates with the time that is.
            true => Some(tls::prepare(data, origins, Clock::system().now())?),
            false => None,
        };
        let clock = Clock::system();
        // Codes and numbers were used by the moved clock of the runs before.
        clock.advance(moved::read(data)?);
        let upstream_secret = secret_file(&data.join("wog-client.secret"), || {
            chance::prefixed("tp_cs_").map_err(Failure::system)
        })?;
        let portal_secret = secret_file(&data.join("portal-client.secret"), || {
            chance::prefixed("tp_cs_").map_err(Failure::system)
        })?;
        let wog = start_one(
            &configs::wog(origins, data, files.as_ref()),
            data,
            "wog",
            &clock,
        )
        .await?;
        let techpass_text = configs::techpass(origins, data, files.as_ref());
        let techpass = start_one(&techpass_text, data, "techpass", &clock).await?;
        let world = World {
            origins: origins.clone(),
            data: data.to_owned(),
            techpass,
            wog,
            ca: files.as_ref().map(|files| files.ca.clone()),
            stop: serve::Stop::new(),
            running: tokio::sync::Mutex::new(JoinSet::new()),
        };
        world.populate(&upstream_secret, &portal_secret).await?;
        world
            .serve(listeners, files.as_ref(), &portal_secret)
            .await?;
        world.enrol_phones().await?;
        Ok(world)
    }

    /// Serves all five origins.
    async fn serve(
        &self,
        listeners: Vec<std::net::TcpListener>,
        files: Option<&tls::Files>,
        portal_secret: &str,
    ) -> Result<(), Failure> {
        let certificate = match files {
            Some(files) => Some(
                Certificate::load(&Tls {
                    certificate_file: files.certificate.clone(),
                    key_file: files.key.clone(),
                })
                .await?,
            ),
            None => None,
        };
        // One process, so the five share what its limit of files allows.
        let databases = [&self.techpass, &self.wog].map(|app| app.config.database.descriptors());
        let terms = Terms {
            certificate,
            places: Places::within_limit_of_files(None, databases.iter().sum()),
            stop: self.stop.clone(),
        };
        let mut running = self.running.lock().await;
        let issuers = [self.origins.techpass(), self.origins.wog()];
        let authenticator = url(&self.origins.authenticator())?;
        let phone_app = techpass_server::authenticator::web_app::router(&authenticator, &issuers);
        let portal = self.portal(portal_secret)?;
        let control = control::router(self);
        for (offset, listener) in listeners.into_iter().enumerate() {
            let terms = terms.clone();
            let (app, router) = match offset {
                0 => (None, portal.clone()),
                1 => (Some(self.techpass.clone()), axum::Router::new()),
                2 => (Some(self.wog.clone()), axum::Router::new()),
                3 => (None, phone_app.clone()),
                _ => (None, control.clone()),
            };
            running.spawn(async move {
                let served = match app {
                    Some(app) => one(app, listener, terms).await,
                    None => serve::listen(listener, router, terms).await,
                };
                served.map_err(Failure::from)
            });
        }
        Ok(())
    }

    fn portal(&self, secret: &str) -> Result<axum::Router, Failure> {
        let public_url = url(&self.origins.docs_portal())?;
        let issuer = url(&self.origins.techpass())?;
        let mut config = docs_portal::Config::new(public_url, issuer, "docs-portal");
        config.client_secret = Some(docs_portal::Secret::from(secret.to_owned()));
        config.demo = true;
        let clock = self.techpass.clock.clone();
        config.now = Arc::new(move || clock.now().0);
        if let Some(ca) = &self.ca {
            config.extra_ca_pem = Some(std::fs::read(ca).map_err(Failure::system)?);
        }
        docs_portal::router(config).map_err(Failure::system)
    }

    /// Accounts and clients, unless an earlier run made them.
    async fn populate(&self, upstream_secret: &str, portal_secret: &str) -> Result<(), Failure> {
        let docs = self.origins.docs_portal();
        let techpass = self.origins.techpass();
        let mut broker = client(
            "techpass",
            json!({
                "client_name": "TechPass",
                "redirect_uris": [format!("{techpass}/upstream/wog/callback")],
                "backchannel_logout_uri": format!("{techpass}/upstream/wog/backchannel-logout"),
            }),
        );
        broker.traits.broker = Some(true);
        add_client(&self.wog, broker, upstream_secret).await?;
        let portal = client(
            "docs-portal",
            json!({
                "client_name": "Docs portal",
                "redirect_uris": [format!("{docs}/auth/callback")],
                "post_logout_redirect_uris": [format!("{docs}/logged-out")],
                "backchannel_logout_uri": format!("{docs}/backchannel-logout"),
                "initiate_login_uri": format!("{docs}/auth/start"),
            }),
        );
        add_client(&self.techpass, portal, portal_secret).await?;
        for person in &PEOPLE {
            add_person(self, person).await?;
        }
        Ok(())
    }

    /// A phone for everybody, with a profile at each server that knows them; over HTTP, like any phone.
    async fn enrol_phones(&self) -> Result<(), Failure> {
        for person in &PEOPLE {
            let path = self.phone_path(person);
            let mut phone =
                Phone::open_trusting(&path, self.ca.as_deref()).map_err(Failure::system)?;
            for app in [&self.wog, &self.techpass] {
                let enrolled = phone.accounts().iter().any(|profile| {
                    profile.issuer == app.issuer && profile.account == person.login_id
                });
                let account = app.store.account_by_login_id(person.login_id).await;
                let account = account.map_err(Failure::system)?;
                let (Some(account), false) = (account, enrolled) else {
                    continue;
                };
                let link =
                    techpass_server::authenticator::enrol::link(app, &account.id, 600).await?;
                let name = format!("{}'s phone", person.name);
                phone.enrol(&link, &name).await.map_err(Failure::system)?;
            }
        }
        Ok(())
    }

    /// The path of a person's phone file.
    pub fn phone_path(&self, person: &Person) -> PathBuf {
        let phones = self.data.join("phones");
        let phones = phones.canonicalize().unwrap_or(phones);
        phones.join(person.phone_file())
    }

    /// The line of JSON that says it is ready.
    pub fn describe(&self, ready_ms: u64) -> serde_json::Value {
        let people: Vec<_> = PEOPLE
            .iter()
            .map(|person| {
                json!({
                    "login_id": person.login_id,
                    "password": (!person.is_officer()).then_some(PASSWORD),
                    "kind": person.kind_word(),
                    "device": person.device_word(),
                    "phone": self.phone_path(person),
                })
            })
            .collect();
        json!({
            "docs_portal": self.origins.docs_portal(),
            "techpass": self.origins.techpass(),
            "wog": self.origins.wog(),
            "authenticator": self.origins.authenticator(),
            "control": self.origins.control(),
            "people": people,
            "ready_ms": ready_ms,
        })
    }

    /// What a person reads.
    pub fn greet(&self) {
        let origins = &self.origins;
        note!("\nThe demonstration is ready. Open the Docs portal and log in.\n");
        for (name, url) in [
            ("Docs portal", origins.docs_portal()),
            ("TechPass", origins.techpass()),
            ("WOG", origins.wog()),
            ("Authenticator", origins.authenticator()),
            ("Demo control", origins.control()),
        ] {
            note!("  {name:14} {url}");
        }
        note!("\nFirst choose this browser's computer and open a phone on the control page.");
        for person in &PEOPLE {
            let password = if person.is_officer() { "" } else { PASSWORD };
            note!(
                "  {:28} {:12} {password}",
                person.login_id,
                person.device_word()
            );
        }
        note!("\nStop it with Ctrl-C.");
    }

    /// Waits until one of the five ends by itself, which it should not.
    pub async fn ended(&self) -> Failure {
        let mut running = self.running.lock().await;
        match running.join_next().await {
            Some(Ok(Err(failure))) => failure,
            _ => Failure::failed("a part of the demonstration ended by itself"),
        }
    }

    /// Stops everything and waits for it.
    pub async fn stop(&self) {
        for app in [&self.techpass, &self.wog] {
            app.drain.begin();
            app.drain.close_streams();
        }
        self.stop
            .graceful_shutdown(Some(std::time::Duration::from_secs(1)));
        let mut running = self.running.lock().await;
        while running.join_next().await.is_some() {}
    }
}

async fn one(app: App, listener: std::net::TcpListener, terms: Terms) -> Result<(), Error> {
    let (certificate, places) = (terms.certificate, terms.places);
    let listeners = Listeners::over(listener, &app.config, certificate, places)?;
    serve::run(app, listeners, terms.stop).await
}

fn url(text: &str) -> Result<url::Url, Failure> {
    url::Url::parse(text).map_err(Failure::system)
}

async fn start_one(text: &str, data: &Path, role: &str, clock: &Clock) -> Result<App, Failure> {
    let key = data.join(format!("{role}-master.key"));
    secret_file(&key, new_master_key)?;
    let file = data.join(format!("{role}.toml"));
    std::fs::write(&file, text).map_err(Failure::system)?;
    let config = Config::read(&file, std::iter::empty())?;
    Ok(App::start(config, clock.clone(), true).await?)
}

fn client(id: &str, metadata: serde_json::Value) -> Wanted {
    Wanted {
        id: Some(id.to_owned()),
        metadata: metadata.as_object().cloned().unwrap_or_default(),
        ..Wanted::default()
    }
}

/// Adds a client with a known secret, unless it is there.
async fn add_client(app: &App, wanted: Wanted, secret: &str) -> Result<(), Failure> {
    clients::put(app, wanted, secret)
        .await
        .map_err(Failure::from)
}

async fn add_person(world: &World, person: &Person) -> Result<(), Failure> {
    let new = NewAccount {
        login_id: person.login_id.to_owned(),
        name: person.name.to_owned(),
        email: Some(match person.is_officer() {
            true => person.login_id.to_owned(),
            false => format!(
                "{}@mail.example",
                person.phone_file().trim_end_matches(".json")
            ),
        }),
        organisation: person.is_officer().then(|| "Agency".to_owned()),
        kind: Some(person.kind),
        tenant_administrator: person.administrator,
        ..NewAccount::default()
    };
    let mut here = new.clone();
    if person.is_officer() {
        let at_home = match world.wog.store.account_by_login_id(person.login_id).await {
            Ok(Some(account)) => account,
            Ok(None) => admin::add_account(&world.wog, new).await?,
            Err(error) => return Err(Failure::system(error)),
        };
        here.upstream_subject = Some(at_home.id.as_str().to_owned());
    }
    let known = world
        .techpass
        .store
        .account_by_login_id(person.login_id)
        .await;
    if known.map_err(Failure::system)?.is_some() {
        return Ok(());
    }
    if person.login_id.starts_with("probe@") {
        let claims: HashMap<String, serde_json::Value> =
            serde_json::from_value(probe_claims()).map_err(Failure::system)?;
        here.claims = claims.into_iter().collect();
    }
    admin::add_account(&world.techpass, here).await?;
    if !person.is_officer() {
        let password = Zeroizing::new(PASSWORD.to_owned());
        admin::set_password(&world.techpass, person.login_id, password).await?;
    }
    Ok(())
}
