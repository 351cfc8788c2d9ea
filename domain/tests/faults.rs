//! Faults put in on purpose. Each must be noticed by a check; which one, stands in `docs/login.md`.

use crate::cast::{Person, Role, WELL, id, who};
use crate::checks::Check;
use crate::explorer::explore;
use crate::machine::{Machine, Stepped};
use crate::moves::challenge;
use crate::mutants::{
    Arrives, Asks, Becomes, Clock, Does, Hears, Obeys, Reads, Says, Shows, Takes, meddle,
};
use crate::rules::threads;
use crate::worlds::{sid, worlds};
use serde_json::json;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use techpass_domain::access::{Factor, Verdict};
use techpass_domain::account::Status;
use techpass_domain::device::{DeviceClass, DeviceEvidence};
use techpass_domain::id::DeviceId;
use techpass_domain::login::requirement::ACR_NUMBER_MATCH;
use techpass_domain::login::{
    Chosen, Effect, Event, Login, Next, NumberEnd, Outcome, Prompt, Refusal, SignedIn, Unexpected,
};
use techpass_domain::problem::Problem;

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

fn about_the_request() -> Vec<Fault> {
    vec![
        fault("`max_age` is ignored", Asks(|asked| asked.max_age = None)),
        fault(
            "`prompt=login` is ignored",
            Asks(|asked| asked.force_login = false),
        ),
        fault(
            "`prompt=select_account` is ignored",
            Asks(|asked| asked.select_account = false),
        ),
        fault(
            "consent is not asked for",
            Asks(|asked| asked.consent = false),
        ),
        fault(
            "the client is taken for a test client",
            Asks(|asked| asked.test_client = true),
        ),
        fault(
            "`prompt=none` shows a page",
            Shows(|login, _, rules, now| {
                let mut login = login.clone();
                login.asked.none = false;
                login.next(rules, now)
            }),
        ),
        fault(
            "`prompt=none` always says `login_required`",
            Shows(|login, next, _, _| match next {
                Next::Finish(Outcome::Refused(_)) if login.asked.none => {
                    Next::Finish(Outcome::Refused(Refusal::LoginRequired))
                }
                next => next,
            }),
        ),
        fault(
            "the session counts for nothing",
            Arrives(
                |arrival| arrival.signed_in.clear(),
                |event| {
                    if let Event::AccountChosen(_, before) = event {
                        *before = None;
                    }
                },
            ),
        ),
        fault(
            "a login goes on after its time",
            Clock(
                |login, now| now.min(login.expires_at.plus(-1)),
                |login, _, now| now.min(login.expires_at.plus(-1)),
            ),
        ),
    ]
}

fn about_the_account() -> Vec<Fault> {
    vec![
        fault(
            "a password proven before a change of account is kept",
            Becomes(keep_password),
        ),
        fault(
            "the last account's proofs pass for those of the new one",
            Becomes(pass_on_proofs),
        ),
        fault(
            "consent is kept when the account changes",
            Becomes(|before, event, after| {
                if matches!(event, Event::AccountChosen(..) | Event::AnotherAccount) {
                    after.evidence.consent = before.evidence.consent;
                }
            }),
        ),
        fault(
            "another account's session entry passes for the chosen one's",
            Hears(forge_entry),
        ),
        fault(
            "an unknown login ID passes for an account",
            Hears(|_, _, event| {
                if let Event::AccountChosen(chosen @ Chosen::Unknown { .. }, _) = event {
                    *chosen = Chosen::Known(who(Role::Vendor, Person::Nobody, WELL));
                }
            }),
        ),
        fault(
            "an account on hold is let in",
            Reads(|login| let_in(login, Problem::OnHold)),
        ),
        fault(
            "a disabled account is let in",
            Reads(|login| let_in(login, Problem::Disabled)),
        ),
        fault(
            "a closed account is let in",
            Reads(|login| let_in(login, Problem::Closed)),
        ),
        fault(
            "a hold is told before anything is proven",
            Shows(|login, next, _, _| match (&login.evidence.chosen, &next) {
                (Some(Chosen::Known(who)), Next::Ask(Prompt::Password))
                    if matches!(who.status, Status::OnHold { .. }) =>
                {
                    Next::Ask(Prompt::Denied(Problem::OnHold))
                }
                _ => next,
            }),
        ),
        fault(
            "a changed record is not looked at",
            Reads(|login| {
                if let Some(Chosen::Known(who)) = &mut login.evidence.chosen {
                    who.has_authenticator = true;
                }
            }),
        ),
    ]
}

