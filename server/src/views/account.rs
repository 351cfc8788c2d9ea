//! Pages about one account: picking it, its password, its verification code.

use super::words::Words;
use super::{Hidden, Page, Shell, page};

/// An account known in this browser.
#[derive(Clone, Debug, Default)]
pub struct AccountRow {
    /// What the form sends; worthless outside this browser.
    pub handle: String,
    /// The person's name.
    pub name: String,
    /// The email or login ID.
    pub login_id: String,
    /// Where the person works.
    pub organisation: Option<String>,
    /// Whether a session is open here.
    pub signed_in: bool,
}

impl AccountRow {
    /// Up to two letters that stand for the person.
    fn initials(&self) -> String {
        let letters = self
            .name
            .split_whitespace()
            .filter_map(|word| word.chars().next());
        let two: Vec<char> = letters.take(2).collect();
        two.into_iter().flat_map(char::to_uppercase).collect()
    }
}

/// Offers the accounts known in this browser. Buttons `account` and `remove`.
#[derive(Clone, Debug, Default)]
pub struct PickAccount {
    /// Where the forms are sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// The application that is waiting.
    pub app: Option<String>,
    /// The accounts, the one used last first.
    pub accounts: Vec<AccountRow>,
}

impl Page for PickAccount {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.pick_heading.to_string()
    }
}

page!(PickAccount, "pick_account.html");

/// Asks for the password. Field `password`; `another` leads away.
#[derive(Clone, Debug, Default)]
pub struct Password {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// Whose password.
    pub login_id: String,
    /// What was wrong with the last one. What was typed is never shown again.
    pub error: Option<String>,
    /// Something to know before trying, such as the tries that are left.
    pub warning: Option<String>,
}

impl Page for Password {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.password_heading.to_string()
    }

    fn failed(&self) -> bool {
        self.error.is_some()
    }
}

page!(Password, "password.html");

/// Asks for a verification code. Field `code`; `another` leads away.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// Whose code.
    pub login_id: String,
    /// What the profile is called in the Authenticator.
    pub profile_label: String,
    /// What was wrong with the last one. What was typed is never shown again.
    pub error: Option<String>,
}

impl Page for Code {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.code_heading.to_string()
    }

    fn failed(&self) -> bool {
        self.error.is_some()
    }
}

page!(Code, "code.html");
