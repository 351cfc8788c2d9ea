//! Every English word the portal says.

pub(crate) const SKIP: &str = "Skip to the content";
pub(crate) const RIBBON: &str = "Demonstration service – not a government website";
pub(crate) const MAIN_NAVIGATION: &str = "Main";
pub(crate) const ABOUT: &str = "About";
pub(crate) const DOCUMENTATION: &str = "Documentation";
pub(crate) const HELP: &str = "Help";
pub(crate) const SEARCH: &str = "Search";
pub(crate) const SEARCH_LABEL: &str = "Search the guides";
pub(crate) const ACCOUNT: &str = "Account";
pub(crate) const LOG_IN: &str = "Log in";
pub(crate) const LOG_OUT: &str = "Log Out";
pub(crate) const SWITCH_ACCOUNT: &str = "Switch account";
pub(crate) const SESSION_ENDED: &str = "You were logged out. Log in again to continue.";
pub(crate) const BROKEN: &str = "Something went wrong. Try again.";

pub(crate) const WELCOME: &str = "Welcome";
pub(crate) const OPEN_GUIDES: &str = "Guides anyone can read";
pub(crate) const CLOSED_GUIDES: &str = "Guides for people who are logged in";
pub(crate) const SOME_NEED_LOGIN: &str = "Some guides need you to log in.";
pub(crate) const NEEDS_LOGIN: &str = "Needs an account";
pub(crate) const NO_GUIDES: &str = "There are no guides yet.";
pub(crate) const ALL_GUIDES: &str = "All guides";
pub(crate) const ON_THIS_PAGE: &str = "On this page";

pub(crate) const LOG_IN_TO_READ: &str = "Log in to read this guide";
pub(crate) const NOT_FOUND: &str = "This page is not here";
pub(crate) const NOT_FOUND_WHY: &str =
    "The address may be mistyped, or the page may have moved. Look for it among the guides.";
pub(crate) const WRONG_METHOD: &str = "This address is not used that way";
pub(crate) const TO_GUIDES: &str = "See all guides";
pub(crate) const TO_START: &str = "Go to the start page";
pub(crate) const SEARCH_CLOSED: &str = "Guides that need a log-in are searched once you log in.";

pub(crate) const ADDRESS_TOO_LONG: &str = "The address is too long";
pub(crate) const ADDRESS_TOO_LONG_WHY: &str = "Go back and try again from the page you came from.";
pub(crate) const FOREIGN_FORM: &str = "This form was not sent from the portal";
pub(crate) const FOREIGN_FORM_WHY: &str =
    "Nothing was changed. If you pressed a button on this portal, open the page again and retry.";
pub(crate) const WRONG_HOST: &str = "This is not the portal's address";
pub(crate) const GO_THERE: &str = "Go there";

pub(crate) const NOT_LOGGED_IN: &str = "You were not logged in";
pub(crate) const PROVIDER_REFUSED: &str =
    "The log-in was not completed. This is the answer we got:";
pub(crate) const ANSWER_UNCLEAR: &str =
    "The answer to the log-in could not be understood. Nothing was changed.";
pub(crate) const ANSWER_FOREIGN: &str =
    "The answer did not come from the service this portal trusts. Nothing was changed.";
pub(crate) const ANSWER_UNPROVEN: &str = "Who you are could not be confirmed, because a check of \
     the answer failed. Try again; if it happens again, tell the portal's operator the reference.";
pub(crate) const USED_OR_EXPIRED: &str = "This log-in was already used or expired";
pub(crate) const USED_OR_EXPIRED_WHY: &str =
    "Each log-in works once and within 30 minutes. Start a new one.";
pub(crate) const ALLOW_COOKIES: &str = "Your browser did not show the cookie of this log-in. Allow cookies for this site, then try \
     again.";
pub(crate) const UNAVAILABLE: &str = "Logging in is not available at the moment";
pub(crate) const UNAVAILABLE_WHY: &str = "The sign-in service does not answer. This is not your fault. You can still read the public \
     guides.";
pub(crate) const TRY_AGAIN: &str = "Try again";
pub(crate) const DETAILS: &str = "Details for support";
pub(crate) const REFERENCE: &str = "Reference";
pub(crate) const CODE: &str = "Code";
pub(crate) const ANSWER: &str = "Answer";
pub(crate) const PUBLIC_GUIDES: &str = "Read the public guides";

pub(crate) fn welcome(portal: &str) -> String {
    format!("Welcome to the {portal}")
}

pub(crate) fn about(portal: &str) -> String {
    format!("About the {portal}")
}

pub(crate) fn about_sections(brand: &str) -> Vec<(&'static str, String)> {
    vec![
        (
            "What it is",
            format!(
                "A place for guides. Anyone can read the public ones; the others need a log-in \
                 with {brand}."
            ),
        ),
        (
            "How logging in works",
            format!(
                "The portal never sees a password, a code or a number. It sends you to {brand}, \
                 which tells the portal who you are once you have signed in there."
            ),
        ),
        (
            "What the portal keeps",
            "While you are logged in: your name, organisation and e-mail address. Your browser \
             keeps cookies that are needed for the log-in and nothing else. The portal forgets \
             you when you log out."
                .to_owned(),
        ),
    ]
}

pub(crate) fn log_in_to(portal: &str) -> String {
    format!("Log in to the {portal}")
}

pub(crate) fn log_in_with(brand: &str) -> String {
    format!("Log in with {brand}")
}

pub(crate) fn for_whom(brand: &str) -> String {
    format!("For public officers and vendors with a {brand} account.")
}

pub(crate) fn without_account(brand: &str) -> String {
    format!("No {brand} account? Ask your tenant administrator for an invitation.")
}

pub(crate) fn protected(title: &str) -> String {
    format!("“{title}” is for people who are logged in.")
}

pub(crate) fn logged_out(portal: &str) -> String {
    format!("You are logged out of the {portal}")
}

pub(crate) fn provider_may_be_open(brand: &str) -> String {
    format!(
        "This is about the portal alone: unless {brand} said that you are logged out there as \
         well, it still knows you in this browser. On a shared computer, close the browser."
    )
}

pub(crate) fn wrong_host(host: &str, origin: &str) -> String {
    let host: String = host.chars().take(100).collect();
    format!("You opened “{host}”. The portal's address is {origin}.")
}

pub(crate) fn found(count: usize, query: &str) -> String {
    match (count, query) {
        (_, "") => "Type a word to look for.".to_owned(),
        (0, query) => format!("No guide holds “{query}”."),
        (1, query) => format!("1 guide holds “{query}”."),
        (count, query) => format!("{count} guides hold “{query}”."),
    }
}
