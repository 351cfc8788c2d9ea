//! What the session is worth.

use super::*;

#[test]
fn a_session_of_one_factor_is_stepped_up_by_the_other() {
    let asked = Asked {
        test_client: true,
        ..Asked::default()
    };
    let mut first = Story::begin(asked, Computer::Unproven, vec![], T0);
    first.then(chooses(Role::Product)).then(password(true));
    let first = first.grants();
    says(&first, &["pwd"], ACR_SINGLE_FACTOR, T0);

    let later = T0.plus(300);
    let signed_in = session(Role::Product, &first);
    let mut story = Story::begin(Asked::default(), Computer::Unproven, signed_in, later);
    story.matches_the_number();
    let achieved = story.grants();
    // It rests on the password of then.
    says(&achieved, &["pwd", "swk", "mfa"], ACR_NUMBER_MATCH, T0);
    assert_eq!(achieved.entry, Some(Sid::new("sid_1")));
}

fn vendor_session() -> Vec<SignedIn> {
    let mut story = Story::new(Computer::Unproven);
    story
        .then(chooses(Role::Vendor))
        .then(password(true))
        .matches_the_number();
    session(Role::Vendor, &story.grants())
}

#[test]
fn whoever_is_signed_in_alone_is_let_through() {
    for none in [false, true] {
        let asked = Asked {
            none,
            ..Asked::default()
        };
        let mut story = Story::begin(asked, Computer::Unproven, vendor_session(), T0.plus(3_000));
        says(
            &story.grants(),
            &["pwd", "swk", "mfa"],
            ACR_NUMBER_MATCH,
            T0,
        );
    }
}

#[test]
fn an_authentication_older_than_max_age_is_done_again() {
    let asked = Asked {
        max_age: Some(60),
        ..Asked::default()
    };
    let mut young = Story::begin(
        asked.clone(),
        Computer::Unproven,
        vendor_session(),
        T0.plus(60),
    );
    assert_eq!(young.grants().auth_time, T0);

    let now = T0.plus(61);
    let mut old = Story::begin(asked.clone(), Computer::Unproven, vendor_session(), now);
    old.shows(Prompt::Password)
        .then(password(true))
        .matches_the_number();
    assert_eq!(old.grants().auth_time, now);

    // It may grow old while a page is open.
    let mut waits = Story::begin(
        Asked {
            consent: true,
            ..asked.clone()
        },
        Computer::Unproven,
        vendor_session(),
        T0.plus(60),
    );
    waits
        .shows(Prompt::Consent)
        .after(1)
        .shows(Prompt::Password);

    let asked = Asked {
        none: true,
        ..asked
    };
    Story::begin(asked, Computer::Unproven, vendor_session(), now).ends(Refusal::LoginRequired);

    let asked = Asked {
        max_age: Some(0),
        ..Asked::default()
    };
    let mut at_once = Story::begin(asked, Computer::Unproven, vendor_session(), T0);
    at_once.shows(Prompt::Password);
}

#[test]
fn prompt_login_asks_for_everything_again() {
    let asked = Asked {
        force_login: true,
        ..Asked::default()
    };
    let now = T0.plus(5);
    let mut story = Story::begin(asked, Computer::Unproven, vendor_session(), now);
    story
        .shows(Prompt::Password)
        .then(password(true))
        .matches_the_number();
    let achieved = story.grants();
    says(&achieved, &["pwd", "swk", "mfa"], ACR_NUMBER_MATCH, now);
    assert_eq!(
        achieved.entry,
        Some(Sid::new("sid_1")),
        "the entry is renewed"
    );
}

#[test]
fn nobody_is_asked_anything_under_prompt_none() {
    let asked = Asked {
        none: true,
        ..Asked::default()
    };
    Story::begin(asked.clone(), OWN_GSIB, vec![], T0).ends(Refusal::LoginRequired);
    let consent = Asked {
        consent: true,
        ..asked.clone()
    };
    Story::begin(consent, OWN_GSIB, vendor_session(), T0).ends(Refusal::ConsentRequired);
    let mut two = vendor_session();
    two.push(SignedIn {
        who: who(Role::Vendor, Person::Other, WELL),
        ..two[0].clone()
    });
    Story::begin(asked, OWN_GSIB, two, T0).ends(Refusal::AccountSelectionRequired);
}

#[test]
fn somebody_whom_the_browser_does_not_know_is_asked_who_they_are() {
    let policy = policy(Book::Usual);
    let rules = Rules { policy: &policy };
    for (stranger, none, expected) in [
        (false, false, Next::Collect),
        (true, false, Next::Ask(Prompt::ChooseAccount)),
        // A hint is no reason to refuse, where nobody can be asked.
        (true, true, Next::Collect),
    ] {
        let asked = Asked {
            none,
            ..Asked::default()
        };
        let arrival = Arrival {
            signed_in: vendor_session(),
            known: 1,
            hint: None,
            stranger,
            device: evidence(Computer::Unproven),
        };
        let login = Login::begin(asked, arrival, T0);
        assert_eq!(login.next(&rules, T0), expected, "{stranger} {none}");
    }
}

#[test]
fn an_essential_class_asks_for_the_number_too() {
    let asked = Asked {
        strength: Strength::Required,
        test_client: true,
        ..Asked::default()
    };
    let mut story = Story::begin(asked, Computer::Unproven, vec![], T0);
    story
        .then(Event::AccountChosen(
            chosen(Role::Product, Person::Hero, WELL),
            None,
        ))
        .shows(Prompt::Password)
        .then(password(true))
        .matches_the_number();
    assert_eq!(story.grants().acr, ACR_NUMBER_MATCH);
}

#[test]
fn what_was_allowed_before_is_not_asked_again_unless_the_request_says_so() {
    let approval = Asked {
        approval: true,
        ..Asked::default()
    };
    let mut before = vendor_session();
    Story::begin(approval.clone(), Computer::Unproven, before.clone(), T0).shows(Prompt::Consent);
    before[0].who.consented = true;
    Story::begin(approval.clone(), Computer::Unproven, before.clone(), T0).grants();
    let again = Asked {
        consent: true,
        ..approval
    };
    Story::begin(again, Computer::Unproven, before, T0).shows(Prompt::Consent);
}
