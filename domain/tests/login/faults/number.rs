//! Faults in the number and in when phones ring.

use super::*;

pub fn about_phones() -> Vec<Fault> {
    vec![
        fault(
            "phones ring before the code is right",
            Obeys(|policy| {
                policy.rules.iter_mut().for_each(|rule| {
                    if rule.then == Verdict::Require(vec![Factor::Code, Factor::Number]) {
                        rule.then = Verdict::Require(vec![Factor::Number, Factor::Code]);
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
    ]
}

pub fn about_numbers() -> Vec<Fault> {
    vec![
        fault("an expired number is taken", Patient),
        fault(
            "an expired number stays on the page",
            Shows(|login, next, rules, now| match next {
                Next::Ask(Prompt::NumberOver(NumberEnd::Expired)) => {
                    login.next(rules, now.plus(-60))
                }
                next => next,
            }),
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

pub fn about_other_tabs() -> Vec<Fault> {
    vec![
        fault(
            "a number stays on the page when the browser asks for a newer one elsewhere",
            Takes(|login, next, event| match (next, event) {
                (Next::Ask(prompt), Event::NumberSuperseded { challenge })
                    if prompt.accepts(event) =>
                {
                    let end = Effect::EndNumber(challenge.clone(), NumberEnd::Superseded);
                    Some(Ok((login.clone(), vec![end])))
                }
                _ => None,
            }),
        ),
        fault(
            "a number stays on the phones when the browser asks for a newer one elsewhere",
            Does(|event, effects| {
                let superseded = matches!(event, Event::NumberSuperseded { .. });
                effects.retain(|e| !(superseded && matches!(e, Effect::EndNumber(..))));
            }),
        ),
    ]
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

/// Takes an answer that comes a minute late.
struct Patient;

impl Machine for Patient {
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        let earlier = match event {
            Event::NumberAnswered { .. } => now.plus(-60),
            _ => now,
        };
        let in_time = login.clone().step(event.clone(), rules, now);
        in_time.or_else(|_| login.step(event, rules, earlier))
    }
}
