//! A login ID without a record walks the same pages as one with a record, until something is proven.

use crate::login::cast::{
    Computer, Owner, Person, Record, Role, Standing, T0, WELL, chosen, evidence,
};
use crate::login::moves::{NUMBER_S, challenge};
use crate::login::worlds::{Book, policy};
use std::collections::{HashSet, VecDeque};
use techpass_domain::account::Kind;
use techpass_domain::device::DeviceClass::{Gmd, NonSeGsib, SeGsib};
use techpass_domain::login::{Arrival, Asked, Event, Login, Rules};
use techpass_domain::time::Timestamp;

const COMPUTERS: [Computer; 5] = [
    Computer::Unproven,
    Computer::Proven(NonSeGsib, Owner::Shared),
    Computer::Proven(NonSeGsib, Owner::Other),
    Computer::Proven(Gmd, Owner::Shared),
    Computer::Proven(SeGsib, Owner::Shared),
];

/// What somebody can do who knows a login ID and nothing else. One event for the known, one for the unknown.
fn tries(role: Role, record: Record, now: Timestamp) -> Vec<(Event, Event)> {
    let choice = |person| Event::AccountChosen(chosen(role, person, record), None);
    let sent = |n| Event::NumberSent {
        challenge: challenge(n),
        expires_at: now.plus(NUMBER_S),
    };
    let until = now.plus(60);
    let mut alike = vec![
        Event::AnotherAccount,
        Event::PasswordChecked { right: false },
        Event::CodeChecked { right: false },
        sent(0),
        sent(1),
        Event::NumberLimited { until },
        Event::NumberSuperseded {
            challenge: challenge(0),
        },
        Event::ConsentGiven,
        Event::Cancelled,
        Event::UpstreamRefused,
        Event::Collected,
    ];
    alike.extend(COMPUTERS.map(|computer| Event::DeviceSeen(evidence(computer))));
    let mut all: Vec<(Event, Event)> = alike.into_iter().map(|e| (e.clone(), e)).collect();
    all.push((choice(Person::Hero), choice(Person::Nobody)));
    all
}

/// Walks a login of a known account and one of an unknown login ID side by side.
fn walk_both(role: Role, record: Record, asked: &Asked, computer: Computer) -> usize {
    let policy = policy(Book::Usual);
    let rules = Rules { policy: &policy };
    let begin = |person| {
        let arrival = Arrival {
            signed_in: vec![],
            known: 0,
            hint: Some(chosen(role, person, record)),
            stranger: false,
            device: evidence(computer),
        };
        Login::begin(asked.clone(), arrival, T0)
    };
    let start = (begin(Person::Hero), begin(Person::Nobody), T0);
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([start]);
    while let Some((known, unknown, now)) = queue.pop_front() {
        let next = known.next(&rules, now);
        assert_eq!(
            next,
            unknown.next(&rules, now),
            "{role:?} {record:?} {computer:?} {known:?}"
        );
        for (event, alike) in tries(role, record, now) {
            let a = known.clone().step(event.clone(), &rules, now);
            let b = unknown.clone().step(alike, &rules, now);
            match (a, b) {
                (Ok((known, effects)), Ok((unknown, as_well))) => {
                    assert_eq!(effects, as_well, "{role:?} {record:?} {event:?}");
                    let after = (known, unknown, now);
                    if seen.insert(after.clone()) {
                        queue.push_back(after);
                    }
                }
                (Err(_), Err(_)) => {}
                _ => panic!("{role:?} {record:?} at {next:?}: {event:?} tells them apart"),
            }
        }
        if now == T0 {
            let later = (known, unknown, now.plus(NUMBER_S));
            if seen.insert(later.clone()) {
                queue.push_back(later);
            }
        }
    }
    seen.len()
}

#[test]
fn an_unknown_login_id_walks_the_same_pages_as_a_known_one() {
    let standing = |standing| Record { standing, ..WELL };
    let phone = false;
    let records = [
        WELL,
        standing(Standing::OnHold),
        standing(Standing::Disabled),
        standing(Standing::Closed),
        Record { phone, ..WELL },
    ];
    let mut pairs = 0;
    for role in [Role::Officer, Role::Vendor, Role::Product, Role::Abroad] {
        for record in records {
            // A government computer stands behind an officer's claim, so more may be said there.
            if role == Role::Officer && record != WELL {
                continue;
            }
            for n in 0..16 {
                let asked = Asked {
                    none: n & 1 != 0,
                    force_login: n & 2 != 0,
                    select_account: n & 4 != 0,
                    consent: n & 8 != 0,
                    test_client: role.kind() == Kind::Product,
                    max_age: None,
                    ..Asked::default()
                };
                for computer in COMPUTERS {
                    pairs += walk_both(role, record, &asked, computer);
                }
            }
        }
    }
    println!("{pairs} pairs of states");
}
