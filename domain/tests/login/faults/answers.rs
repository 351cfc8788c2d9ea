//! Faults in what phones, factors and the upstream answer.

use super::*;

pub fn about_reports() -> Vec<Fault> {
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
    ]
}

pub fn about_factors() -> Vec<Fault> {
    vec![
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

fn adopt_stranger(login: &Login, _: Option<ChallengeId>, event: &mut Event) {
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
