//! "Sign in": who are you?

use super::words::Words;
use super::{Hidden, Page, Shell, page};

/// The name that login IDs carry in the words of the interface.
const ID_NAME: &str = "TechPass";
/// A home organisation has no IDs of its own name: there people type their email or the ID they have at TechPass.
const HOME_BRAND: &str = "WOG";

/// Asks for the email or login ID. Field `login_id`.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// The application that is waiting.
    pub app: Option<String>,
    /// What was typed before, or is expected.
    pub login_id: String,
    /// What was wrong with it.
    pub error: Option<String>,
    /// Where accounts known in this browser can be picked.
    pub pick_url: Option<String>,
    /// Whether the person asked for this field, so that it has the focus. Otherwise the page is read from its top.
    pub focus: bool,
}

/// What a login ID is called under a brand.
pub(super) fn id_name(brand: &str) -> &str {
    if brand == HOME_BRAND || brand.is_empty() {
        ID_NAME
    } else {
        brand
    }
}

impl SignIn {
    fn id_name<'a>(&self, shell: &'a Shell) -> &'a str {
        id_name(&shell.brand)
    }
}

impl Page for SignIn {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.sign_in_heading.to_string()
    }

    fn failed(&self) -> bool {
        self.error.is_some()
    }
}

page!(SignIn, "sign_in.html");
