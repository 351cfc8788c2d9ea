//! A person with a browser, a phone and an application, who does what people do, and writes down what came of it.

use super::facts::Fact;
use super::history::{Event, Got, History, What};
use super::keys::KeyCache;
use crate::flows::{encoded, number, version};
use crate::http::{Answer, Site, Wire, parameter, path_of};
use crate::relying::Trip;
use crate::world::{self, CALLBACK, PASSWORD};
use anyhow::{Context, Result};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Ended sessions and families that are tried again after a fault.
const KEPT_MAX: usize = 4;

/// What everybody shares.
pub struct Shared {
    /// Where it is written down.
    pub history: History,
    /// What the database itself must hold.
    pub facts: RefCell<Vec<Fact>>,
    /// Servers of the one issuer.
    pub sites: Vec<Arc<Site>>,
    /// The header by which the application shows its secret.
    pub authorization: String,
    /// The provider's keys as the application knows them.
    pub keys: KeyCache,
    /// What discovery lists beside the rest.
    pub revocation: Option<String>,
    /// The same.
    pub introspection: Option<String>,
}

/// A browser's session.
pub struct Session {
    pub name: String,
    pub browser: Wire,
}

/// A browser that shows a number.
pub struct Waiting {
    browser: Wire,
    trip: Trip,
    login: String,
    number: String,
}

/// What a code gave.
#[derive(Clone)]
pub struct Family {
    pub name: String,
    pub session: String,
    /// The code, to be sent once more.
    pub code: Issued,
    pub access: String,
    /// Name and value of the newest refresh token.
    pub refresh: (String, String),
    /// Whether a rotation had no answer.
    pub unsure: bool,
}

/// A code that came back, and what redeems it.
#[derive(Clone)]
pub struct Issued {
    pub name: String,
    pub code: String,
    pub form: String,
    pub nonce: String,
}

/// One of a crowd.
pub struct Person {
    pub actor: usize,
    pub who: Rc<world::Person>,
    pub shared: Rc<Shared>,
    pub dice: Dice,
    /// Whether it answers every request with yes and nothing else.
    pub steady: bool,
    pub session: Option<Session>,
    pub families: Vec<Family>,
    /// Sessions and families that have ended, for trying.
    pub over: (Vec<Session>, Vec<Family>),
    pub(super) application: Wire,
    phone: Wire,
    count: usize,
}

/// Small and repeatable.
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides.max(1)
    }
}

/// An event that is under way.
pub struct Open {
    pub what: What,
    begun_us: u64,
}

impl Person {
    /// In front of a fresh browser.
    pub fn new(actor: usize, who: &Rc<world::Person>, shared: &Rc<Shared>) -> Option<Person> {
        let site = shared.sites.first()?;
        Some(Person {
            actor,
            who: Rc::clone(who),
            shared: Rc::clone(shared),
            dice: Dice::new(actor as u64 + 77),
            steady: false,
            session: None,
            families: Vec::new(),
            over: (Vec::new(), Vec::new()),
            application: Wire::once(site),
            phone: Wire::once(site),
            count: 0,
        })
    }

    /// Names from here on.
    pub fn count_from(&mut self, count: usize) {
        self.count = count;
    }

    /// A thousand names for somebody else.
    pub fn fresh_block(&mut self) -> usize {
        self.count += 1000;
        self.count - 999
    }

    /// A fresh name.
    pub fn name(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("a{}-{kind}{}", self.actor, self.count)
    }

    /// Something is sent now.
    pub(super) fn open(&self, what: What) -> Open {
        Open {
            what,
            begun_us: self.shared.history.now_us(),
        }
    }

    /// Notes what came of it.
    pub(super) fn close(
        &self,
        open: Open,
        got: Got,
        answer: Option<&Answer>,
        subject: Option<String>,
    ) {
        self.shared.history.note(Event {
            actor: self.actor,
            begun_us: open.begun_us,
            ended_us: self.shared.history.now_us(),
            what: open.what,
            got,
            status: answer.map_or(0, |answer| answer.status),
            retry_after: answer.is_some_and(|answer| answer.header("retry-after").is_some()),
            account: self.who.account.clone(),
            subject,
        });
    }

    /// Something is acknowledged now.
    pub(super) fn fact(&self, fact: Fact) {
        let at_us = self.shared.history.now_us();
        self.shared.facts.borrow_mut().push(Fact { at_us, ..fact });
    }

    /// One of the servers.
    pub(super) fn anywhere(&mut self) -> Option<Arc<Site>> {
        let sites = &self.shared.sites;
        let n = self.dice.roll(sites.len() as u64);
        sites.get(usize::try_from(n).unwrap_or(0)).cloned()
    }

    /// A page on the way, which must have this status.
    async fn page(
        &mut self,
        browser: &mut Wire,
        what: (&str, &str, Option<&str>),
        status: u16,
    ) -> Result<Answer> {
        let (name, path, form) = what;
        if let Some(site) = self.anywhere() {
            browser.lead_to(&site);
        }
        let open = self.open(What::Page {
            name: name.to_owned(),
        });
        let answer = match form {
            Some(form) => patient(browser.post(path, form)).await,
            None => patient(browser.get(path)).await,
        };
        let got = got(answer.as_ref().ok(), |answer| answer.status == status);
        self.close(open, got, answer.as_ref().ok(), None);
        answer?.expect(status)
    }

