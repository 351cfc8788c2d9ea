//! Every refusal and every failure: what happened, why, what to do, and what to tell the help desk.

use super::problems::problem;
use super::words::Words;
use super::{Hidden, Page, Shell, page};

/// A way back to the application; the button sends `do=back`.
#[derive(Clone, Debug, Default)]
pub struct Back {
    /// The button's whole text, such as "Back to Docs portal" (catalogue key `back_to`).
    pub label: String,
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
}

/// A way to look again; the button sends `do=check`.
#[derive(Clone, Debug, Default)]
pub struct CheckAgain {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
}

/// What a problem's sentences may mention. What is missing is said in general words.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The operator's name for the service.
    pub brand: String,
    /// Whom people call or write to.
    pub help: String,
    /// The application.
    pub app: Option<String>,
    /// A clock time, such as `2:20 pm`: until when, or from when.
    pub time: Option<String>,
    /// The name or login ID of the account.
    pub account: Option<String>,
    /// The organisation whose sign-in is asked.
    pub organisation: Option<String>,
    /// The address that would have been right.
    pub address: Option<String>,
    /// What the profile on the phone is called.
    pub profile: Option<String>,
}

/// A refusal, or a failure of the system. Buttons `do` = `back`, `check`.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// What happened.
    pub heading: String,
    /// The stable code, such as `DEV-501`.
    pub problem_code: String,
    /// Why, a paragraph each.
    pub why: Vec<String>,
    /// What the person can do, a step each.
    pub what_to_do: Vec<String>,
    /// The way back to the application.
    pub back: Option<Back>,
    /// The way to be looked at again without starting over.
    pub check_again: Option<CheckAgain>,
    /// Where to start over.
    pub start_again: Option<String>,
    /// Further facts for support: label and value.
    pub details: Vec<(String, String)>,
    /// What only the application's developers may see: label and value.
    pub developer: Option<Vec<(String, String)>>,
    /// Whether the page took another's place by itself, so that its heading has the focus and is read.
    pub focus: bool,
}

impl Refused {
    /// The page for a code of the catalogue, with nothing to press yet. A code that is not in the catalogue gets the
    /// words of a failure of the system, and keeps its code.
    pub fn of(code: &str, facts: &Facts) -> Refused {
        let text = problem(code).fill(facts);
        Refused {
            heading: text.heading,
            problem_code: code.to_owned(),
            why: text.why,
            what_to_do: text.what_to_do,
            ..Refused::default()
        }
    }

    /// The link that starts over leads elsewhere when the address was wrong.
    fn start_words(&self, words: &Words) -> String {
        if self.problem_code == "REQ-109" {
            words.go_there.to_string()
        } else {
            words.start_again.to_string()
        }
    }

    fn has_buttons(&self) -> bool {
        self.back.is_some() || self.check_again.is_some() || self.start_again.is_some()
    }

    /// The first button that leads on looks like the main one.
    fn start_is_main(&self) -> bool {
        self.check_again.is_none()
    }

    fn back_is_main(&self) -> bool {
        self.check_again.is_none() && self.start_again.is_none()
    }
}

impl Page for Refused {
    fn heading(&self, _: &Shell, _: &Words) -> String {
        self.heading.clone()
    }
}

page!(Refused, "refused.html");
