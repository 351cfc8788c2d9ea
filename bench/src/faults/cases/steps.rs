//! The process ends at every single step: before and after each write, each flush and each answer.

use super::{Outcome, Scene, Stage, judged};
use crate::faults::person::Person;
use crate::faults::shim::Shim;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Enough that nobody is asked again while a request of theirs may still be open.
const PEOPLE: usize = 600;
/// How often somebody tries to look again after a start.
const TRIES: usize = 5;

/// What is done while the process ends, with a round for each of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Everything a vendor does, at the server.
    Vendor,
    /// A verification code, at the server.
    Code,
    /// A phone is enrolled, at the server.
    Enrol,
    /// A command beside the server.
    Command(&'static str),
}

const PARTS: [Part; 7] = [
    Part::Command("users add"),
    Part::Command("users disable"),
    Part::Command("clients add"),
    Part::Command("keys rotate"),
    Part::Enrol,
    Part::Code,
    Part::Vendor,
];

/// Every step of every part, again and again while there is time; at least once.
pub async fn every_step(stage: &Stage<'_>) -> Result<Outcome> {
    let end = stage.end();
    let mut setting = stage.setting();
    setting.people = PEOPLE;
    let mut scene = Scene::lay_down(setting).await?;
    let database = stage.folder.join("techpass.db");
    let beside = stage.folder.join("command");
    std::fs::create_dir_all(&beside)?;
    let (server, command) = (Shim::build(&stage.folder)?, Shim::build(&beside)?);
    scene.node()?.environment = server.counting(&database);
    scene.start().await?;
    let mut tour = Tour {
        stage,
        bent: command.counting(&database),
        scene,
        server,
        command,
        trial: 0,
        deaths: BTreeMap::new(),
        outcome: Outcome {
            of: "kills, one for each step".to_owned(),
            ..Outcome::default()
        },
    };
    let (mut rounds, mut steps) = (0, BTreeMap::new());
    while rounds == 0 || Instant::now() < end {
        for part in PARTS {
            let count = tour.through(part).await?;
            eprintln!("  {part:?}: {count} steps");
            steps.insert(part, count);
        }
        rounds += 1;
    }
    let Tour {
        mut outcome,
        deaths,
        scene,
        ..
    } = tour;
    let parts: Vec<_> = steps
        .iter()
        .map(|(part, steps)| format!("{part:?} {steps}"))
        .collect();
    outcome.figure(format!(
        "{rounds} times every step of: {}",
        parts.join(", ")
    ));
    let kinds: Vec<_> = deaths
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    outcome.figure(kinds.join(", "));
    judged(&scene, outcome, Duration::ZERO)
}

struct Tour<'a> {
    stage: &'a Stage<'a>,
    /// The environment of commands that die.
    bent: Vec<(String, String)>,
    scene: Scene,
    server: Shim,
    command: Shim,
    trial: usize,
    /// How often at which kind of step.
    deaths: BTreeMap<&'static str, usize>,
    outcome: Outcome,
}

