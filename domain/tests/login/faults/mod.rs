//! Faults put in on purpose. Each must be noticed by a check; which one, stands in `docs/login.md`.

mod account;
mod answers;
mod grant;
mod number;
mod request;

use crate::login::cast::{Person, Role, WELL, id, who};
use crate::login::checks::Check;
use crate::login::explorer::explore;
use crate::login::machine::{Machine, Stepped};
use crate::login::moves::challenge;
use crate::login::mutants::{
    Arrives, Asks, Becomes, Clock, Does, Hears, Obeys, Reads, Says, Shows, Takes, meddle,
};
use crate::login::rules::threads;
use crate::login::worlds::{sid, worlds};
use serde_json::json;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use techpass_domain::access::{Factor, Verdict};
use techpass_domain::account::Status;
use techpass_domain::device::{DeviceClass, DeviceEvidence};
use techpass_domain::id::{ChallengeId, DeviceId};
use techpass_domain::login::requirement::ACR_NUMBER_MATCH;
use techpass_domain::login::{
    Chosen, Effect, Event, Login, Next, NumberEnd, Outcome, Prompt, Refusal, Rules, SignedIn,
    Strength, Unexpected,
};
use techpass_domain::problem::Problem;
use techpass_domain::time::Timestamp;

/// A broken machine.
pub struct Fault {
    pub what: &'static str,
    machine: Box<dyn Machine + Send>,
}

/// What became of a fault.
pub struct Verdicts {
    pub what: &'static str,
    /// The check that noticed, and the way there.
    pub noticed: Option<(Check, String)>,
}

fn fault(what: &'static str, machine: impl Machine + Send + 'static) -> Fault {
    Fault {
        what,
        machine: Box::new(machine),
    }
}

/// Every fault, tried against the worlds until a check notices.
pub static TRIED: LazyLock<Vec<Verdicts>> = LazyLock::new(|| {
    let faults: Vec<Fault> = [
        request::about_the_request(),
        request::about_consent_and_strength(),
        account::about_the_account(),
        account::about_the_computer(),
        number::about_phones(),
        number::about_numbers(),
        number::about_other_tabs(),
        answers::about_reports(),
        answers::about_factors(),
        grant::about_the_grant(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let worlds = worlds();
    let turn = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let n = turn.fetch_add(1, Ordering::Relaxed);
            let Some(fault) = faults.get(n) else {
                return done;
            };
            let found = worlds
                .iter()
                .find_map(|world| explore(&*fault.machine, world).err());
            let noticed = found.map(|found| {
                let way: Vec<&str> = found.way.iter().map(|step| step.label()).collect();
                (found.broken.check, way.join(", "))
            });
            let what = fault.what;
            done.push((n, Verdicts { what, noticed }));
        }
    };
    let mut all: Vec<(usize, Verdicts)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    all.sort_by_key(|(n, _)| *n);
    all.into_iter().map(|(_, verdicts)| verdicts).collect()
});

#[test]
fn every_fault_is_noticed() {
    for tried in &*TRIED {
        match &tried.noticed {
            Some((check, way)) => println!("{:<60} {check:?} ({way})", tried.what),
            None => println!("{:<60} NOT NOTICED", tried.what),
        }
    }
    let missed: Vec<&str> = TRIED
        .iter()
        .filter(|tried| tried.noticed.is_none())
        .map(|tried| tried.what)
        .collect();
    assert!(missed.is_empty(), "nobody noticed: {missed:?}");
}
