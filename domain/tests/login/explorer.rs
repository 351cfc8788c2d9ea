//! Walks every way through a world, breadth first, comparing at every state and every step.

use crate::login::cast::{Person, T0, who};
use crate::login::checks::{Broken, Check, View, broken};
use crate::login::diagram::Picture;
use crate::login::ghost::Ghost;
use crate::login::machine::Machine;
use crate::login::moves::{Move, moves};
use crate::login::worlds::{Theme, World, policy};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use techpass_domain::access::Policy;
use techpass_domain::login::{LIFETIME_S, Login, Next, Outcome, Rules};
use techpass_domain::time::Timestamp;

/// What was seen.
#[derive(Default)]
pub struct Seen {
    pub worlds: usize,
    pub states: usize,
    pub transitions: usize,
    pub refusals: usize,
    pub picture: Picture,
}

impl Seen {
    pub fn add(&mut self, more: Seen) {
        self.worlds += more.worlds;
        self.states += more.states;
        self.transitions += more.transitions;
        self.refusals += more.refusals;
        self.picture.add(more.picture);
    }
}

/// An invariant that did not hold, and the way there.
#[derive(Debug)]
pub struct Found {
    pub broken: Broken,
    pub way: Vec<Move>,
    pub world: World,
}

type State = (Login, Ghost, Timestamp);

struct Walk<'a> {
    machine: &'a dyn Machine,
    world: &'a World,
    policy: Policy,
    seen: Seen,
    /// States by their hash.
    index: HashMap<u64, Vec<usize>>,
    states: Vec<State>,
    nexts: Vec<Next>,
    followed: Vec<bool>,
    /// Who led to a state, and by what.
    back: Vec<Vec<(usize, Move)>>,
    queue: std::collections::VecDeque<usize>,
}

/// Walks a world to its end, or to the first invariant that does not hold.
pub fn explore(machine: &dyn Machine, world: &World) -> Result<Seen, Box<Found>> {
    let mut walk = Walk {
        machine,
        world,
        policy: policy(world.book),
        seen: Seen::default(),
        index: HashMap::new(),
        states: Vec::new(),
        nexts: Vec::new(),
        followed: Vec::new(),
        back: Vec::new(),
        queue: std::collections::VecDeque::new(),
    };
    let login = machine.begin(world.asked.clone(), world.arrival(), T0);
    let start = (login, Ghost::begin(world), T0);
    walk.arrive(start, None, true)?;
    while let Some(at) = walk.queue.pop_front() {
        walk.leave(at)?;
    }
    walk.living()?;
    walk.seen.worlds = 1;
    walk.seen.states = walk.states.len();
    Ok(walk.seen)
}