impl Tour<'_> {
    /// Dies at each step of a part; how many there are.
    async fn through(&mut self, part: Part) -> Result<i64> {
        for step in 1.. {
            self.trial += 1;
            let died = match part {
                Part::Vendor => self.vendor(step).await?,
                Part::Code => self.code(step).await?,
                Part::Enrol => self.enrol(step).await?,
                Part::Command(words) => self.beside(words, step).await?,
            };
            let Some(kind) = died else {
                return Ok(step - 1);
            };
            self.outcome.trials += 1;
            *self.deaths.entry(kind).or_default() += 1;
        }
        bail!("the steps have no end")
    }

    fn broken(&mut self, what: &str) {
        let text = format!("kill {}: {what}", self.outcome.trials + 1);
        self.outcome.violations.push(text);
    }

    /// Whether the server died at its step: then what it left is looked at, and it is started again.
    async fn after(&mut self) -> Result<Option<&'static str>> {
        let (_, died) = self.server.counted()?;
        if died.is_some() {
            self.scene.node()?.kill()?;
            if let Some(wrong) = self.scene.examine()? {
                self.broken(&wrong);
            }
            self.scene.node()?.start().await?;
        }
        Ok(died)
    }

    async fn vendor(&mut self, step: i64) -> Result<Option<&'static str>> {
        let mut person = self.scene.person(self.trial)?;
        person.steady = true;
        self.server.die_at(step)?;
        let did = person.everything_once().await;
        let died = self.after().await?;
        match (died, did) {
            (None, did) => did.context("nothing was broken, and yet")?,
            (Some(_), _) => {
                self.looks_again(&mut person).await;
                self.signs_in(person).await;
            }
        }
        Ok(died)
    }

    async fn looks_again(&mut self, person: &mut Person) {
        let mut said = None;
        for _ in 0..TRIES {
            match person.look_again().await {
                Ok(()) => return,
                Err(error) => said = Some(error),
            }
        }
        self.broken(&format!("nobody could look again: {said:?}"));
    }

    /// Whatever was left half done, the same person signs in from the start.
    async fn signs_in(&mut self, mut person: Person) {
        person.session = None;
        person.reconnect();
        match person.sign_in().await {
            Ok(()) if person.session.is_some() => {}
            Ok(()) => self.broken("a sign-in after the start led nowhere"),
            Err(error) => self.broken(&format!("no sign-in after the start: {error:#}")),
        }
    }

    async fn code(&mut self, step: i64) -> Result<Option<&'static str>> {
        let mut person = self.scene.temp(self.trial)?;
        let now = crate::phone::now_s() / 30;
        self.server.die_at(step)?;
        let did = person.types_code(now).await;
        let died = self.after().await?;
        match died {
            None => did.map(drop).context("nothing was broken, and yet")?,
            // The same code once more: the history knows whether it was taken already.
            Some(_) => {
                if let Err(error) = person.types_code(now).await {
                    self.broken(&format!("no page for a code after the start: {error:#}"));
                }
            }
        }
        Ok(died)
    }

    async fn enrol(&mut self, step: i64) -> Result<Option<&'static str>> {
        let login_id = format!("enrol{}@techpass.example", self.trial);
        self.run(&["users", "add", "--login-id", &login_id, "--name", "Phone"])?;
        let link = self.link(&login_id)?;
        let file = self.stage.folder.join(format!("phone{}.json", self.trial));
        let phone = file.display().to_string();
        self.server.die_at(step)?;
        let said = self.enrolled(&phone, &link).await?;
        let died = self.after().await?;
        if died.is_some() {
            let there = self.count(
                "SELECT count(*) FROM authenticators a JOIN accounts b ON b.id = a.account_id WHERE b.login_id = $1",
                &login_id,
            )?;
            if there > 1 || (said && there == 0) {
                self.broken(&format!("{there} phones, and the person was told {said}"));
            }
            let link = self.link(&login_id)?;
            if !self.enrolled(&phone, &link).await? {
                self.broken("a new link enrols no phone");
            }
        } else if !said {
            bail!("nothing was broken, and yet no phone was enrolled");
        }
        let _ = std::fs::remove_file(file);
        Ok(died)
    }

    fn link(&self, login_id: &str) -> Result<String> {
        let said = self.run(&["users", "enrol-link", login_id])?;
        Ok(String::from_utf8(said.stdout)?.trim().to_owned())
    }

    /// Whether the phone says that it is enrolled.
    async fn enrolled(&self, phone: &str, link: &str) -> Result<bool> {
        let mut command = tokio::process::Command::new(self.stage.program);
        command.args(["authenticator", "--phone", phone, "enrol", link]);
        let said = command.output().await.context("no command line phone")?;
        Ok(said.status.success())
    }

    /// A command dies beside a server that goes on.
    async fn beside(&mut self, words: &str, step: i64) -> Result<Option<&'static str>> {
        let name = format!("step{}", self.trial);
        let login_id = format!("{name}@techpass.example");
        let (more, sql) = match words {
            "users add" => (
                vec!["--login-id", &login_id, "--name", "Somebody"],
                "SELECT count(*) FROM accounts WHERE login_id = $1 || '@techpass.example'",
            ),
            "users disable" => {
                self.run(&[
                    "users",
                    "add",
                    "--login-id",
                    &login_id,
                    "--name",
                    "Somebody",
                ])?;
                (
                    vec![&login_id, "--reason", "left"],
                    "SELECT count(*) FROM accounts WHERE login_id = $1 || '@techpass.example' \
                     AND status LIKE '%disabled%'",
                )
            }
            "clients add" => (
                vec![
                    "--id",
                    &name,
                    "--name",
                    "Something",
                    "--redirect-uri",
                    "https://app.example/cb",
                ],
                "SELECT count(*) FROM clients WHERE id = $1",
            ),
            _ => (vec!["--now"], "SELECT 1 WHERE $1 <> ''"),
        };
        let all: Vec<&str> = words.split(' ').chain(more).collect();
        self.command.die_at(step)?;
        let mut command = self.techpass(&all);
        let said = command.envs(self.bent.iter().cloned()).output()?;
        let (_, died) = self.command.counted()?;
        if died.is_none() && !said.status.success() {
            bail!("{words}: {}", String::from_utf8_lossy(&said.stderr));
        }
        if let Some(wrong) = self.scene.examine()? {
            self.broken(&format!("{words}: {wrong}"));
        }
        let told = said.status.success() || !said.stdout.is_empty();
        if told && self.count(sql, &name)? == 0 {
            self.broken(&format!("{words} said that it is done, and it is not"));
        }
        let mut person = self.scene.person(self.trial)?;
        person.steady = true;
        self.signs_in(person).await;
        Ok(died)
    }

    /// What the copy that was looked at last says.
    fn count(&self, sql: &str, key: &str) -> Result<i64> {
        let copy = rusqlite::Connection::open(self.scene.directory.join("copy.db"))?;
        Ok(copy.query_row(sql, [key], |row| row.get(0))?)
    }

    fn techpass(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.stage.program);
        command
            .args(words)
            .arg("--config")
            .arg(self.stage.folder.join("node0.toml"));
        command
    }

    /// A command that must succeed.
    fn run(&self, words: &[&str]) -> Result<Output> {
        let said = self.techpass(words).output()?;
        if !said.status.success() {
            bail!("{words:?}: {}", String::from_utf8_lossy(&said.stderr));
        }
        Ok(said)
    }
}
