//! An officer's login, federated: application, TechPass, WOG, the number on the phone, and back.

use super::{encoded, number, version};
use crate::http::{Wire, path_of};
use crate::load::Worker;
use crate::relying::{Provider, Relying, Trip};
use crate::world::{Person, World};
use anyhow::Result;
use std::rc::Rc;

/// One browser, one phone and one application's connection, for one officer after the other.
pub struct Officer {
    techpass: Wire,
    wog: Wire,
    phone: Wire,
    application: Relying,
    device: String,
    people: Vec<Rc<Person>>,
    turn: usize,
}

impl Officer {
    /// `count` of them, the world's officers dealt out among them.
    pub fn many(world: &World, provider: &Rc<Provider>, count: usize) -> Vec<Officer> {
        let one = |n: usize| Officer {
            techpass: Wire::new(&world.techpass.site),
            wog: Wire::new(&world.wog.site),
            phone: Wire::new(&world.wog.site),
            application: Relying::new(provider),
            device: world.device.clone(),
            people: world
                .officers
                .iter()
                .skip(n)
                .step_by(count)
                .cloned()
                .collect(),
            turn: 0,
        };
        (0..count).map(one).collect()
    }
}

impl Worker for Officer {
    async fn once(&mut self) -> Result<()> {
        self.turn += 1;
        let person = self
            .people
            .iter()
            .cycle()
            .nth(self.turn % self.people.len().max(1));
        let Some(person) = person.cloned() else {
            return Ok(());
        };
        self.techpass.forget_cookies();
        self.wog.forget_cookies();
        self.wog.set_cookie("wog_device", &self.device);
        let trip = Trip::new()?;
        let begun = self.techpass.get(&trip.authorize("")).await?.expect(303)?;
        let login = path_of(begun.location()?).to_owned();
        let page = self.techpass.get(&login).await?.expect(200)?;
        let form = format!(
            "v={}&login_id={}",
            version(&page)?,
            encoded(&person.login_id)
        );
        let away = self.techpass.post(&login, &form).await?.expect(303)?;
        let there = self.wog.get(path_of(away.location()?)).await?.expect(303)?;
        let at_home = path_of(there.location()?).to_owned();
        let shown = self.wog.get(&at_home).await?.expect(200)?;
        let typed = number(&shown)?;
        let mut events = self.wog.events(&format!("{at_home}/events")).await?;
        let status = format!("{at_home}/status");
        self.wog.get(&status).await?.expect(200)?;
        let waiting = person.phone.look(&mut self.phone).await?;
        person
            .phone
            .approve(&mut self.phone, &waiting, typed)
            .await?;
        events.next().await?;
        drop(events);
        self.wog.get(&status).await?.expect(200)?;
        let collected = self.wog.get(&at_home).await?.expect(303)?;
        let back = self
            .techpass
            .get(path_of(collected.location()?))
            .await?
            .expect(303)?;
        let tokens = self.application.finish(&trip, back.location()?).await?;
        self.application.userinfo(&tokens.access).await
    }
}
