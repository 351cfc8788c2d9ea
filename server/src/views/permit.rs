//! Pages that ask for a yes: an application's wishes, a computer's registration.

use super::words::Words;
use super::{Hidden, Page, Shell, page};
use std::collections::BTreeSet;
use techpass_domain::oidc::scope::Scope;

/// Asks whether an application may have what it wants. Buttons `do` = `allow`, `deny`; `another` = `1`.
#[derive(Clone, Debug, Default)]
pub struct Consent {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// The application.
    pub app: String,
    /// The host of its home page; empty when not known.
    pub home_host: String,
    /// The account, by login ID.
    pub account: String,
    /// What it would get, a sentence each, from [`allows`].
    pub allows: Vec<String>,
    /// How it uses what it learns: a page of the application's.
    pub policy: Option<String>,
    /// Its terms.
    pub terms: Option<String>,
}

/// What scopes and claims let an application do, a sentence each.
pub fn allows(words: &Words, scope: &Scope, claims: &BTreeSet<String>) -> Vec<String> {
    let scopes = scope.iter().map(|value| words.scope(value));
    let claims = claims.iter().map(|name| words.claim(name));
    scopes.chain(claims).collect()
}

impl Consent {
    fn host_sentence(&self, words: &Words) -> String {
        words.consent_host.fill([
            ("app", self.app.as_str()),
            ("host", self.home_host.as_str()),
        ])
    }
}

impl Page for Consent {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.consent_heading.fill([("app", self.app.as_str())])
    }
}

page!(Consent, "consent.html");

/// Asks to register this computer. Button `do` = `enrol`.
#[derive(Clone, Debug, Default)]
pub struct EnrolDevice {
    /// Where the form is sent.
    pub action: String,
    /// Fields sent along.
    pub hidden: Hidden,
    /// What kind of computer it will be registered as.
    pub class_title: String,
    /// Who may use it; anybody when left out.
    pub owner: Option<String>,
}

impl Page for EnrolDevice {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.enrol_heading.to_string()
    }
}

page!(EnrolDevice, "enrol_device.html");

/// Says that this computer is registered.
#[derive(Clone, Debug, Default)]
pub struct DeviceRegistered {
    /// What kind of computer it is registered as.
    pub class_title: String,
}

impl Page for DeviceRegistered {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.registered_heading.to_string()
    }
}

page!(DeviceRegistered, "device_registered.html");

/// Goes on to the application by a form that the browser posts (Form Post Response Mode).
#[derive(Clone, Debug, Default)]
pub struct FormPost {
    /// The redirect URI.
    pub action: String,
    /// The answer.
    pub hidden: Hidden,
    /// The application.
    pub app: String,
    /// What posts the form where scripts run; trusted, and written as it is.
    pub script: &'static str,
}

impl Page for FormPost {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.form_post_heading.with("app", &self.app)
    }
}

page!(FormPost, "form_post.html");

/// What the people signed in in this browser allowed applications. Fields `account`, `client`.
#[derive(Clone, Debug, Default)]
pub struct Applications {
    /// Who is signed in.
    pub accounts: Vec<AllowedBy>,
}

/// What one account allowed.
#[derive(Clone, Debug, Default)]
pub struct AllowedBy {
    /// Sent back when access is removed.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// Its login ID.
    pub login_id: String,
    /// The newest first.
    pub allowed: Vec<Allowed>,
}

/// What one application was allowed.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Sent back when access is removed.
    pub client: String,
    /// The application.
    pub app: String,
    /// Since when, as text.
    pub since: String,
    /// What it was allowed, a sentence each, from [`allows`].
    pub allows: Vec<String>,
}

impl Page for Applications {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.applications_heading.to_string()
    }
}

page!(Applications, "applications.html");
