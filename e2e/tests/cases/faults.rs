//! Faults of one machine under load, and a checker over what was acknowledged. `TECHPASS_FAULT_CYCLES` makes the runs
//! longer; a few cycles keep every run of all tests short.

use crate::support::application::{Application, REDIRECT_URI, text};
use crate::support::browser::{Browser, client};
use crate::support::demo::Demo;
use crate::support::people::{MEI, PASSWORD, PROBE, SITI};
use crate::support::program;
use crate::support::provider::{Provider, SECRET, SUBJECT};
use crate::support::server::Server;
use crate::support::wait::until;
use reqwest::header::{COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use url::Url;

fn cycles() -> usize {
    let said = std::env::var("TECHPASS_FAULT_CYCLES").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// What clients were told, and what they tried without an answer.
#[derive(Default)]
struct History {
    /// Codes that gave tokens, and how often.
    redeemed: BTreeMap<String, usize>,
    /// The newest refresh token of each family whose every step was answered.
    newest: BTreeMap<String, String>,
    /// Families whose last step had no answer: the server may be further than the client.
    unsure: BTreeSet<String>,
    /// Cookies of browsers that were told that they are logged out.
    logged_out: Vec<String>,
}

type Shared = Arc<Mutex<History>>;

/// An answer, or what cut the request off.
type Sent<T> = Result<T, String>;

/// A request that may be cut off.
async fn sent(request: reqwest::RequestBuilder) -> Sent<reqwest::Response> {
    let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
    match answer.status().as_u16() {
        ..500 => Ok(answer),
        status => Err(format!("{status} from {}", answer.url().path())),
    }
}

/// A person without patience: signs in, redeems, refreshes, logs out, until something is cut off.
struct Worker {
    app: Application,
    issuer: String,
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    history: Shared,
}

impl Worker {
    fn new(app: &Application, issuer: &str, history: &Shared) -> Worker {
        Worker {
            app: app.clone(),
            issuer: issuer.to_owned(),
            http: client(),
            cookies: BTreeMap::new(),
            history: Arc::clone(history),
        }
    }

    fn cookie(&self) -> String {
        let pairs = self.cookies.iter().map(|(n, v)| format!("{n}={v}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, answer: &reqwest::Response) {
        for value in answer.headers().get_all(SET_COOKIE) {
            let pair = value.to_str().ok().and_then(|text| text.split(';').next());
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn get(&mut self, url: &str) -> Sent<reqwest::Response> {
        let answer = sent(self.http.get(url).header(COOKIE, self.cookie())).await?;
        self.keep(&answer);
        Ok(answer)
    }

    async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Sent<reqwest::Response> {
        let request = self.http.post(url).header(COOKIE, self.cookie());
        let answer = sent(request.form(form)).await?;
        self.keep(&answer);
        Ok(answer)
    }

    fn location(&self, answer: &reqwest::Response) -> Sent<Url> {
        let to = answer
            .headers()
            .get(LOCATION)
            .and_then(|to| to.to_str().ok());
        let to = to.ok_or_else(|| format!("{} without a Location", answer.status()))?;
        let issuer = Url::parse(&self.issuer).expect("an issuer");
        issuer.join(to).map_err(|error| error.to_string())
    }

    /// Signs in from the very start, and gives the code.
    async fn code(&mut self) -> Sent<String> {
        self.cookies.clear();
        let answer = self.get(&self.app.request(&[])).await?;
        let login = self.location(&answer)?;
        let form = [("v", "0"), ("login_id", PROBE)];
        self.post(login.as_str(), &form).await?;
        let form = [("v", "1"), ("password", PASSWORD)];
        let answer = self.post(login.as_str(), &form).await?;
        let back = self.location(&answer)?;
        assert!(back.as_str().starts_with(REDIRECT_URI), "{back}");
        let code = back.query_pairs().find(|(name, _)| name == "code");
        let code = code.map(|(_, code)| code.into_owned());
        code.ok_or_else(|| format!("no code in {back}"))
    }

    async fn token(&self, form: &[(&str, &str)]) -> Sent<(u16, Value)> {
        let answer = sent(self.app.token_request(form)).await?;
        let status = answer.status().as_u16();
        let body = answer.json().await.map_err(|error| error.to_string())?;
        Ok((status, body))
    }

    /// One round, or what cut it off.
    async fn round(&mut self, n: usize) -> Sent<()> {
        let code = self.code().await?;
        let (status, tokens) = self.token(&Application::redemption(&code)).await?;
        assert_eq!(
            status, 200,
            "a code that was given out is not taken: {tokens}"
        );
        let mut token = text(&tokens, "refresh_token").to_owned();
        let family = code.clone();
        self.note(|history| {
            *history.redeemed.entry(code.clone()).or_default() += 1;
            history.newest.insert(family.clone(), token.clone());
        });
        for _ in 0..n % 4 {
            self.note(|history| history.unsure.insert(family.clone()));
            let form = [("grant_type", "refresh_token"), ("refresh_token", &token)];
            let (status, tokens) = self.token(&form).await?;
            assert_eq!(
                status, 200,
                "a refresh token that was given out is not taken: {tokens}"
            );
            token = text(&tokens, "refresh_token").to_owned();
            self.note(|history| {
                history.unsure.remove(&family);
                history.newest.insert(family.clone(), token.clone());
            });
        }
        if n.is_multiple_of(3) {
            self.note(|history| history.unsure.insert(family.clone()));
            self.log_out().await?;
            let cookies = self.cookie();
            self.note(|history| {
                history.newest.remove(&family);
                history.logged_out.push(cookies);
            });
        }
        Ok(())
    }

    /// Logs out; the cookies from before are kept, to be tried again.
    async fn log_out(&mut self) -> Sent<()> {
        let before = self.cookies.clone();
        let mut browser = Browser::default();
        browser.cookies = before.clone();
        let page = browser.try_open(&format!("{}/logout", self.issuer)).await;
        let page = page.ok_or("no page to log out")?;
        let (name, value) = page.radio(PROBE);
        let page = browser
            .try_press(&page, "Log out", &[(&name, &value)])
            .await;
        let page = page.ok_or("no answer to logging out")?;
        self.cookies = before;
        match page.heading().as_str() {
            "You are logged out" => Ok(()),
            other => Err(format!("the answer to logging out is {other:?}")),
        }
    }

    fn note<T>(&self, what: impl FnOnce(&mut History) -> T) -> T {
        what(&mut self.history.lock().expect("nobody panicked"))
    }
}

/// Small and repeatable; what it drives is not.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_holds_after_kills_at_any_moment() {
    let mut demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let history = Shared::default();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for cycle in 0..cycles() {
        let mut working = Vec::new();
        for n in 0..6 {
            let mut worker = Worker::new(&app, &demo.techpass(), &history);
            working.push(tokio::spawn(async move {
                for round in 0.. {
                    if worker.round(n + round).await.is_err() {
                        return;
                    }
                }
            }));
        }
        // So many codes more, whatever the machine's pace is; then the cut comes wherever everybody happens to be.
        let enough = redeemed(&history) + 1 + usize::try_from(next(&mut random) % 24).unwrap_or(0);
        until("enough sign-ins", || async {
            match redeemed(&history) {
                count if count >= enough => Ok(()),
                count => Err(format!("{count} of {enough}")),
            }
        })
        .await;
        demo.cut();
        for worker in working {
            worker
                .await
                .expect("nothing that was acknowledged was taken back");
        }
        demo.start_again();
        check(&app, &history, cycle).await;
    }
}

fn redeemed(history: &Shared) -> usize {
    history.lock().expect("nobody panicked").redeemed.len()
}

/// Judges the server by what the clients were told.
async fn check(app: &Application, history: &Shared, cycle: usize) {
    let (codes, newest, unsure, logged_out) = {
        let mut history = history.lock().expect("nobody panicked");
        let twice: Vec<_> = history
            .redeemed
            .values()
            .filter(|count| **count > 1)
            .collect();
        assert!(twice.is_empty(), "cycle {cycle}: a code gave tokens twice");
        let unsure = std::mem::take(&mut history.unsure);
        let newest = std::mem::take(&mut history.newest);
        let codes: Vec<String> = history.redeemed.keys().cloned().collect();
        (
            codes,
            newest,
            unsure,
            std::mem::take(&mut history.logged_out),
        )
    };
    for (family, token) in newest
        .iter()
        .filter(|(family, _)| !unsure.contains(*family))
    {
        let (status, body) = app.refresh(token).await;
        assert_eq!(
            status, 200,
            "cycle {cycle}: the newest token of {family} is lost: {body}"
        );
    }
    for cookies in logged_out {
        let request = app.request(&[("prompt", Some("none"))]);
        let answer = client().get(request).header(COOKIE, cookies).send().await;
        let answer = answer.expect("an answer");
        let to = answer
            .headers()
            .get(LOCATION)
            .expect("a redirect")
            .to_str()
            .expect("text");
        assert!(
            to.contains("error=login_required"),
            "cycle {cycle}: a log-out was undone"
        );
    }
    // Used is used, across every restart. Sampled: each code that is tried ends its family.
    for code in codes.iter().rev().take(3) {
        assert_eq!(
            app.redeem(code).await.0,
            400,
            "cycle {cycle}: a code works twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_refuses_clearly_and_goes_on_when_there_is_room() {
    let port = program::ports(1);
    let provider = Provider::start(port).await;
    let upstream = format!("http://localhost:{port}");
    let mut server = Server::start_with(&upstream, SECRET, "").await;
    server.add_officer(MEI, SUBJECT);
    let app = Application::register(server.config(), &server.issuer, "probe-app");
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    let page = browser.identify(page, MEI).await;
    let (_, tokens) = app.redeem(&app.code_of(&page)).await;
    // From now on the file may not grow.
    server.terminate();
    assert_eq!(server.ended().await, Some(0));
    let config = std::fs::read_to_string(server.config()).expect("a configuration");
    let full = config.replace("[database]\n", "[database]\nsize_max_mb = 1\n");
    std::fs::write(server.config(), full).expect("written");
    server.start_again().await;
    let mut refused = None;
    for _ in 0..5_000 {
        let answer = client()
            .get(app.request(&[]))
            .send()
            .await
            .expect("an answer");
        if answer.status() == 503 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status(), 303);
    }
    let refused = refused.expect("a megabyte is full at last");
    assert!(refused.headers().contains_key(RETRY_AFTER));
    let page = refused.text().await.expect("a page");
    assert!(
        page.contains("SYS-803") && page.contains("not your fault"),
        "{page}"
    );
    // What needs no room goes on.
    let keys = client()
        .get(format!("{}/jwks.json", server.issuer))
        .send()
        .await;
    assert_eq!(keys.expect("an answer").status(), 200);
    assert_eq!(app.userinfo(text(&tokens, "access_token")).await, 200);
    // Room again: nothing that was acknowledged is gone.
    server.terminate();
    assert_eq!(server.ended().await, Some(0));
    std::fs::write(server.config(), config).expect("written");
    server.start_again().await;
    assert_eq!(app.refresh(text(&tokens, "refresh_token")).await.0, 200);
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    let page = browser.identify(page, MEI).await;
    app.code_of(&page);
    drop(provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_steps_by_days_end_what_is_over_and_break_nothing() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let mut browser = Browser::default();
    let code = app.code(&mut browser).await;
    let (_, tokens) = app.redeem(&code).await;
    let mut open = Browser::default();
    let page = open.leave_portal_as(&demo, SITI).await;
    for days in [1, 40, 400] {
        demo.advance(days * 24 * 60 * 60).await;
        // Everything of before is over, in words.
        let late = open
            .press(&page, "Sign in", &[("password", PASSWORD)])
            .await;
        assert!(
            late.status < 500 && !late.problem().is_empty(),
            "{days} days: {late:?}"
        );
        assert_eq!(
            app.userinfo(text(&tokens, "access_token")).await,
            401,
            "{days} days"
        );
        assert_eq!(
            app.refresh(text(&tokens, "refresh_token")).await.0,
            400,
            "{days} days"
        );
        let silent = browser
            .open(&app.request(&[("prompt", Some("none"))]))
            .await;
        assert_eq!(
            silent.parameter("error").as_deref(),
            Some("login_required"),
            "{days} days"
        );
        // And everything new has its full life.
        let code = app.code(&mut Browser::default()).await;
        let (status, fresh) = app.redeem(&code).await;
        assert_eq!(status, 200, "{days} days: {fresh}");
        assert_eq!(
            app.userinfo(text(&fresh, "access_token")).await,
            200,
            "{days} days"
        );
    }
    // Back again, as a clock that was set wrong is corrected: sessions of the future are no harm.
    demo.advance(-441 * 24 * 60 * 60).await;
    let code = app.code(&mut Browser::default()).await;
    assert_eq!(app.redeem(&code).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_while_people_sign_in() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let config = demo.config("techpass");
    let history = Shared::default();
    let mut working = Vec::new();
    for n in 0..3 {
        let mut worker = Worker::new(&app, &demo.techpass(), &history);
        working.push(tokio::spawn(async move {
            for round in 0..4 {
                if let Err(cut) = worker.round(n + round).await {
                    panic!("a sign-in failed while keys rotated: {cut}");
                }
            }
        }));
    }
    let code = app.code(&mut Browser::default()).await;
    let (_, old) = app.redeem(&code).await;
    program::ok(&["keys", "rotate", "--config", &config]);
    program::ok(&["keys", "rotate", "--config", &config, "--now"]);
    for worker in working {
        worker.await.expect("a worker");
    }
    // The server takes the new keys up by itself; the old ones stay published, and good.
    let keys = program::ok(&["keys", "list", "--config", &config]);
    let mut active = keys.lines().filter(|line| line.contains(" active "));
    let newest = active.next().and_then(|line| line.split(' ').next());
    let newest = newest.expect("a key").to_owned();
    until("the new key to be published", || async {
        let url = format!("{}/jwks.json", demo.techpass());
        let keys: Value = client()
            .get(url)
            .send()
            .await
            .expect("keys")
            .json()
            .await
            .expect("JSON");
        let keys = keys["keys"].as_array().expect("keys").clone();
        let named = keys.iter().any(|key| key["kid"] == newest.as_str());
        named
            .then_some(())
            .ok_or_else(|| format!("{} keys", keys.len()))
    })
    .await;
    assert_eq!(app.userinfo(text(&old, "access_token")).await, 200);
    assert_eq!(app.refresh(text(&old, "refresh_token")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_takes_no_log_out_notice_holds_nobody_up() {
    let demo = Demo::start();
    // It accepts connections and never answers.
    let port = program::ports(1);
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .expect("a port");
    let held = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            open.push(stream);
        }
    });
    let uri = format!("http://127.0.0.1:{port}/logout");
    let app = Application::with_notices(&demo, "silent-app", &uri);
    let mut browser = Browser::default();
    let code = app.code(&mut browser).await;
    let (_, tokens) = app.redeem(&code).await;
    let page = browser.open(&format!("{}/logout", demo.techpass())).await;
    let (name, value) = page.radio(PROBE);
    let page = browser.press(&page, "Log out", &[(&name, &value)]).await;
    page.expect_heading("You are logged out");
    assert_eq!(app.refresh(text(&tokens, "refresh_token")).await.0, 400);
    // Others sign in, and the notice waits for its next try.
    let other = Application::add(&demo, "probe-app");
    let code = other.code(&mut Browser::default()).await;
    assert_eq!(other.redeem(&code).await.0, 200);
    held.abort();
}