fn about_the_computer() -> Vec<Fault> {
    vec![
        fault(
            "somebody else's computer passes for a shared one",
            Arrives(
                |arrival| share(&mut arrival.device),
                |event| {
                    if let Event::DeviceSeen(device) = event {
                        share(device);
                    }
                },
            ),
        ),
        fault(
            "an unproven computer passes for a GSIB",
            Arrives(
                |arrival| recognise(&mut arrival.device),
                |event| {
                    if let Event::DeviceSeen(device) = event {
                        recognise(device);
                    }
                },
            ),
        ),
        fault(
            "the policy's refusals of computers are skipped",
            Obeys(|policy| {
                policy.rules.iter_mut().for_each(|rule| {
                    if rule.then == Verdict::Deny(Problem::DeviceSe) {
                        rule.then = Verdict::Require(vec![Factor::Number]);
                    }
                });
            }),
        ),
        fault(
            "a computer is not looked at again",
            Takes(|login, next, event| match (next, event) {
                (Next::Ask(Prompt::Denied(_)), Event::DeviceSeen(_)) => {
                    Some(Ok((login.clone(), vec![])))
                }
                _ => None,
            }),
        ),
    ]
}

fn about_the_number() -> Vec<Fault> {
    vec![
        fault(
            "phones ring before the code is right",
            Obeys(|policy| {
                policy.rules.iter_mut().for_each(|rule| {
                    if let Verdict::Require(factors) = &mut rule.then {
                        factors.reverse();
                    }
                });
            }),
        ),
        fault(
            "phones ring while the password is still due",
            Shows(|_, next, _, _| match next {
                Next::Ask(Prompt::Password) => Next::Ask(Prompt::SendNumber),
                next => next,
            }),
        ),
        fault(
            "phones ring although too many numbers were sent",
            Does(|event, effects| {
                if matches!(event, Event::NumberLimited { .. }) {
                    effects.push(Effect::NotifyPhones(challenge(0)));
                }
            }),
        ),
        fault(
            "an expired number is taken",
            Clock(
                |_, now| now,
                |_, event, now| match event {
                    Event::NumberAnswered { .. } => now.plus(-120),
                    _ => now,
                },
            ),
        ),
        fault(
            "an expired number stays on the page",
            Clock(|_, now| now.plus(-60), |_, _, now| now),
        ),
        fault(
            "an answer to another number is taken",
            Hears(|_, shown, event| {
                if let (Event::NumberAnswered { challenge, .. }, Some(shown)) = (event, shown) {
                    *challenge = shown;
                }
            }),
        ),
        fault(
            "a wrong number counts as right",
            Hears(|_, _, event| {
                if let Event::NumberAnswered { right, .. } = event {
                    *right = true;
                }
            }),
        ),
        fault("a wrong number may be tried again", Takes(second_try)),
        fault(
            "wrong numbers never end the login",
            Becomes(|_, event, after| {
                if matches!(event, Event::NumberAnswered { right: false, .. }) {
                    meddle(after, "wrong_numbers", json!(0));
                }
            }),
        ),
        fault(
            "a number that is replaced stays on the phones",
            Does(|event, effects| {
                let sent = matches!(event, Event::NumberSent { .. });
                effects.retain(|e| !(sent && matches!(e, Effect::EndNumber(..))));
            }),
        ),
        fault(
            "a number stays on the phones when the login is cancelled",
            Does(|event, effects| {
                let cancelled = *event == Event::Cancelled;
                effects.retain(|e| !(cancelled && matches!(e, Effect::EndNumber(..))));
            }),
        ),
        fault(
            "a declined number is closed as expired",
            Does(|_, effects| {
                effects.iter_mut().for_each(|effect| {
                    if let Effect::EndNumber(_, end @ NumberEnd::Declined) = effect {
                        *end = NumberEnd::Expired;
                    }
                });
            }),
        ),
    ]
}

