//! A vendor's login with password and number, and an application that finds the browser signed in.

use super::{encoded, number, version};
use crate::http::{Wire, path_of};
use crate::load::Worker;
use crate::relying::{Provider, Relying, Tokens, Trip};
use crate::world::{PASSWORD, Person, World};
use anyhow::Result;
use std::rc::Rc;

/// One browser, one phone and one application's connection.
pub struct Vendor {
    browser: Wire,
    phone: Wire,
    application: Relying,
    people: Vec<Rc<Person>>,
    turn: usize,
}

impl Vendor {
    /// `count` of them, these people dealt out among them.
    pub fn many(
        world: &World,
        provider: &Rc<Provider>,
        people: &[Rc<Person>],
        count: usize,
    ) -> Vec<Vendor> {
        let one = |n: usize| Vendor {
            browser: Wire::new(&world.techpass.site),
            phone: Wire::new(&world.techpass.site),
            application: Relying::new(provider),
            people: people.iter().skip(n).step_by(count).cloned().collect(),
            turn: 0,
        };
        (0..count).map(one).collect()
    }

    /// The whole login of the next person, in a fresh browser.
    pub async fn sign_in(&mut self) -> Result<Tokens> {
        self.turn += 1;
        let person = self
            .people
            .iter()
            .cycle()
            .nth(self.turn % self.people.len().max(1));
        let Some(person) = person.cloned() else {
            anyhow::bail!("there is nobody to sign in");
        };
        self.browser.forget_cookies();
        let trip = Trip::new()?;
        let begun = self.browser.get(&trip.authorize("")).await?.expect(303)?;
        let login = path_of(begun.location()?).to_owned();
        let page = self.browser.get(&login).await?.expect(200)?;
        let form = format!(
            "v={}&login_id={}",
            version(&page)?,
            encoded(&person.login_id)
        );
        self.browser.post(&login, &form).await?.expect(303)?;
        let page = self.browser.get(&login).await?.expect(200)?;
        let form = format!("v={}&password={}", version(&page)?, encoded(PASSWORD));
        self.browser.post(&login, &form).await?.expect(303)?;
        let shown = self.browser.get(&login).await?.expect(200)?;
        let typed = number(&shown)?;
        let waiting = person.phone.look(&mut self.phone).await?;
        person
            .phone
            .approve(&mut self.phone, &waiting, typed)
            .await?;
        let collected = self.browser.get(&login).await?.expect(303)?;
        let tokens = self
            .application
            .finish(&trip, collected.location()?)
            .await?;
        self.application.userinfo(&tokens.access).await?;
        Ok(tokens)
    }
}

impl Worker for Vendor {
    async fn once(&mut self) -> Result<()> {
        self.sign_in().await.map(drop)
    }
}

/// A browser that is signed in, and opens an application again and again.
pub struct SignedIn(Vendor);

impl SignedIn {
    /// Signs everybody in once.
    pub async fn many(vendors: Vec<Vendor>) -> Result<Vec<SignedIn>> {
        let mut all = Vec::new();
        for mut vendor in vendors {
            vendor.sign_in().await?;
            all.push(SignedIn(vendor));
        }
        Ok(all)
    }
}

impl Worker for SignedIn {
    async fn once(&mut self) -> Result<()> {
        let trip = Trip::new()?;
        let answered = self.0.browser.get(&trip.authorize("")).await?.expect(303)?;
        let tokens = self
            .0
            .application
            .finish(&trip, answered.location()?)
            .await?;
        self.0.application.userinfo(&tokens.access).await
    }
}

/// An application that rotates its refresh token again and again.
pub struct Rotation {
    application: Relying,
    refresh: String,
}

impl Rotation {
    /// Starts from tokens.
    pub fn new(provider: &Rc<Provider>, refresh: &str) -> Rotation {
        Rotation {
            application: Relying::new(provider),
            refresh: refresh.to_owned(),
        }
    }
}

impl Worker for Rotation {
    async fn once(&mut self) -> Result<()> {
        let form = format!("grant_type=refresh_token&refresh_token={}", self.refresh);
        let tokens = self.application.token(&form).await?.expect(200)?.json()?;
        let next = tokens.get("refresh_token").and_then(|token| token.as_str());
        match next {
            Some(next) => next.clone_into(&mut self.refresh),
            None => anyhow::bail!("no refresh token came"),
        }
        Ok(())
    }
}