impl Walk<'_> {
    fn rules(&self) -> Rules<'_> {
        Rules {
            policy: &self.policy,
        }
    }

    /// A state is reached: judged when it is new, and put in line when the world goes on from it.
    fn arrive(
        &mut self,
        state: State,
        from: Option<(usize, Move)>,
        follow: bool,
    ) -> Result<(), Box<Found>> {
        let hash = hash_of(&state);
        let alike = self.index.get(&hash).into_iter().flatten().copied();
        let known = alike.into_iter().find(|at| self.states[*at] == state);
        let at = match known {
            Some(at) => at,
            None => {
                let at = self.states.len();
                let next = self.machine.next(&state.0, &self.rules(), state.2);
                self.index.entry(hash).or_default().push(at);
                self.states.push(state);
                self.nexts.push(next);
                self.followed.push(false);
                self.back.push(Vec::new());
                self.back[at].extend(from);
                let judged = self.judge(at);
                judged.map_err(|broken| self.found(at, None, broken))?;
                at
            }
        };
        if let Some((before, by)) = from {
            let possible = !self.states[before].1.pretends(by);
            if possible {
                let (from, to) = (&self.nexts[before], &self.nexts[at]);
                self.seen.picture.arrow(from, by, to);
            }
            if self.back[at].first() != Some(&(before, by)) {
                self.back[at].push((before, by));
            }
        } else {
            self.seen.picture.start(&self.nexts[at]);
        }
        if follow && !self.followed[at] {
            self.followed[at] = true;
            self.queue.push_back(at);
        }
        Ok(())
    }

    fn judge(&self, at: usize) -> Result<(), Broken> {
        let (login, ghost, now) = &self.states[at];
        let view = |now| View {
            world: self.world,
            ghost,
            now,
        };
        let next = &self.nexts[at];
        view(*now).page(next)?;
        view(*now).kept(&login.evidence)?;
        let achieved = self.machine.achieved(login, &self.rules(), *now);
        view(*now).achieved(next, achieved.as_ref())?;
        for late in view(*now).edges() {
            view(late).page(&self.machine.next(login, &self.rules(), late))?;
        }
        Ok(())
    }

    /// Everything is tried in this state.
    fn leave(&mut self, at: usize) -> Result<(), Box<Found>> {
        let state = self.states[at].clone();
        let (login, ghost, now) = &state;
        let over = matches!(self.nexts[at], Next::Finish(_));
        for happens in moves(self.world, ghost) {
            let after = match happens {
                Move::Record(_) if over => continue,
                Move::Record(record) => {
                    let fresh = who(self.world.role, Person::Hero, record);
                    Some(self.machine.refreshed(login.clone(), fresh))
                }
                _ => {
                    let step = self.step(at, &state, happens);
                    step.map_err(|broken| self.found(at, Some(happens), broken))?
                }
            };
            let Some(after) = after else {
                self.seen.refusals += 1;
                continue;
            };
            self.seen.transitions += 1;
            let ghost = ghost.saw(self.world, happens, *now);
            let follow = happens.followed(self.world.theme);
            self.arrive((after, ghost, *now), Some((at, happens)), follow)?;
        }
        self.wait(at)
    }

    /// One event: the login after it, when it was taken.
    fn step(&mut self, at: usize, state: &State, happens: Move) -> Result<Option<Login>, Broken> {
        let (login, ghost, now) = state;
        let now = *now;
        let world = self.world;
        let view = View { world, ghost, now };
        let Some(event) = happens.event(world, ghost, now) else {
            return Ok(None);
        };
        let stepped = self
            .machine
            .step(login.clone(), event.clone(), &self.rules(), now);
        view.taken(&self.nexts[at], happens, stepped.is_ok())?;
        let Ok((after, effects)) = stepped else {
            return Ok(None);
        };
        view.effects(happens, &effects)?;
        if !ghost.pretends(happens) {
            self.seen.picture.effects(happens, &effects);
        }
        let late = T0.plus(LIFETIME_S);
        if self
            .machine
            .step(login.clone(), event, &self.rules(), late)
            .is_ok()
        {
            return broken(Check::Lifetime, happens);
        }
        Ok(Some(after))
    }

    /// Time goes by: a minute and a second, two minutes and a second, each at most once.
    fn wait(&mut self, at: usize) -> Result<(), Box<Found>> {
        if !matches!(self.nexts[at], Next::Ask(_) | Next::Collect) {
            return Ok(());
        }
        for (wait, from) in [(61, [0, 121]), (121, [0, 61])] {
            let (login, ghost, now) = &self.states[at];
            let wanted =
                Move::Wait(wait).followed(self.world.theme) && from.contains(&(now.0 - T0.0));
            if wanted {
                let later = (login.clone(), *ghost, now.plus(wait));
                self.seen.transitions += 1;
                self.arrive(later, Some((at, Move::Wait(wait))), true)?;
            }
        }
        Ok(())
    }

    /// From every page some way leads to a grant; and the chosen account has one of its own where it may.
    fn living(&self) -> Result<(), Box<Found>> {
        if self.world.asked.none {
            return Ok(());
        }
        let anywhere = self.reaching(|happens| !matches!(happens, Move::Record(_) | Move::Wait(_)));
        let alone = self.reaching(|happens| {
            !matches!(
                happens,
                Move::Record(_)
                    | Move::Wait(_)
                    | Move::Choose(_)
                    | Move::ChooseWithForeignEntry
                    | Move::Another
                    | Move::Device(_)
            )
        });
        let switching = matches!(self.world.theme, Theme::Switch | Theme::Everything);
        let other = crate::login::cast::id(Person::Other);
        let other_works = self.world.book == crate::login::worlds::Book::Usual
            && self
                .world
                .asked
                .only
                .as_ref()
                .is_none_or(|only| *only == other);
        for (at, (_, ghost, now)) in self.states.iter().enumerate() {
            if !self.followed[at] || matches!(self.nexts[at], Next::Finish(_)) {
                continue;
            }
            if switching && other_works && !anywhere[at] {
                return Err(self.found(at, None, self.stuck(Check::Reach, at)));
            }
            let hero = matches!(ghost.claimed, Some(Person::Hero | Person::Nobody));
            if hero
                && !matches!(
                    ghost.due(self.world, *now),
                    crate::login::ghost::Due::Choice
                )
            {
                let hopeful = ghost.hopeful(self.world, *now);
                if hopeful != alone[at] {
                    return Err(self.found(at, None, self.stuck(Check::Hope, at)));
                }
            }
        }
        Ok(())
    }

    fn stuck(&self, check: Check, at: usize) -> Broken {
        let what = format!("{:?}", self.nexts[at]);
        Broken { check, what }
    }

    /// Which states lead to a grant by such moves.
    fn reaching(&self, by: impl Fn(Move) -> bool) -> Vec<bool> {
        let granted = Next::Finish(Outcome::Granted);
        let mut reaching: Vec<bool> = self.nexts.iter().map(|next| *next == granted).collect();
        let mut open: Vec<usize> = (0..reaching.len()).filter(|at| reaching[*at]).collect();
        while let Some(at) = open.pop() {
            for (before, happened) in &self.back[at] {
                if by(*happened) && !reaching[*before] {
                    reaching[*before] = true;
                    open.push(*before);
                }
            }
        }
        reaching
    }

    fn found(&self, at: usize, happens: Option<Move>, broken: Broken) -> Box<Found> {
        let mut way: Vec<Move> = happens.into_iter().collect();
        let mut at = at;
        // The first way to a state is the shortest. The beginning has none, though others may lead back to it.
        while at > 0 {
            let (before, by) = self.back[at][0];
            way.push(by);
            at = before;
        }
        way.reverse();
        Box::new(Found {
            broken,
            way,
            world: self.world.clone(),
        })
    }
}

/// A hash that is quick rather than safe from strangers: millions of states are looked up.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

fn hash_of(state: &State) -> u64 {
    let mut hasher = Quick::default();
    state.hash(&mut hasher);
    hasher.finish()
}
