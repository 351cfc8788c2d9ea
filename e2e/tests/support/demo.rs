//! A demonstration of one's own: started, cut off, started again on the same data.

use super::phone::CommandPhone;
use super::{leaks, program};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a start may take on a busy machine.
const READY: Duration = Duration::from_secs(180);

/// A running demonstration; it ends with this value, and then its log is searched for secrets.
pub struct Demo {
    child: Option<Child>,
    base: u16,
    folder: tempfile::TempDir,
    ready: Value,
}

impl Demo {
    /// Starts one on free ports with fresh data.
    pub fn start() -> Demo {
        for _ in 0..program::PORTS_TRIED_MAX {
            let folder = tempfile::tempdir().expect("a folder");
            let mut demo = Demo {
                child: None,
                base: program::ports(5),
                folder,
                ready: Value::Null,
            };
            match demo.try_start() {
                Ok(()) => return demo,
                Err(said) if said.contains(program::PORT_TAKEN) => {}
                Err(said) => panic!("the demonstration is not ready: {said}"),
            }
        }
        panic!("no free ports for a demonstration");
    }

    /// Starts it on the data and ports that it had.
    pub fn start_again(&mut self) {
        if let Err(said) = self.try_start() {
            panic!("the demonstration is not ready: {said}");
        }
    }

    /// Starts it, or says what it said instead of being ready.
    fn try_start(&mut self) -> Result<(), String> {
        assert!(self.child.is_none(), "it still runs");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log");
        let mut child = program::command()
            .args([
                "demo",
                "--json",
                "--port-base",
                &self.base.to_string(),
                "--data",
            ])
            .arg(self.data())
            .env("TECHPASS_LOG", "debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the demonstration starts");
        let stdout = child.stdout.take().expect("its output");
        self.child = Some(child);
        let (say, hear) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line);
            let _ = say.send(read.map(|_| line));
        });
        let line = match hear.recv_timeout(READY) {
            Ok(Ok(line)) if !line.is_empty() => line,
            other => return Err(format!("({other:?}) {}", self.log())),
        };
        self.ready = serde_json::from_str(&line).expect("a line of JSON");
        Ok(())
    }

    /// Kills it as a power cut does.
    pub fn cut(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it has ended");
        }
    }

    /// Asks it to stop, as a service manager does.
    pub fn terminate(&self) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// A power cut, and power again.
    pub fn cut_and_start_again(&mut self) {
        self.cut();
        self.start_again();
    }

    /// The first of its ports.
    pub fn base(&self) -> u16 {
        self.base
    }

    fn origin(&self, name: &str) -> String {
        self.ready[name].as_str().expect("an address").to_owned()
    }

    /// Docs portal.
    pub fn docs(&self) -> String {
        self.origin("docs_portal")
    }

    /// TechPass.
    pub fn techpass(&self) -> String {
        self.origin("techpass")
    }

    /// WOG.
    pub fn wog(&self) -> String {
        self.origin("wog")
    }

    /// Demo control.
    pub fn control(&self) -> String {
        self.origin("control")
    }

    /// Where its data is.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A scratch folder beside its data.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Everything that it has written to standard error.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The configuration file of `techpass` or `wog`.
    pub fn config(&self, role: &str) -> String {
        self.data()
            .join(format!("{role}.toml"))
            .display()
            .to_string()
    }

    /// A person's phone, as the ready line names it.
    pub fn phone(&self, login_id: &str) -> CommandPhone {
        let people = self.ready["people"].as_array().expect("people");
        let person = people
            .iter()
            .find(|p| p["login_id"] == login_id)
            .expect("somebody of that login ID");
        CommandPhone::new(person["phone"].as_str().expect("a phone").into(), login_id)
    }

    /// The address that makes a browser that computer of that person, and then shows the control page.
    pub fn computer(&self, class: &str, person: &str) -> String {
        let control = self.control();
        format!("{control}/device?class={class}&person={person}&return_to={control}/clock")
    }

    /// Moves the product's clock.
    pub async fn advance(&self, seconds: i64) {
        let answer = plain()
            .post(format!("{}/clock", self.control()))
            .json(&json!({ "advance_s": seconds }))
            .send()
            .await
            .expect("the clock answers");
        assert!(
            answer.status().is_success(),
            "the clock answered {}",
            answer.status()
        );
    }

    /// The product's time, in Unix seconds.
    pub async fn now(&self) -> i64 {
        let answer = plain()
            .get(format!("{}/clock", self.control()))
            .send()
            .await;
        let body: Value = answer
            .expect("the clock answers")
            .json()
            .await
            .expect("JSON");
        body["now"].as_i64().expect("a time")
    }

    /// Moves the clock some seconds into a step of verification codes: the next is far, and a phone whose clock is a second
    /// off agrees on the step.
    pub async fn at_a_step(&self) {
        self.advance(35 - self.now().await % 30).await;
    }

    /// All mails, newest first.
    pub async fn mails(&self) -> Vec<Value> {
        let answer = plain().get(format!("{}/mail", self.control())).send().await;
        answer
            .expect("the mailbox answers")
            .json()
            .await
            .expect("a list")
    }

    /// An enrolment link for a person's account at `wog` or `techpass`.
    pub async fn enrolment_link(&self, person: &str, at: &str) -> String {
        let url = format!("{}/phone?person={person}&at={at}&link=text", self.control());
        let answer = plain()
            .get(url)
            .send()
            .await
            .expect("the control page answers");
        assert!(
            answer.status().is_success(),
            "an enrolment link answered {}",
            answer.status()
        );
        answer.text().await.expect("a link")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = self.log();
        if std::thread::panicking() {
            // What every start says is no news.
            let news = |line: &&str| {
                !line.contains("\"DEBUG\"") && !line.contains("techpass_server::serve")
            };
            let tail: Vec<&str> = log.lines().rev().filter(news).take(20).collect();
            eprintln!(
                "the end of the demonstration's log, newest first:\n{}",
                tail.join("\n")
            );
        } else {
            leaks::assert_none(&log, &[]);
        }
    }
}

/// An HTTP client without cookies that follows nothing.
pub fn plain() -> reqwest::Client {
    super::browser::client()
}
