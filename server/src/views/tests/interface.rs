//! The words and handles that people, scripts and tests rely on.

use super::*;

#[test]
fn sign_in_asks_for_email_or_id() {
    let page = Read::new(&sign_in("Docs portal").render(&shell()).unwrap());
    assert_eq!(page.text("h1"), "Sign in");
    let field = page.field("Email or TechPass ID");
    assert_eq!(field.attr("name"), Some("login_id"));
    assert_eq!(field.attr("autocomplete"), Some("username"));
    assert!(page.has_button("Next"));
    assert_eq!(page.text("details summary"), "Trouble signing in?");
}

#[test]
fn the_id_carries_the_brand_and_at_the_home_organisation_the_products_name() {
    let label = |brand: &str| {
        let shell = Shell {
            brand: brand.to_owned(),
            ..shell()
        };
        Read::new(&sign_in("x").render(&shell).unwrap()).text("label")
    };
    assert_eq!(label("TechPass"), "Email or TechPass ID");
    assert_eq!(label("WOG"), "Email or TechPass ID");
    assert_eq!(label("Harbour"), "Email or Harbour ID");
}

#[test]
fn each_account_is_one_button_named_with_its_login_id() {
    let mut picker = pick("");
    picker.accounts[1].login_id = "siti_rahim@techpass.example".to_owned();
    let page = Read::new(&picker.render(&shell()).unwrap());
    assert_eq!(page.text("h1"), "Pick an account");
    for (login_id, handle) in [
        ("mei.tan@agency.example", "h1"),
        ("siti_rahim@techpass.example", "h2"),
    ] {
        let named: Vec<_> = page
            .all("button")
            .into_iter()
            .filter(|b| words_of(*b).contains(login_id))
            .collect();
        assert_eq!(named.len(), 1, "{login_id}");
        assert_eq!(named[0].attr("name"), Some("account"));
        assert_eq!(named[0].attr("value"), Some(handle));
    }
    let other = page.button("Use another account");
    assert_eq!(
        (other.attr("name"), other.attr("value")),
        (Some("account"), Some("other"))
    );
    let removals = page.all("details button[name=remove]");
    assert_eq!(removals.len(), 2);
    assert!(words_of(removals[0]).starts_with("Remove Mei"));
}

#[test]
fn the_password_page_lets_password_managers_work() {
    let page = Read::new(
        &password("siti_rahim@techpass.example")
            .render(&shell())
            .unwrap(),
    );
    let field = page.field("Password");
    assert_eq!(field.attr("name"), Some("password"));
    assert_eq!(field.attr("type"), Some("password"));
    assert_eq!(field.attr("autocomplete"), Some("current-password"));
    assert_eq!(field.attr("value"), None);
    let username = page.one("input[autocomplete=username]");
    assert_eq!(username.attr("value"), Some("siti_rahim@techpass.example"));
    assert!(username.attr("readonly").is_some() && username.attr("hidden").is_some());
    assert!(page.has_button("Sign in"));
    assert_eq!(
        page.button("Use another account").attr("name"),
        Some("another")
    );
    let show = page.button("Show password");
    assert!(show.attr("hidden").is_some(), "useless without a script");
    assert_eq!(show.attr("type"), Some("button"));
}

#[test]
fn enter_in_the_password_field_signs_in() {
    let page = Read::new(&password("x").render(&shell()).unwrap());
    let first = page.all("form:has(#password) button:not([type=button])");
    assert_eq!(words_of(first[0]), "Sign in");
}

#[test]
fn the_code_page_names_the_profile() {
    let page = Read::new(&code("SG Govt M365").render(&shell()).unwrap());
    assert_eq!(page.text("h1"), "Enter your verification code");
    let field = page.field("Verification code");
    assert_eq!(field.attr("name"), Some("code"));
    assert_eq!(field.attr("inputmode"), Some("numeric"));
    assert_eq!(field.attr("autocomplete"), Some("one-time-code"));
    assert!(field.attr("pattern").is_none() && field.attr("maxlength").is_none());
    assert!(page.text("#code-profile").contains("SG Govt M365"));
    assert!(page.has_button("Sign in"));
}

#[test]
fn the_number_page_shows_two_digits_and_works_without_a_script() {
    let page = Read::new(&number("Docs portal").render(&shell()).unwrap());
    assert_eq!(page.text("h1"), "Approve sign in request");
    let shown = page.one("[data-testid=match-number]");
    assert_eq!(
        shown.text().collect::<String>(),
        "52",
        "no white space either"
    );
    assert_eq!(shown.attr("aria-label"), Some("five two"));
    let status = page.one("[data-testid=match-status]");
    assert_eq!(status.attr("role"), Some("status"));
    assert_eq!(status.attr("data-next"), Some("/s/1"));
    let go_on = page.button("I have approved it – continue");
    assert_eq!(
        (go_on.attr("name"), go_on.attr("value")),
        (Some("do"), Some("continue"))
    );
    assert!(go_on.attr("hidden").is_none());
    assert_eq!(page.button("Get a new number").attr("value"), Some("renew"));
    assert_eq!(
        page.button("Cancel and go back to Docs portal")
            .attr("value"),
        Some("cancel")
    );
    let text = words_of(page.one("main"));
    assert!(text.contains("Open your Authenticator app, and enter the number shown to sign in."));
    assert!(text.contains("This number works for 1 min 38 s."));
    let countdown = page.one("[data-seconds]");
    assert!(countdown.attr("role").is_none() && countdown.attr("aria-live").is_none());
}

