//! What people do, in which proportion, and what they try once more after a fault.

use super::history::Got;
use super::person::{Dice, Family, Person, Session};
use crate::http::Wire;
use crate::phone::now_s;
use crate::relying::Trip;
use crate::world::PHONE_SEED;
use anyhow::{Context, Result, bail};
use aws_lc_rs::hmac;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A pause after something failed, so that a server that is away is not hammered.
const PAUSE: Duration = Duration::from_millis(20);

impl Person {
    /// Does one thing.
    pub async fn turn(&mut self) -> Result<()> {
        self.forget_some();
        let Some(session) = self.session.take() else {
            return self.sign_in().await;
        };
        let of = self
            .families
            .iter()
            .rposition(|family| family.session == session.name);
        let family = of.map(|at| self.families.swap_remove(at));
        match (self.dice.roll(100), family) {
            (0..45, Some(family)) => {
                self.session = Some(session);
                self.rotated(family).await
            }
            (45..60, Some(family)) => {
                self.session = Some(session);
                self.asked(family).await
            }
            (60..64, Some(family)) => {
                self.session = Some(session);
                self.replayed(family).await
            }
            (64..68, Some(family)) => {
                self.session = Some(session);
                let given_up = self.revoke(&family).await;
                self.over.1.push(family);
                given_up
            }
            (68..74, family) => {
                self.families.extend(family);
                self.ended(session).await
            }
            (74..78, family) => {
                self.families.extend(family);
                self.torn(session).await
            }
            (78..84, family) => {
                // Another browser; this one stays signed in, which is looked at after a fault.
                self.families.extend(family);
                self.session = Some(session);
                self.sign_in().await
            }
            (_, family) => {
                self.families.extend(family);
                self.second_application(session).await.map(drop)
            }
        }
    }

    /// Opens another application in this browser, which redeems what comes back; whether anything did.
    async fn second_application(&mut self, mut session: Session) -> Result<bool> {
        let found = self.silent(&mut session).await;
        let name = session.name.clone();
        self.session = Some(session);
        match found? {
            Some(issued) => self.redeem(&name, &issued).await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn rotated(&mut self, mut family: Family) -> Result<()> {
        let answered = self.rotate(&mut family).await;
        self.families.push(family);
        answered.map(drop)
    }

    async fn asked(&mut self, family: Family) -> Result<()> {
        let answered = match self.dice.roll(2) {
            0 => self.userinfo(&family).await.map(drop),
            _ => self.introspect(&family).await,
        };
        self.families.push(family);
        answered
    }

    /// The code once more: refused, and everything that came of it ends.
    async fn replayed(&mut self, family: Family) -> Result<()> {
        let issued = family.code.clone();
        let answered = self.redeem(&family.session.clone(), &issued).await;
        self.over.1.push(family);
        answered
    }

    async fn ended(&mut self, session: Session) -> Result<()> {
        let answered = self.log_out(&session).await;
        self.bury(session);
        answered.map(drop)
    }

    fn bury(&mut self, session: Session) {
        let (gone, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.families)
            .into_iter()
            .partition(|family| family.session == session.name);
        self.families = left;
        self.over.1.extend(gone);
        self.over.0.push(session);
    }

    /// A log-out, while an application asks in another tab of the same browser.
    async fn torn(&mut self, mut session: Session) -> Result<()> {
        let mut tab = Session {
            name: session.name.clone(),
            browser: session.browser.tab(),
        };
        let Some(mut twin) = self.twin() else {
            return Ok(());
        };
        let (found, gone) =
            futures_util::future::join(twin.silent(&mut tab), self.log_out(&session)).await;
        session.browser = tab.browser;
        let name = session.name.clone();
        self.bury(session);
        gone?;
        if let Some(issued) = found? {
            twin.redeem(&name, &issued).await?;
        }
        self.over.1.append(&mut twin.families);
        Ok(())
    }

    /// Somebody else at the same computer, under the same name.
    fn twin(&mut self) -> Option<Person> {
        let mut twin = Person::new(self.actor, &self.who, &self.shared)?;
        twin.dice = Dice::new(self.dice.roll(u64::MAX));
        // Names of its own.
        twin.count_from(self.fresh_block());
        Some(twin)
    }

    /// After a fault: everything that was acknowledged is there, and what was ended is not.
    pub async fn look_again(&mut self) -> Result<()> {
        if let Some(mut session) = self.session.take() {
            let found = self.silent(&mut session).await;
            self.session = Some(session);
            found?;
        }
        for mut family in std::mem::take(&mut self.families) {
            let asked = self.userinfo(&family).await;
            let answered = self.rotate(&mut family).await;
            self.families.push(family);
            asked.and(answered)?;
        }
        let (sessions, families) = std::mem::take(&mut self.over);
        for mut session in sessions {
            let found = self.silent(&mut session).await?;
            if let Some(issued) = found {
                self.redeem(&session.name.clone(), &issued).await?;
            }
        }
        for mut family in families {
            if self.userinfo(&family).await? == Got::Taken {
                self.rotate(&mut family).await?;
            }
        }
        Ok(())
    }

    /// Everything, one after the other: signs in, opens a second application, asks for tokens and what they say, takes one
    /// family back, and logs out.
    pub async fn everything_once(&mut self) -> Result<()> {
        self.sign_in().await?;
        let session = self.session.take().context("nobody is signed in")?;
        if !self.second_application(session).await? {
            bail!("no code without a page");
        }
        let mut family = self.families.pop().context("no tokens")?;
        let answered = self.rotate(&mut family).await;
        self.families.push(family.clone());
        answered?;
        self.userinfo(&family).await?;
        self.introspect(&family).await?;
        let given_up = self.revoke(&family).await;
        self.families.pop();
        self.over.1.push(family);
        given_up?;
        let session = self.session.take().context("nobody is signed in")?;
        self.ended(session).await
    }

    /// Signs in as far as a verification code, and types that of a step; whether it was taken.
    pub async fn types_code(&mut self, step: i64) -> Result<bool> {
        let site = self.anywhere().context("there is no server")?;
        let mut browser = Wire::once(&site);
        let (login, _) = self.identify(&mut browser, &Trip::new()?).await?;
        let form = format!("v=2&code={}", verification_code(step)?);
        self.step(&mut browser, &login, &form, step).await
    }

    /// Types the same verification code into two browsers at once.
    pub async fn one_code_twice(&mut self) -> Result<()> {
        let Some(site) = self.shared.sites.first().cloned() else {
            return Ok(());
        };
        let (mut one, mut two) = (Wire::once(&site), Wire::once(&site));
        let (first, _) = self.identify(&mut one, &Trip::new()?).await?;
        let (second, _) = self.identify(&mut two, &Trip::new()?).await?;
        let step = now_s() / 30;
        let form = format!("v=2&code={}", verification_code(step)?);
        let Some(mut twin) = self.twin() else {
            return Ok(());
        };
        let both = futures_util::future::join(
            self.step(&mut one, &first, &form, step),
            twin.step(&mut two, &second, &form, step),
        );
        let (a, b) = both.await;
        a.and(b).map(drop)
    }
}

/// RFC 6238 over the seed that every robot has.
fn verification_code(step: i64) -> Result<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &PHONE_SEED);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or(0) & 15);
    let four = bytes.get(offset..offset + 4).context("a tag of 20 bytes")?;
    let number = four
        .iter()
        .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    Ok(format!("{:06}", (number & 0x7FFF_FFFF) % 1_000_000))
}

