//! Faults in the grant and what it says.

use super::*;

pub fn about_the_grant() -> Vec<Fault> {
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

fn collect_twice(login: &Login, next: &Next, event: &Event) -> Option<Stepped> {
    let granted = *next == Next::Finish(Outcome::Granted) && *event == Event::Collected;
    let effects = vec![Effect::StartSession, Effect::IssueCode];
    granted.then(|| Ok((login.clone(), effects)))
}
