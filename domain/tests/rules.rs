//! The explorer, over every world.

use crate::explorer::{Found, Seen, explore};
use crate::machine::{Machine, Real};
use crate::worlds::{World, worlds};
use std::sync::LazyLock;

/// What the product does in every world; walked once for all tests that ask.
pub static SEEN: LazyLock<Result<Seen, Box<Found>>> =
    LazyLock::new(|| explore_all(&Real, &worlds(), threads()));

pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Walks worlds on several threads; of several finds the one of the first thread.
fn explore_all(
    machine: &dyn Machine,
    worlds: &[World],
    threads: usize,
) -> Result<Seen, Box<Found>> {
    let share = worlds.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let walks: Vec<_> = worlds
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    let mut all = Seen::default();
                    for world in part {
                        all.add(explore(machine, world)?);
                    }
                    Ok::<Seen, Box<Found>>(all)
                })
            })
            .collect();
        let mut all = Seen::default();
        for walk in walks {
            all.add(walk.join().unwrap()?);
        }
        Ok(all)
    })
}

#[test]
fn every_login_of_every_small_world_keeps_the_promises() {
    match &*SEEN {
        Err(found) => panic!(
            "{:?}: {}\n{}\nway {:?}\n{:?}",
            found.broken.check,
            found.broken.check.rule(),
            found.broken.what,
            found.way,
            found.world
        ),
        Ok(seen) => println!(
            "{} worlds, {} states, {} transitions, {} events refused",
            seen.worlds, seen.states, seen.transitions, seen.refusals
        ),
    }
}