#[test]
fn a_number_is_renewed_only_where_allowed() {
    let page = Number {
        renew_allowed: false,
        app: None,
        expires_in_s: -5,
        ..number("x")
    };
    let page = Read::new(&page.render(&shell()).unwrap());
    assert!(!page.has_button("Get a new number"));
    assert!(page.has_button("Cancel"));
    assert_eq!(page.one("[data-seconds]").attr("data-seconds"), Some("0"));
}

#[test]
fn a_number_that_is_over_keeps_its_handle() {
    let mut over = ended("The number has expired. Nothing was approved.");
    let page = Read::new(&over.render(&shell()).unwrap());
    assert_eq!(
        page.text("[data-testid=match-status]"),
        "The number has expired. Nothing was approved."
    );
    assert!(page.has_button("Get a new number"));
    assert_eq!(page.text("[data-testid=problem-code]"), "AUT-403");
    assert!(words_of(page.one("main")).contains("You can get a new number at 2:20 pm."));
    over.sentence = "Too many requests. You can send another at 2:20 pm.".to_owned();
    over.renew = false;
    let page = Read::new(&over.render(&shell()).unwrap());
    assert!(!page.has_button("Get a new number"));
    assert_eq!(words_of(page.one("main")).matches("2:20 pm").count(), 1);
}

/// Screens S3 and S8: a page that is opened is read from its top; what a person asked for or waits for has the focus.
#[test]
fn the_focus_is_where_a_person_expects_it() {
    let focused = |html: String| Read::new(&html).all("[autofocus]").len();
    let opened = sign_in("x").render(&shell()).unwrap();
    assert_eq!(focused(opened), 0);
    let mut page = SignIn {
        focus: true,
        ..sign_in("x")
    };
    let asked = Read::new(&page.render(&shell()).unwrap());
    assert!(asked.one("#login_id").attr("autofocus").is_some());
    // What is wrong comes first.
    page.error = Some("Enter the whole address".to_owned());
    let wrong = Read::new(&page.render(&shell()).unwrap());
    assert!(wrong.one(".summary").attr("autofocus").is_some());
    assert!(wrong.one("#login_id").attr("autofocus").is_none());
    let over = Read::new(&ended("The number has expired.").render(&shell()).unwrap());
    assert!(over.one("h1").attr("autofocus").is_some());
    assert_eq!(over.one("h1").attr("tabindex"), Some("-1"));
    let mut refused = Refused::of("AUT-404", &Facts::default());
    assert_eq!(focused(refused.render(&shell()).unwrap()), 0);
    refused.focus = true;
    let refused = Read::new(&refused.render(&shell()).unwrap());
    assert!(refused.one("h1").attr("autofocus").is_some());
}

