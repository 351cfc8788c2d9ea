//! Faults in whom the login is about, and on which computer.

use super::*;

pub fn about_the_account() -> Vec<Fault> {
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

pub fn about_the_computer() -> Vec<Fault> {
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

fn forge_entry(_: &Login, _: Option<ChallengeId>, event: &mut Event) {
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
