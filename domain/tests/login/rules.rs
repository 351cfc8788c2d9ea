//! The explorer, over every world.

use crate::login::checks::Check;
use crate::login::explorer::{Found, Seen, explore};
use crate::login::machine::Real;
use crate::login::worlds::{World, worlds};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What the product does in every world; walked once for all tests that ask.
pub static WALKED: LazyLock<Walked> = LazyLock::new(|| walk(&worlds(), threads()));

/// What was seen, and of every invariant that did not hold the first case.
#[derive(Default)]
pub struct Walked {
    pub seen: Seen,
    pub found: BTreeMap<Check, Found>,
}

pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn walk(worlds: &[World], threads: usize) -> Walked {
    let share = worlds.len().div_ceil(threads).max(1);
    let mut all = Walked::default();
    std::thread::scope(|scope| {
        let parts: Vec<_> = worlds
            .chunks(share)
            .map(|part| scope.spawn(|| walk_part(part)))
            .collect();
        for part in parts {
            let part = part.join().unwrap();
            all.seen.add(part.seen);
            for (check, found) in part.found {
                all.found.entry(check).or_insert(found);
            }
        }
    });
    all
}

fn walk_part(worlds: &[World]) -> Walked {
    let mut all = Walked::default();
    for world in worlds {
        match explore(&Real, world) {
            Ok(seen) => all.seen.add(seen),
            Err(found) => {
                all.found.entry(found.broken.check).or_insert(*found);
            }
        }
    }
    all
}

#[test]
fn every_login_of_every_small_world_keeps_the_promises() {
    let seen = &WALKED.seen;
    println!(
        "{} worlds, {} states, {} transitions, {} events refused",
        seen.worlds, seen.states, seen.transitions, seen.refusals
    );
    for (check, found) in &WALKED.found {
        println!(
            "{check:?}: {}\n  found {}\n  way   {:?}\n  in    {:?}",
            check.rule(),
            found.broken.what,
            found.way,
            found.world
        );
    }
    assert!(WALKED.found.is_empty(), "{:?}", WALKED.found.keys());
}
