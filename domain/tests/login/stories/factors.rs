//! Which factors are asked, in which order, and who is turned away.

use super::*;

#[test]
fn an_officer_on_a_gsib_is_asked_for_the_number_alone() {
    let mut story = Story::new(OWN_GSIB);
    story
        .shows(Prompt::ChooseAccount)
        .then(chooses(Role::Officer))
        .matches_the_number();
    says(
        &story.grants(),
        &["pop", "swk", "mfa"],
        ACR_NUMBER_MATCH,
        T0,
    );
}

#[test]
fn an_officer_on_a_gmd_types_the_code_before_any_phone_rings() {
    let mut story = Story::new(OWN_GMD);
    story
        .shows(Prompt::ChooseAccount)
        .then(chooses(Role::Officer))
        .shows(Prompt::Code)
        .ignores(sent(0, T0))
        .then(Event::CodeChecked { right: false })
        .does(&[Effect::CountFailure(Factor::Code)])
        .shows(Prompt::Code)
        .then(Event::CodeChecked { right: true })
        .does(&[Effect::ClearFailures(Factor::Code)])
        .after(20)
        .matches_the_number();
    let auth_time = T0.plus(20);
    says(
        &story.grants(),
        &["pop", "otp", "swk", "mfa"],
        ACR_NUMBER_MATCH,
        auth_time,
    );
}

#[test]
fn a_vendor_on_any_computer_types_a_password_and_matches_a_number() {
    for computer in [Computer::Unproven, Computer::Proven(SeGsib, Owner::Other)] {
        let mut story = Story::new(computer);
        story
            .then(chooses(Role::Vendor))
            .shows(Prompt::Password)
            .then(password(false))
            .does(&[Effect::CountFailure(Factor::Password)])
            .shows(Prompt::Password)
            .then(password(true))
            .matches_the_number();
        says(
            &story.grants(),
            &["pwd", "swk", "mfa"],
            ACR_NUMBER_MATCH,
            T0,
        );
    }
}

#[test]
fn an_officer_on_a_computer_that_is_refused_may_come_back_with_another() {
    let table = [
        (Computer::Unproven, Problem::DeviceUnproven),
        (Computer::Proven(SeGsib, Owner::Hero), Problem::DeviceSe),
        (
            Computer::Proven(NonSeGsib, Owner::Other),
            Problem::DeviceForeign,
        ),
        (Computer::Proven(Gmd, Owner::Other), Problem::DeviceForeign),
    ];
    for (computer, problem) in table {
        let mut story = Story::new(computer);
        story
            .then(chooses(Role::Officer))
            .shows(Prompt::Denied(problem))
            .ignores(sent(0, T0));
        let mut gone = Story {
            login: story.login.clone(),
            policy: policy(Book::Usual),
            ..Story::new(computer)
        };
        gone.then(Event::Cancelled)
            .does(&[])
            .ends(Refusal::Cancelled(Some(problem)));
        story
            .then(Event::DeviceSeen(evidence(OWN_GSIB)))
            .matches_the_number();
        story.grants();
    }
}

#[test]
fn an_officer_from_home_is_vouched_for_by_the_home_organisation() {
    let upstream = Prompt::Upstream(UpstreamId::new("wog"));
    let returned = |person, as_chosen| Event::UpstreamReturned {
        who: who(Role::Abroad, person, WELL),
        as_chosen,
        proof: word(person, T0.plus(-5), true),
    };
    let mut story = Story::new(Computer::Unproven);
    story
        .then(chooses(Role::Abroad))
        .shows(upstream.clone())
        .then(returned(Person::Hero, true));
    says(
        &story.grants(),
        &["pop", "swk", "mfa"],
        ACR_NUMBER_MATCH,
        T0.plus(-5),
    );

    let mut other = Story::new(Computer::Unproven);
    other
        .then(chooses(Role::Abroad))
        .shows(upstream)
        .then(returned(Person::Stranger, false))
        .ends(Refusal::Problem(Problem::WrongAccount));
}