    /// As far as the page that asks for the first factor.
    pub async fn identify(&mut self, browser: &mut Wire, trip: &Trip) -> Result<(String, Answer)> {
        let begun = self
            .page(browser, ("authorize", &trip.authorize(""), None), 303)
            .await?;
        let login = path_of(begun.location()?).to_owned();
        let page = self.page(browser, ("sign-in", &login, None), 200).await?;
        let form = format!(
            "v={}&login_id={}",
            version(&page)?,
            encoded(&self.who.login_id)
        );
        self.page(browser, ("identify", &login, Some(&form)), 303)
            .await?;
        let page = self.page(browser, ("password", &login, None), 200).await?;
        let form = format!("v={}&password={}", version(&page)?, encoded(PASSWORD));
        self.page(browser, ("password sent", &login, Some(&form)), 303)
            .await?;
        let page = self.page(browser, ("factor", &login, None), 200).await?;
        Ok((login, page))
    }

    /// Reads the request on the phone and answers it; sometimes twice at once, differently.
    async fn answer_number(&mut self, typed: &str) -> Result<bool> {
        if let Some(site) = self.anywhere() {
            self.phone.lead_to(&site);
        }
        let waiting = patient(self.who.phone.look(&mut self.phone)).await?;
        let request = waiting.id().to_owned();
        let yes = self.who.phone.decision(&waiting, "approve", Some(typed))?;
        let no = self.who.phone.decision(&waiting, "decline", None)?;
        let mut other = self.phone.tab();
        if let Some(site) = self.anywhere() {
            other.lead_to(&site);
        }
        let torn = !self.steady && self.dice.roll(12) == 0;
        let asked = |choice: &str| {
            self.open(What::Answer {
                request: request.clone(),
                choice: choice.to_owned(),
            })
        };
        let (approve, decline) = (asked("approve"), asked("decline"));
        let kind = [("content-type", "application/json")];
        let taken = |answer: &Answer| answer.status == 200;
        let first = patient(self.phone.call("POST", &yes.0, &kind, Some(&yes.1)));
        if !torn {
            let answer = first.await;
            let got = got(answer.as_ref().ok(), taken);
            self.close(approve, got, answer.as_ref().ok(), None);
            if got == Got::Taken {
                self.fact(Fact::request_closed(&request));
            }
            return Ok(got == Got::Taken);
        }
        let second = patient(other.call("POST", &no.0, &kind, Some(&no.1)));
        let (first, second) = futures_util::future::join(first, second).await;
        let yes = got(first.as_ref().ok(), taken);
        self.close(approve, yes, first.as_ref().ok(), None);
        let no = got(second.as_ref().ok(), taken);
        self.close(decline, no, second.as_ref().ok(), None);
        Ok(yes == Got::Taken && no != Got::Taken)
    }

    /// Says on the phone that it was somebody else who asked, which puts the account on hold.
    pub async fn report(&mut self) -> Result<Got> {
        let waiting = patient(self.who.phone.look(&mut self.phone)).await?;
        let open = self.open(What::Answer {
            request: waiting.id().to_owned(),
            choice: "report".to_owned(),
        });
        let (path, body) = self.who.phone.decision(&waiting, "report", None)?;
        let kind = [("content-type", "application/json")];
        let answer = patient(self.phone.call("POST", &path, &kind, Some(&body))).await;
        let got = got(answer.as_ref().ok(), |answer| answer.status == 200);
        self.close(open, got, answer.as_ref().ok(), None);
        Ok(got)
    }

    /// The whole way in, in a fresh browser.
    pub async fn sign_in(&mut self) -> Result<()> {
        let waiting = self.wait_for_phone().await?;
        self.come_back(waiting).await
    }

    /// As far as the number, in a fresh browser.
    pub async fn wait_for_phone(&mut self) -> Result<Waiting> {
        let site = self.anywhere().context("there is no server")?;
        let mut browser = Wire::once(&site);
        let trip = Trip::new()?;
        let (login, shown) = self.identify(&mut browser, &trip).await?;
        let number = number(&shown)?.to_owned();
        Ok(Waiting {
            browser,
            trip,
            login,
            number,
        })
    }

    /// The server was away: connections to it are gone, and everything else is kept.
    pub fn connect_anew(&mut self, waiting: &mut Waiting) {
        waiting.browser = waiting.browser.tab();
        self.reconnect();
    }

    /// The same for the phone and the application alone.
    pub fn reconnect(&mut self) {
        self.phone = self.phone.tab();
        self.application = self.application.tab();
    }

