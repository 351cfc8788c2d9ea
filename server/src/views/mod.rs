//! The pages that people meet while signing in and out: plain data in, HTML out.
//!
//! One struct per page, one template beside it. Nothing here knows of HTTP, the database or the rules of a login.
//! Every value is escaped by the template engine; every sentence comes from [`words`], and the words and handles that
//! tests and scripts rely on are those of the product's stable interface.
//!
//! Names of form fields and of the buttons that submit them:
//!
//! | page | fields | buttons |
//! |---|---|---|
//! | [`SignIn`] | `login_id` | |
//! | [`PickAccount`] | | `account` = handle or `other`, `remove` = handle |
//! | [`Password`] | `username` (for password managers only), `password` | `another` = `1` |
//! | [`Code`] | `username`, `code` | `another` = `1` |
//! | [`Number`], [`NumberEnded`] | | `do` = `continue`, `renew` or `cancel` |
//! | [`Refused`] | | `do` = `back` or `check` |
//! | [`LogOut`] | `account` = sid or `all` | `do` = `logout` or `stay` |
//! | [`Consent`] | | `do` = `allow` or `deny`, `another` = `1` |
//! | [`Applications`] | `account`, `client` | |
//! | [`FormPost`] | the answer | |
//! | [`EnrolDevice`] | | `do` = `enrol` |
//! | [`DeviceCode`] | `user_code` | |
//! | [`DeviceAsk`] | | `do` = `allow` or `deny` |

mod account;
mod device_grant;
mod info;
mod logout;
mod number;
mod permit;
pub mod problems;
mod refused;
mod sign_in;
#[cfg(test)]
mod tests;
pub mod words;

pub use account::{AccountRow, Code, Password, PickAccount};
pub use device_grant::{DeviceAsk, DeviceCode, DeviceDone};
pub use info::{Home, Info, ProblemDoc, Topic};
pub use logout::{LogOut, LogOutRow, LoggedOut, Outcome};
pub use number::{Number, NumberEnded};
pub use permit::{
    Allowed, AllowedBy, Applications, Consent, DeviceRegistered, EnrolDevice, FormPost, allows,
};
pub use refused::{Back, CheckAgain, Facts, Refused};
pub use sign_in::SignIn;

use words::Words;

/// Hidden fields of a form: name and value, sent back as they are.
pub type Hidden = Vec<(String, String)>;

/// A page could not be written: a fault of the templates, never of what a person typed.
#[derive(Debug, thiserror::Error)]
#[error("a page cannot be rendered")]
pub struct ViewError(#[from] askama::Error);

/// What surrounds every page.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// The operator's name for the service; its first letter is the mark in the header.
    pub brand: String,
    /// Whether to say that this is a demonstration.
    pub demo_ribbon: bool,
    /// What a person reads out to the help desk, such as `7K4M-2Q9X`; nothing is shown when empty.
    pub reference: String,
    /// Changes whenever an asset changes; part of the assets' addresses so that browsers may keep them.
    pub asset_version: String,
}

impl Shell {
    /// The catalogue for this page.
    pub fn words(&self) -> &'static Words {
        &words::ENGLISH
    }

    /// The letter in the square mark.
    fn monogram(&self) -> String {
        let letter = self.brand.chars().find(|c| c.is_alphanumeric());
        letter
            .map(|c| c.to_uppercase().to_string())
            .unwrap_or_default()
    }
}

/// What the frame must know of a page.
trait Page {
    /// The words of the only `h1`, which are also the title.
    fn heading(&self, shell: &Shell, words: &Words) -> String;

    /// Whether an answer is shown again with an error.
    fn failed(&self) -> bool {
        false
    }
}

fn title(page: &impl Page, shell: &Shell, words: &Words) -> String {
    let heading = page.heading(shell, words);
    let title = words.title.fill([
        ("heading", heading.as_str()),
        ("brand", shell.brand.as_str()),
    ]);
    if page.failed() {
        words.error_title.fill([("title", title.as_str())])
    } else {
        title
    }
}

/// Ties a page's struct to its template.
macro_rules! page {
    ($page:ident, $path:tt) => {
        const _: () = {
            #[derive(askama::Template)]
            #[template(path = $path)]
            struct Html<'a> {
                shell: &'a $crate::views::Shell,
                w: &'a $crate::views::words::Words,
                page: &'a $page,
                heading: String,
                title: String,
            }

            impl $page {
                /// The page as a whole HTML document.
                ///
                /// # Errors
                /// Only when a template is at fault.
                pub fn render(
                    &self,
                    shell: &$crate::views::Shell,
                ) -> Result<String, $crate::views::ViewError> {
                    let w = shell.words();
                    let html = Html {
                        shell,
                        w,
                        page: self,
                        heading: $crate::views::Page::heading(self, shell, w),
                        title: $crate::views::title(self, shell, w),
                    };
                    Ok(askama::Template::render(&html)?)
                }
            }
        };
    };
}
use page;
