//! Pages that only say something: the root, help, privacy, terms, and one page per problem code.

use super::problems::{self, Filled};
use super::refused::Facts;
use super::words::{Text, Words};
use super::{Page, Shell, page};

/// The page at the server's root.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The operator's name for the service.
    pub brand: String,
    /// Who is signed in in this browser: name and login ID.
    pub accounts: Vec<(String, String)>,
}

impl Page for Home {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.home_heading.fill([("brand", self.brand.as_str())])
    }
}

page!(Home, "home.html");

/// What a page of the footer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// `/help`
    Help,
    /// `/privacy`
    Privacy,
    /// `/terms`
    Terms,
}

/// A page of the footer.
#[derive(Clone, Debug)]
pub struct Info {
    /// Which one.
    pub topic: Topic,
    /// Whom people call or write to.
    pub help: String,
}

impl Info {
    fn paragraphs(&self, shell: &Shell, words: &Words) -> Vec<String> {
        let texts: &[Text] = match self.topic {
            Topic::Help => &[
                words.help_sign_in,
                words.help_phone,
                words.help_report,
                words.help_contact,
            ],
            Topic::Privacy => &[
                words.privacy_kept,
                words.privacy_shared,
                words.privacy_cookies,
            ],
            Topic::Terms => &[words.terms_use, words.terms_share, words.terms_log],
        };
        let values = [
            ("brand", shell.brand.as_str()),
            ("help", self.help.as_str()),
        ];
        texts.iter().map(|text| text.fill(values)).collect()
    }
}

impl Page for Info {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        match self.topic {
            Topic::Help => words.help.to_string(),
            Topic::Privacy => words.privacy.to_string(),
            Topic::Terms => words.terms_heading.to_string(),
        }
    }
}

page!(Info, "info.html");

/// The page `/e/CODE`: what a problem code means.
#[derive(Clone, Debug)]
pub struct ProblemDoc {
    /// The code, such as `DEV-501`.
    pub code: String,
}

impl ProblemDoc {
    /// The page of a code of the catalogue; `None` for any other.
    pub fn of(code: &str) -> Option<ProblemDoc> {
        problems::find(code).map(|text| ProblemDoc {
            code: text.code.to_owned(),
        })
    }

    fn text(&self, shell: &Shell) -> Filled {
        problems::problem(&self.code).fill(&Facts {
            brand: shell.brand.clone(),
            ..Facts::default()
        })
    }

    fn to_app(&self) -> Option<&'static str> {
        problems::problem(&self.code).to_app
    }
}

impl Page for ProblemDoc {
    fn heading(&self, shell: &Shell, words: &Words) -> String {
        let text = self.text(shell);
        words.problem_doc_heading.fill([
            ("code", self.code.as_str()),
            ("heading", text.heading.as_str()),
        ])
    }
}

page!(ProblemDoc, "problem_doc.html");