#[test]
fn a_refusal_says_what_why_and_what_to_do_in_this_order() {
    let facts = Facts {
        app: Some("Docs portal".to_owned()),
        ..Facts::default()
    };
    let mut refused = Refused::of("DEV-506", &facts);
    refused.back = Some(Back {
        label: "Back to Docs portal".to_owned(),
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), "3".to_owned())],
    });
    refused.check_again = Some(CheckAgain {
        action: "/s/1".to_owned(),
        ..CheckAgain::default()
    });
    refused.details = vec![("Policy".to_owned(), "Managed devices".to_owned())];
    let html = refused.render(&shell()).unwrap();
    let page = Read::new(&html);
    assert_eq!(
        page.one("[data-testid=problem-code]")
            .text()
            .collect::<String>(),
        "DEV-506"
    );
    assert_eq!(
        page.one("[data-testid=reference]")
            .text()
            .collect::<String>(),
        "7K4M-2Q9X"
    );
    assert_eq!(page.text("h1"), "This type of computer cannot be used here");
    let order = [
        "<h1>",
        "Why",
        "may not be used for Docs portal",
        "What you can do",
        "non-SE GSIB",
        "Check again",
    ];
    let order = order
        .iter()
        .chain(&["Back to Docs portal", "problem-code", "Managed devices"]);
    let places: Vec<_> = order
        .map(|part| html.find(part).unwrap_or_else(|| panic!("{part}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(
        page.button("Back to Docs portal").attr("value"),
        Some("back")
    );
    assert_eq!(page.button("Check again").attr("value"), Some("check"));
    assert!(page.all("a[href='/e/DEV-506']").len() == 1);
    // What help desks ask for is in sight, not folded away.
    assert!(page.all("details [data-testid]").is_empty());
}

#[test]
fn the_code_and_the_reference_are_on_refusals_alone() {
    for (name, html) in pages("x") {
        let has = !Read::new(&html).all("[data-testid=reference]").is_empty();
        assert_eq!(has, matches!(name, "refused" | "ended"), "{name}");
        assert_eq!(
            Read::new(&html).text("[data-footer-reference]"),
            "7K4M-2Q9X",
            "{name}"
        );
    }
}

#[test]
fn log_out_asks_which_account() {
    let mut page = log_out("");
    page.app = Some("Docs portal".to_owned());
    page.accounts[1].login_id = "siti_rahim@techpass.example".to_owned();
    let read = Read::new(&page.render(&shell()).unwrap());
    assert_eq!(read.text("h1"), "Log out");
    assert_eq!(
        read.text("fieldset legend"),
        "Which account do you want to log out?"
    );
    let radios: Vec<_> = read.all("fieldset input[type=radio][name=account]");
    let values: Vec<_> = radios
        .iter()
        .map(|r| (r.attr("value").unwrap(), r.attr("checked").is_some()))
        .collect();
    assert_eq!(values, [("s1", false), ("s2", true), ("all", false)]);
    let labels: Vec<_> = read
        .all("fieldset label")
        .into_iter()
        .map(words_of)
        .collect();
    assert!(labels[0].contains("mei.tan@agency.example"));
    assert!(labels[1].contains("siti_rahim@techpass.example"));
    assert_eq!(labels[2], "All accounts");
    assert_eq!(read.button("Log out").attr("value"), Some("logout"));
    assert_eq!(read.button("Stay logged in").attr("value"), Some("stay"));
    assert!(words_of(read.one("main")).contains("Docs portal has already ended its own session"));
}

#[test]
fn log_out_always_has_one_account_chosen() {
    let mut page = log_out("");
    page.accounts[1].selected = false;
    let read = Read::new(&page.render(&shell()).unwrap());
    assert_eq!(read.one("input[checked]").attr("value"), Some("s1"));
}

#[test]
fn logged_out_names_what_ended_and_what_did_not() {
    let mut page = logged_out("Mei Tan");
    page.back = Some((
        "Back to Docs portal".to_owned(),
        "http://localhost:8080/".to_owned(),
    ));
    let read = Read::new(&page.render(&shell()).unwrap());
    assert_eq!(read.text("h1"), "You are logged out");
    let text = words_of(read.one("main"));
    assert!(
        text.contains("Mei Tan – no answer") && text.contains("Docs portal – done"),
        "{text}"
    );
    assert!(
        text.contains("Still signed in in this browser: Mei Tan"),
        "{text}"
    );
    assert_eq!(
        words_of(read.one("a[href='http://localhost:8080/']")),
        "Back to Docs portal"
    );
    let nobody = Read::new(&LoggedOut::default().render(&shell()).unwrap());
    assert!(words_of(nobody.one("main")).contains("Nobody is signed in in this browser."));
}

#[test]
fn consent_and_registration_have_their_buttons() {
    let page = Read::new(&consent("Test suite").render(&shell()).unwrap());
    assert_eq!(page.button("Allow").attr("value"), Some("allow"));
    assert_eq!(page.button("Don't allow").attr("value"), Some("deny"));
    assert_eq!(
        page.button("Use another account").attr("name"),
        Some("another")
    );
    let page = Read::new(&enrol("GMD").render(&shell()).unwrap());
    assert_eq!(page.text("h1"), "Register this computer");
    assert!(page.has_button("Register this computer"));
}

#[test]
fn a_page_that_posts_itself_has_a_button_and_one_script_and_keeps_every_value() {
    let state = "s\"><script>alert(1)</script> é";
    let html = form_post(state).render(&shell()).unwrap();
    let page = Read::new(&html);
    let form = page.one("form");
    assert_eq!(form.attr("method"), Some("post"));
    assert_eq!(form.attr("action"), Some("https://docs.example/cb?a=1"));
    assert_eq!(page.one("input[name=state]").attr("value"), Some(state));
    assert!(page.has_button("Continue"));
    // A control of this name would hide the form's own method.
    assert!(page.all("[name=submit], [id=submit]").is_empty());
    let script = page.one("script");
    assert_eq!(script.text().collect::<String>(), crate::web::page::SUBMIT);
    assert_eq!(script.attr("type"), None, "old browsers run it too");
}

#[test]
fn access_is_removed_by_a_button_that_names_the_application() {
    let page = Read::new(&applications("Suite").render(&shell()).unwrap());
    assert!(page.has_button("Remove access – Suite"));
    assert_eq!(page.one("input[name=client]").attr("value"), Some("Suite"));
}

#[test]
fn the_root_says_who_is_signed_in() {
    let home = Home {
        brand: "TechPass".to_owned(),
        accounts: vec![("Mei Tan".to_owned(), "mei.tan@agency.example".to_owned())],
    };
    let page = Read::new(&home.render(&shell()).unwrap());
    assert!(words_of(page.one("main")).contains("Mei Tan mei.tan@agency.example"));
    assert_eq!(words_of(page.one("a[href='/logout']")), "Log out");
    let nobody = Home {
        brand: "TechPass".to_owned(),
        accounts: Vec::new(),
    };
    assert!(
        Read::new(&nobody.render(&shell()).unwrap())
            .all("a[href='/logout']")
            .is_empty()
    );
}
