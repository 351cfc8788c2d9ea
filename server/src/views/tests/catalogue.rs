//! The sentences themselves.

use super::problems::{all, find, problem};
use super::words::ENGLISH;
use super::*;
use techpass_domain::problem::Problem;

#[test]
fn places_are_filled_once() {
    let text = ENGLISH
        .title
        .fill([("heading", "{brand}"), ("brand", "TechPass")]);
    assert_eq!(text, "{brand} – TechPass");
    assert_eq!(
        ENGLISH.continue_to.fill([("other", "x")]),
        "to continue to {app}"
    );
    assert_eq!(
        super::words::fill("a { b } {c", &[("c", "x")]),
        "a { b } {c"
    );
}

#[test]
fn every_key_says_something() {
    let keys = ENGLISH.all();
    assert!(keys.len() > 100);
    for (key, text) in keys {
        let text = text.as_str();
        assert!(!text.trim().is_empty() && text == text.trim(), "{key}");
        assert!(!text.contains("  ") && !text.contains('<'), "{key}");
    }
}

#[test]
fn durations_are_said_as_people_say_them() {
    assert_eq!(ENGLISH.duration(120), "2 min 0 s");
    assert_eq!(ENGLISH.duration(98), "1 min 38 s");
    assert_eq!(ENGLISH.duration(59), "59 s");
    assert_eq!(ENGLISH.duration(-3), "0 s");
}

#[test]
fn tries_are_counted_in_words() {
    assert_eq!(
        ENGLISH.tries_left(2, 15),
        "2 more tries before this is locked for 15 minutes."
    );
    assert_eq!(
        ENGLISH.tries_left(1, 15),
        "1 more try before this is locked for 15 minutes."
    );
}

#[test]
fn an_unknown_scope_is_named_as_it_is() {
    assert_eq!(ENGLISH.scope("email"), "See your email address");
    assert_eq!(ENGLISH.scope("{scope}"), "Use “{scope}”");
}

#[test]
fn every_problem_of_the_product_has_its_words_in_the_same_order() {
    let codes: Vec<_> = all().iter().map(|text| text.code).collect();
    let known: Vec<_> = Problem::ALL.iter().map(|problem| problem.code()).collect();
    assert_eq!(codes, known);
}

#[test]
fn every_problem_says_what_why_and_what_to_do_whatever_is_known() {
    let known = Facts {
        brand: "TechPass".to_owned(),
        help: "the service desk".to_owned(),
        app: Some("Docs portal".to_owned()),
        time: Some("2:20 pm".to_owned()),
        account: Some("Mei Tan".to_owned()),
        organisation: Some("Agency".to_owned()),
        address: Some("https://techpass.example".to_owned()),
        profile: Some("SG Govt M365".to_owned()),
    };
    for text in all() {
        for facts in [
            &known,
            &Facts {
                brand: "TechPass".to_owned(),
                ..Facts::default()
            },
        ] {
            let filled = text.fill(facts);
            assert!(
                !filled.why.is_empty() && !filled.what_to_do.is_empty(),
                "{}",
                text.code
            );
            let sentences = filled.why.iter().chain(&filled.what_to_do);
            for sentence in sentences.chain([&filled.heading]) {
                assert!(!sentence.contains(['{', '}']), "{}: {sentence}", text.code);
                assert!(
                    sentence.starts_with(char::is_uppercase),
                    "{}: {sentence}",
                    text.code
                );
            }
            assert!(!filled.heading.ends_with('.'), "{}", text.code);
        }
    }
}

#[test]
fn a_code_that_is_not_in_the_catalogue_is_a_failure_of_the_system() {
    assert_eq!(find("SYS-999"), None);
    assert_eq!(problem("SYS-999").heading, "Something went wrong");
    assert!(ProblemDoc::of("SYS-999").is_none());
    let page = Refused::of("SYS-999", &Facts::default())
        .render(&shell())
        .unwrap();
    assert_eq!(
        Read::new(&page).text("[data-testid=problem-code]"),
        "SYS-999"
    );
}

#[test]
fn the_wrong_address_leads_to_the_right_one() {
    let mut page = Refused::of("REQ-109", &Facts::default());
    page.start_again = Some("http://localhost:8081/".to_owned());
    let page = Read::new(&page.render(&shell()).unwrap());
    assert_eq!(
        words_of(page.one("main a[href='http://localhost:8081/']")),
        "Go to the right address"
    );
}

#[test]
fn each_code_has_a_page_that_says_what_the_application_receives() {
    for text in all() {
        let page = ProblemDoc::of(text.code).unwrap().render(&shell()).unwrap();
        let page = Read::new(&page);
        assert!(page.text("h1").starts_with(text.code));
        let main = words_of(page.one("main"));
        assert!(
            main.contains(text.to_app.unwrap_or("Nothing.")),
            "{}",
            text.code
        );
    }
}