fn about_answers() -> Vec<Fault> {
    vec![
        fault(
            "a report puts nobody on hold",
            Does(|_, effects| effects.retain(|effect| !matches!(effect, Effect::Hold(_)))),
        ),
        fault(
            "a report puts somebody else on hold",
            Does(|_, effects| {
                effects.iter_mut().for_each(|effect| {
                    if let Effect::Hold(account) = effect {
                        *account = id(Person::Stranger);
                    }
                });
            }),
        ),
        fault(
            "a request that was declined puts the account on hold",
            Does(|event, effects| {
                if let Event::NumberDeclined {
                    reported: false, ..
                } = event
                {
                    effects.push(Effect::Hold(id(Person::Hero)));
                }
            }),
        ),
        fault(
            "a report does not refuse the login",
            Becomes(|_, event, after| {
                if matches!(event, Event::NumberDeclined { reported: true, .. }) {
                    meddle(after, "outcome", json!(null));
                }
            }),
        ),
        fault(
            "a declined request does not refuse the login",
            Becomes(|_, event, after| {
                if matches!(
                    event,
                    Event::NumberDeclined {
                        reported: false,
                        ..
                    }
                ) {
                    meddle(after, "outcome", json!(null));
                }
            }),
        ),
        fault(
            "a wrong factor is not counted",
            Does(|_, effects| {
                effects.retain(|effect| *effect != Effect::CountFailure(Factor::Password));
            }),
        ),
        fault(
            "a right factor leaves its failures",
            Does(|_, effects| {
                effects.retain(|effect| !matches!(effect, Effect::ClearFailures(_)));
            }),
        ),
        fault(
            "a wrong code counts as right",
            Hears(|_, _, event| {
                if let Event::CodeChecked { right } = event {
                    *right = true;
                }
            }),
        ),
        fault(
            "an upstream's word for a stranger is taken",
            Hears(adopt_stranger),
        ),
        fault(
            "an upstream's word for one factor is enough",
            Hears(|_, _, event| {
                if let Event::UpstreamReturned { proof, .. } = event {
                    proof.acr = Some(ACR_NUMBER_MATCH.to_owned());
                }
            }),
        ),
        fault(
            "a page does not let go back",
            Takes(|_, next, event| match (next, event) {
                (Next::Ask(Prompt::Consent), Event::Cancelled) => Some(Err(Unexpected)),
                _ => None,
            }),
        ),
    ]
}

fn about_the_grant() -> Vec<Fault> {
    vec![
        fault(
            "a grant gives two codes",
            Does(|_, effects| {
                if effects.contains(&Effect::IssueCode) {
                    effects.push(Effect::IssueCode);
                }
            }),
        ),
        fault(
            "a grant keeps no session",
            Does(|_, effects| effects.retain(|effect| *effect != Effect::StartSession)),
        ),
        fault("a grant is collected twice", Takes(collect_twice)),
        fault(
            "a code is given out with the last proof already",
            Does(|event, effects| {
                if matches!(event, Event::NumberAnswered { right: true, .. }) {
                    effects.push(Effect::IssueCode);
                }
            }),
        ),
        fault(
            "`auth_time` is the moment of the grant",
            Says(|login, rules, now| {
                let mut said = login.achieved(rules, now)?;
                said.auth_time = now;
                Some(said)
            }),
        ),
        fault(
            "`acr` always promises a number match",
            Says(|login, rules, now| {
                let mut said = login.achieved(rules, now)?;
                said.acr = ACR_NUMBER_MATCH.to_owned();
                Some(said)
            }),
        ),
        fault(
            "`amr` counts the computer of last time",
            Says(|login, rules, now| {
                let mut said = login.achieved(rules, now)?;
                let before = login.evidence.before.as_ref();
                let last_time = before.is_some_and(|entry| entry.proofs.device.is_some());
                if last_time && !said.amr.contains(&"pop".to_owned()) {
                    said.amr.push("pop".to_owned());
                }
                Some(said)
            }),
        ),
        fault(
            "a grant goes to another entry of the session",
            Says(|login, rules, now| {
                let mut said = login.achieved(rules, now)?;
                said.entry = Some(sid(Person::Other));
                Some(said)
            }),
        ),
        fault(
            "a grant is stated before consent",
            Says(|login, rules, now| {
                let mut login = login.clone();
                login.evidence.consent = true;
                login.achieved(rules, now)
            }),
        ),
    ]
}

