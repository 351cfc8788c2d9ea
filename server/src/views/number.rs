//! The number to match, and what is shown when it is over.

use super::words::Words;
use super::{Hidden, Page, Shell, page};

/// Shows the two digits and waits. Buttons `do` = `continue`, `renew`, `cancel`.
///
/// It has no `Debug`: the number belongs on the page alone.
#[derive(Clone, Default)]
pub struct Number {
    /// Where the forms are sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// Who is signing in.
    pub login_id: String,
    /// The two digits.
    pub number: String,
    /// How the request stands, as a sentence.
    pub status: String,
    /// How much longer the number may be answered, in seconds; below zero is shown as zero.
    pub expires_in_s: i64,
    /// An event stream whose `changed` events say that `status_url` has news.
    pub events_url: String,
    /// JSON `{state, sentence}`, state one of `waiting`, `seen`, `approved`, `ended`, `gone`.
    pub status_url: String,
    /// Where the browser goes once the request is neither `waiting` nor `seen`.
    pub next_url: String,
    /// Whether a new number may be asked for.
    pub renew_allowed: bool,
    /// The application that is waiting.
    pub app: Option<String>,
    /// Whether the phone holds other requests of this account too.
    pub several: bool,
    /// What to say to somebody who continued too early.
    pub error: Option<String>,
}

impl Number {
    /// The digits one by one, for screen readers.
    fn spoken(&self, words: &Words) -> String {
        let digits = self.number.chars().filter_map(|c| c.to_digit(10));
        let names = digits.filter_map(|d| words.digit(d));
        names.collect::<Vec<_>>().join(" ")
    }

    fn time_left(&self, words: &Words) -> String {
        words.duration(self.expires_in_s)
    }

    fn seconds_left(&self) -> i64 {
        self.expires_in_s.max(0)
    }

    /// What is said while the browser moves on.
    fn approved(&self, words: &Words) -> String {
        match &self.app {
            Some(app) => words.number_approved.fill([("app", app)]),
            None => words.number_approved_no_app.to_string(),
        }
    }
}

impl Page for Number {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.number_heading.to_string()
    }

    fn failed(&self) -> bool {
        self.error.is_some()
    }
}

page!(Number, "number.html");

/// Shown when a number is over without success. Buttons `do` = `renew`, `cancel`.
#[derive(Clone, Debug, Default)]
pub struct NumberEnded {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// Who is signing in.
    pub login_id: String,
    /// What happened; catalogue keys `ended_*_heading`.
    pub heading: String,
    /// The same with what to do about it.
    pub sentence: String,
    /// Whether a new number may be asked for now.
    pub renew: bool,
    /// From when a new number may be asked for, as a clock time such as `2:20 pm`.
    pub limited_until: Option<String>,
    /// The application that is waiting.
    pub app: Option<String>,
    /// The stable code; shown with the shell's reference.
    pub problem_code: Option<String>,
}

impl NumberEnded {
    /// From when a new number may be asked for, unless the sentence says so already.
    fn limit(&self) -> Option<&str> {
        let time = self.limited_until.as_deref()?;
        (!self.sentence.contains(time)).then_some(time)
    }
}

impl Page for NumberEnded {
    fn heading(&self, _: &Shell, _: &Words) -> String {
        self.heading.clone()
    }
}

page!(NumberEnded, "number_ended.html");
