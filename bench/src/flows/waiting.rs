//! Thousands of browsers that wait for a phone, and phones that answer some of them.

use super::{encoded, number, version};
use crate::floor::phone_message;
use crate::http::{Events, Site, Wire, path_of};
use crate::load::{Book, Outcome};
use crate::relying::Trip;
use crate::world::World;
use anyhow::Result;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Logins that are laid down at the same time.
const AT_ONCE: usize = 32;

/// A browser that waits, and the request that will wake it.
pub struct Waiting {
    events: Events,
    /// Address and body of the answer; `None` for one that is never answered.
    answer: Option<(String, String)>,
}

/// So many browsers in front of a number at WOG, the first `answered` of them to be answered later.
pub async fn at_wog(world: &World, count: usize, answered: usize) -> Result<Vec<Waiting>> {
    let mut all = Vec::with_capacity(count);
    let people: Vec<_> = world
        .officers
        .iter()
        .cycle()
        .take(count)
        .cloned()
        .enumerate()
        .collect();
    for some in people.chunks(AT_ONCE) {
        let tasks = some.iter().map(|(n, person)| {
            let (mut browser, mut phone) = (Wire::new(&world.wog.site), Wire::new(&world.wog.site));
            browser.set_cookie("wog_device", &world.device);
            let (person, to_be_answered) = (Rc::clone(person), *n < answered);
            async move {
                let asked = Trip::new()?.authorize("");
                let begun = browser.get(&asked).await?.expect(303)?;
                let login = path_of(begun.location()?).to_owned();
                let page = browser.get(&login).await?.expect(200)?;
                let login_id = encoded(&person.login_id);
                let form = format!("v={}&login_id={login_id}", version(&page)?);
                browser.post(&login, &form).await?.expect(303)?;
                let page = browser.get(&login).await?.expect(200)?;
                let typed = number(&page)?;
                let events = browser.events(&format!("{login}/events")).await?;
                let answer = match to_be_answered {
                    true => {
                        let waiting = person.phone.look(&mut phone).await?;
                        Some(person.phone.approval(&waiting, typed)?)
                    }
                    false => None,
                };
                Ok::<_, anyhow::Error>(Waiting { events, answer })
            }
        });
        for waiting in futures_util::future::join_all(tasks).await {
            all.push(waiting?);
        }
    }
    Ok(all)
}

/// The same at the floor.
pub async fn at_floor(site: &Arc<Site>, count: usize, answered: usize) -> Result<Vec<Waiting>> {
    let message = phone_message()?;
    let mut all = Vec::with_capacity(count);
    for n in 0..count {
        let mut browser = Wire::new(site);
        let events = browser.events(&format!("/wait/{n}/events")).await?;
        let answer = (n < answered).then(|| (format!("/wait/{n}/answer"), message.clone()));
        all.push(Waiting { events, answer });
    }
    Ok(all)
}

/// Answers at a fixed rate. Latency runs from sending the answer to the browser's event.
pub async fn answer(site: &Arc<Site>, all: Vec<Waiting>, rate: f64) -> Outcome {
    let book = Rc::new(Book::default());
    let mut sent = Vec::new();
    let mut listening = Vec::new();
    for Waiting { mut events, answer } in all {
        let at = Rc::new(Cell::new(None));
        if let Some(answer) = answer {
            sent.push((answer, Rc::clone(&at)));
        }
        let book = Rc::clone(&book);
        listening.push(tokio::task::spawn_local(async move {
            while events.next().await.is_ok() {
                if let Some(at) = at.get() {
                    book.done(Instant::elapsed(&at));
                    return;
                }
            }
        }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    let mut phones: Vec<Wire> = (0..16).map(|_| Wire::new(site)).collect();
    let mut answering = Vec::new();
    for (n, ((path, body), at)) in sent.into_iter().enumerate() {
        tokio::time::sleep_until(start + Duration::from_secs_f64(n as f64 / rate)).await;
        let mut phone = phones.pop().unwrap_or_else(|| Wire::new(site));
        let book = Rc::clone(&book);
        let answer = tokio::task::spawn_local(async move {
            at.set(Some(Instant::now()));
            let kind = [("content-type", "application/json")];
            let answered = phone.call("POST", &path, &kind, Some(&body)).await;
            if let Err(error) = answered.and_then(|answer| answer.expect(200)) {
                book.failed(&error);
            }
            phone
        });
        answering.push(answer);
        if answering.first().is_some_and(|first| first.is_finished())
            && let Ok(phone) = answering.remove(0).await
        {
            phones.push(phone);
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let took = start.elapsed();
    for one in listening {
        one.abort();
    }
    book.outcome(took)
}