fn keep_password(before: &Login, event: &Event, after: &mut Login) {
    if matches!(event, Event::AnotherAccount) {
        after.evidence.here.password = before.evidence.here.password.clone();
    }
}

fn pass_on_proofs(before: &Login, event: &Event, after: &mut Login) {
    match (event, &after.evidence.chosen) {
        (Event::AccountChosen(..), Some(Chosen::Known(who))) => {
            let mut proofs = before.evidence.here.clone();
            let all = [&mut proofs.password, &mut proofs.code, &mut proofs.number];
            for proof in all.into_iter().flatten() {
                proof.account = who.id.clone();
            }
            after.evidence.here = proofs;
        }
        (Event::AnotherAccount, _) => after.evidence.here = before.evidence.here.clone(),
        _ => {}
    }
}

fn forge_entry(_: &Login, _: Option<techpass_domain::id::ChallengeId>, event: &mut Event) {
    if let Event::AccountChosen(
        Chosen::Known(who),
        Some(SignedIn {
            who: owner, proofs, ..
        }),
    ) = event
    {
        *owner = who.clone();
        let all = [&mut proofs.password, &mut proofs.code, &mut proofs.number];
        for proof in all.into_iter().flatten() {
            proof.account = who.id.clone();
        }
    }
}

fn let_in(login: &mut Login, whom: Problem) {
    if let Some(Chosen::Known(who)) = &mut login.evidence.chosen {
        let barred = match who.status {
            Status::Active => return,
            Status::OnHold { .. } => Problem::OnHold,
            Status::Disabled => Problem::Disabled,
            Status::Closed => Problem::Closed,
        };
        if barred == whom {
            who.status = Status::Active;
        }
    }
}

fn share(device: &mut DeviceEvidence) {
    if let DeviceEvidence::Key { owner, .. } = device {
        *owner = None;
    }
}

fn recognise(device: &mut DeviceEvidence) {
    if *device == DeviceEvidence::Unproven {
        *device = DeviceEvidence::Key {
            device: DeviceId::new("dev_1"),
            class: DeviceClass::NonSeGsib,
            owner: None,
        };
    }
}

fn second_try(login: &Login, next: &Next, event: &Event) -> Option<Stepped> {
    match (next, event) {
        (
            Next::Ask(prompt),
            Event::NumberAnswered {
                challenge,
                right: false,
            },
        ) if prompt.accepts(event) => {
            let end = Effect::EndNumber(challenge.clone(), NumberEnd::Wrong);
            Some(Ok((
                login.clone(),
                vec![end, Effect::CountFailure(Factor::Number)],
            )))
        }
        _ => None,
    }
}

fn adopt_stranger(login: &Login, _: Option<techpass_domain::id::ChallengeId>, event: &mut Event) {
    let chosen = login.evidence.chosen.as_ref().and_then(Chosen::account);
    if let (
        Event::UpstreamReturned {
            who,
            as_chosen,
            proof,
        },
        Some(chosen),
    ) = (event, chosen)
    {
        *as_chosen = true;
        who.id = chosen.clone();
        proof.account = chosen.clone();
    }
}

fn collect_twice(login: &Login, next: &Next, event: &Event) -> Option<Stepped> {
    let granted = *next == Next::Finish(Outcome::Granted) && *event == Event::Collected;
    let effects = vec![Effect::StartSession, Effect::IssueCode];
    granted.then(|| Ok((login.clone(), effects)))
}

/// Every fault, tried against the worlds until a check notices.
pub static TRIED: LazyLock<Vec<Verdicts>> = LazyLock::new(|| {
    let faults: Vec<Fault> = [
        about_the_request(),
        about_the_account(),
        about_the_computer(),
        about_the_number(),
        about_answers(),
        about_the_grant(),
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
