//! The number, and saying no to it.

use super::*;

#[test]
fn a_report_puts_the_account_on_hold_and_whoever_knows_the_password_is_told() {
    let mut story = Story::new(Computer::Unproven);
    let challenge = challenge(0);
    story
        .then(chooses(Role::Vendor))
        .then(password(true))
        .then(sent(0, T0))
        .then(Event::NumberDeclined {
            challenge: challenge.clone(),
            reported: true,
        })
        .does(&[
            Effect::EndNumber(challenge, NumberEnd::Reported),
            Effect::Hold(id(Person::Hero)),
        ])
        .ends(Refusal::Problem(Problem::OnHold));

    let record = Record {
        standing: Standing::OnHold,
        ..WELL
    };
    let held = chosen(Role::Vendor, Person::Hero, record);
    let mut later = Story::new(Computer::Unproven);
    later
        .then(Event::AccountChosen(held, None))
        .shows(Prompt::Password)
        .then(password(false))
        .shows(Prompt::Password)
        .then(password(true))
        .shows(Prompt::Denied(Problem::OnHold))
        .ignores(sent(0, T0));
}

#[test]
fn no_by_mistake_refuses_and_holds_nobody() {
    let mut story = Story::new(OWN_GSIB);
    let challenge = challenge(0);
    story
        .then(chooses(Role::Officer))
        .then(sent(0, T0))
        .then(Event::NumberDeclined {
            challenge: challenge.clone(),
            reported: false,
        })
        .does(&[Effect::EndNumber(challenge, NumberEnd::Declined)])
        .ends(Refusal::Problem(Problem::Declined));
}

#[test]
fn a_number_lives_two_minutes_and_a_new_one_takes_its_place() {
    let mut story = Story::new(OWN_GSIB);
    story
        .then(chooses(Role::Officer))
        .then(sent(0, T0))
        .after(NUMBER_S - 1)
        .shows(waiting(0, T0))
        .after(1)
        .shows(Prompt::NumberOver(NumberEnd::Expired))
        .ignores(answered(0, true));
    let now = story.now;
    story
        .then(sent(1, now))
        .does(&[
            Effect::EndNumber(challenge(0), NumberEnd::Superseded),
            Effect::NotifyPhones(challenge(1)),
        ])
        .ignores(answered(0, true))
        .then(answered(1, true));
    story.grants();
}

#[test]
fn a_newer_number_in_the_same_browser_ends_this_one_and_nothing_else() {
    let mut story = Story::new(OWN_GSIB);
    let superseded = |n| Event::NumberSuperseded {
        challenge: challenge(n),
    };
    story
        .then(chooses(Role::Officer))
        .ignores(superseded(0))
        .then(sent(0, T0))
        .ignores(superseded(1))
        .then(superseded(0))
        .does(&[Effect::EndNumber(challenge(0), NumberEnd::Superseded)])
        .shows(Prompt::NumberOver(NumberEnd::Superseded))
        .ignores(answered(0, true))
        .ignores(superseded(0))
        .then(sent(1, T0))
        .then(answered(1, true));
    story.grants();
}

#[test]
fn the_third_wrong_number_ends_the_login() {
    let mut story = Story::new(OWN_GSIB);
    story.then(chooses(Role::Officer));
    for n in [0, 1] {
        story
            .then(sent(n, T0))
            .then(answered(n, false))
            .does(&[
                Effect::EndNumber(challenge(n), NumberEnd::Wrong),
                Effect::CountFailure(Factor::Number),
            ])
            .shows(Prompt::NumberOver(NumberEnd::Wrong))
            .ignores(answered(n, true));
    }
    story
        .then(sent(0, T0))
        .then(answered(0, false))
        .ends(Refusal::Problem(Problem::NumberWrong));
}
