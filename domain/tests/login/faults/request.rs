//! Faults in what was asked.

use super::*;

pub fn about_the_request() -> Vec<Fault> {
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

pub fn about_consent_and_strength() -> Vec<Fault> {
    vec![
        fault(
            "a client that nobody approved is taken for an approved one",
            Asks(|asked| asked.approval = false),
        ),
        fault(
            "`prompt=consent` is answered by what was allowed before",
            Asks(|asked| {
                asked.approval |= asked.consent;
                asked.consent = false;
            }),
        ),
        fault(
            "consent is not remembered",
            Does(|_, effects| effects.retain(|e| !matches!(e, Effect::RememberConsent(_)))),
        ),
        fault(
            "an essential class is taken for a preference",
            Asks(|asked| {
                if asked.strength == Strength::Required {
                    asked.strength = Strength::Preferred;
                }
            }),
        ),
        fault(
            "a preferred class is insisted on",
            Asks(|asked| {
                if asked.strength == Strength::Preferred {
                    asked.strength = Strength::Required;
                }
            }),
        ),
        fault(
            "the account that the request insists on does not matter",
            Asks(|asked| asked.only = None),
        ),
    ]
}
