//! Logging out: which account, and what came of it.

use super::words::{Text, Words};
use super::{Hidden, Page, Shell, page};

/// An account signed in in this browser.
#[derive(Clone, Debug, Default)]
pub struct LogOutRow {
    /// What the form sends for it.
    pub sid: String,
    /// The person's name.
    pub name: String,
    /// The email or login ID.
    pub login_id: String,
    /// Applications that use this session.
    pub used_by: Vec<String>,
    /// Whether it is the one meant, as far as known.
    pub selected: bool,
}

/// Asks which account to log out. Field `account`; buttons `do` = `logout`, `stay`.
#[derive(Clone, Debug, Default)]
pub struct LogOut {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// The application that asked; it has ended its own session already.
    pub app: Option<String>,
    /// The accounts. With none, show [`LoggedOut`] instead.
    pub accounts: Vec<LogOutRow>,
}

impl LogOut {
    /// One account is always chosen beforehand: the one meant, else the first.
    fn is_checked(&self, row: &LogOutRow) -> bool {
        let meant = self
            .accounts
            .iter()
            .find(|a| a.selected)
            .or(self.accounts.first());
        meant.is_some_and(|meant| meant.sid == row.sid)
    }
}

impl Page for LogOut {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.log_out_heading.to_string()
    }
}

page!(LogOut, "log_out.html");

/// What an application said when it was told; the worse, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It has ended its session.
    Done,
    /// It is being told.
    Pending,
    /// It did not answer, or refused.
    NoAnswer,
}

impl Outcome {
    fn words(&self, words: &Words) -> Text {
        match self {
            Outcome::Done => words.outcome_done,
            Outcome::Pending => words.outcome_pending,
            Outcome::NoAnswer => words.outcome_no_answer,
        }
    }
}

/// Says what ended. Also shown to somebody who was not signed in.
#[derive(Clone, Debug, Default)]
pub struct LoggedOut {
    /// Accounts that were logged out, by name or login ID; none when nobody was signed in.
    pub ended: Vec<String>,
    /// The applications that were told, and what came of it.
    pub apps: Vec<(String, Outcome)>,
    /// Accounts that stay signed in in this browser, by name or login ID.
    pub remaining: Vec<String>,
    /// The way back: the link's whole text (catalogue key `back_to`), and the address.
    pub back: Option<(String, String)>,
    /// Where to log in again.
    pub login_again: Option<String>,
    /// Pages of applications that end their sessions when they load (Front-Channel Logout §3).
    pub frames: Vec<String>,
    /// Where the browser goes when they have loaded.
    pub onward: Option<String>,
}

impl Page for LoggedOut {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.logged_out_heading.to_string()
    }
}

page!(LoggedOut, "logged_out.html");