/// Many people at once, until they are sent home.
pub struct Crowd {
    tasks: Vec<JoinHandle<()>>,
    bell: Rc<Bell>,
}

/// What everybody hears.
#[derive(Default)]
struct Bell {
    home: Cell<bool>,
    /// Grows with every fault that is over.
    look: Cell<usize>,
}

impl Crowd {
    /// Sets them going; `codes` of them do nothing but type one code twice, each for many accounts in turn.
    pub fn gather(people: Vec<Person>, codes: Vec<Person>) -> Crowd {
        let bell = Rc::new(Bell::default());
        let mut tasks = Vec::new();
        for person in people {
            tasks.push(tokio::task::spawn_local(live(person, Rc::clone(&bell))));
        }
        let all = Rc::clone(&bell);
        tasks.push(tokio::task::spawn_local(async move {
            let mut codes = codes;
            'all: loop {
                for person in &mut codes {
                    if all.home.get() {
                        break 'all;
                    }
                    let _ = person.one_code_twice().await;
                    tokio::time::sleep(10 * PAUSE).await;
                }
                if codes.is_empty() {
                    break;
                }
            }
        }));
        Crowd { tasks, bell }
    }

    /// Everybody looks again at what they have, soon.
    pub fn look_again(&self) {
        self.bell.look.set(self.bell.look.get() + 1);
    }

    /// Waits until everybody has finished what they are at.
    pub async fn send_home(self) {
        self.bell.home.set(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

async fn live(mut person: Person, bell: Rc<Bell>) {
    let mut seen = bell.look.get();
    while !bell.home.get() {
        let done = if seen == bell.look.get() {
            person.turn().await
        } else {
            let now = bell.look.get();
            let looked = person.look_again().await;
            if looked.is_ok() {
                seen = now;
            }
            looked
        };
        if done.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let _ = person.look_again().await;
}