    /// The number is typed on the phone, and the browser goes on.
    pub async fn come_back(&mut self, waiting: Waiting) -> Result<()> {
        let Waiting {
            mut browser,
            trip,
            login,
            number,
        } = waiting;
        if !self.answer_number(&number).await? {
            return Ok(());
        }
        if let Some(site) = self.anywhere() {
            browser.lead_to(&site);
        }
        let (session, code) = (self.name("s"), self.name("c"));
        let open = self.open(What::SignIn {
            session: session.clone(),
            code: code.clone(),
        });
        let answer = patient(browser.get(&login)).await;
        let got = got(answer.as_ref().ok(), leads_to_code);
        self.close(open, got, answer.as_ref().ok(), None);
        let issued = issued(&answer?, &trip, code)?;
        let signed_in = Session {
            name: session.clone(),
            browser,
        };
        self.fact(Fact::session_there(&signed_in));
        if let Some(old) = self.session.replace(signed_in) {
            self.over.0.push(old);
        }
        self.redeem(&session, &issued).await
    }

    /// An application that finds the browser signed in; the code it got.
    pub async fn silent(&mut self, session: &mut Session) -> Result<Option<Issued>> {
        if let Some(site) = self.anywhere() {
            session.browser.lead_to(&site);
        }
        let (trip, code) = (Trip::new()?, self.name("c"));
        let open = self.open(What::Silent {
            session: session.name.clone(),
            code: code.clone(),
        });
        let answer = patient(session.browser.get(&trip.authorize("&prompt=none"))).await;
        let mut got = got(answer.as_ref().ok(), leads_to_code);
        let error = answer
            .as_ref()
            .ok()
            .and_then(|answer| parameter(answer.header("location")?, "error"));
        // The protocol has words for "later".
        if matches!(
            error.as_deref(),
            Some("temporarily_unavailable" | "server_error")
        ) {
            got = Got::Busy;
        }
        self.close(open, got, answer.as_ref().ok(), None);
        let answer = answer?;
        match got {
            Got::Taken => issued(&answer, &trip, code).map(Some),
            _ => Ok(None),
        }
    }

    /// Everybody in this browser logs out; the browser keeps its cookies, to be tried again.
    pub async fn log_out(&mut self, session: &Session) -> Result<Got> {
        let mut browser = session.browser.tab();
        if let Some(site) = self.anywhere() {
            browser.lead_to(&site);
        }
        let open = self.open(What::LogOut {
            session: session.name.clone(),
        });
        let answer = patient(browser.post("/logout/confirm", "account=all&do=logout")).await;
        let got = got(answer.as_ref().ok(), |answer| {
            answer.status == 200 && answer.text().contains("You are logged out")
        });
        self.close(open, got, answer.as_ref().ok(), None);
        if got == Got::Taken {
            self.fact(Fact::session_over(session));
        }
        Ok(got)
    }

    /// Types a verification code; whether it was taken.
    pub async fn step(
        &mut self,
        browser: &mut Wire,
        login: &str,
        form: &str,
        step: i64,
    ) -> Result<bool> {
        let account = self.who.account.clone();
        let open = self.open(What::Step { account, step });
        let answer = patient(browser.post(login, form)).await;
        let mut got = got(answer.as_ref().ok(), |answer| answer.status == 303);
        // A login that is over, by a clock that jumped, leads to the page that says so; nothing was taken.
        let leads = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.location().ok());
        if got == Got::Taken && leads.is_some_and(|to| path_of(to) == login) {
            let after = patient(browser.get(login)).await;
            got = match after {
                Err(_) => Got::Unknown,
                Ok(after) if after.status == 200 && !after.text().contains("name=\"code\"") => {
                    Got::Taken
                }
                Ok(_) => Got::Refused,
            };
        }
        self.close(open, got, answer.as_ref().ok(), None);
        Ok(got == Got::Taken)
    }

    /// Keeps a few of what has ended.
    pub fn forget_some(&mut self) {
        let (sessions, families) = &mut self.over;
        sessions.drain(..sessions.len().saturating_sub(KEPT_MAX));
        families.drain(..families.len().saturating_sub(KEPT_MAX));
        let live = self.families.len();
        self.families.drain(..live.saturating_sub(KEPT_MAX));
    }
}

/// Gives up after a while.
pub async fn patient<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    let waited = tokio::time::timeout(PATIENCE, answer).await;
    waited.context("no answer came in time")?
}

/// What an answer means. A failure inside the server is no certain refusal.
pub fn got(answer: Option<&Answer>, taken: impl Fn(&Answer) -> bool) -> Got {
    match answer {
        None => Got::Unknown,
        Some(answer) if taken(answer) => Got::Taken,
        Some(answer) => match answer.status {
            429 | 503 => Got::Busy,
            500.. => Got::Unknown,
            _ => Got::Refused,
        },
    }
}

fn leads_to_code(answer: &Answer) -> bool {
    let to = answer.header("location");
    to.is_some_and(|to| to.starts_with(CALLBACK) && parameter(to, "code").is_some())
}

fn issued(answer: &Answer, trip: &Trip, name: String) -> Result<Issued> {
    let back = answer.location()?;
    let code = parameter(back, "code").context("no code came back")?;
    Ok(Issued {
        name,
        code: code.clone(),
        form: trip.redemption(&code),
        nonce: trip.nonce().to_owned(),
    })
}
