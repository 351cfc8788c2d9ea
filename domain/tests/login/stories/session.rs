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
