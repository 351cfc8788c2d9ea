//! Pages that ask for a yes: an application's wishes, a computer's registration.

use super::words::Words;
use super::{Hidden, Page, Shell, page};

/// Asks whether an application may have what it wants. Buttons `do` = `allow`, `deny`.
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
    /// What it would get, a sentence each (catalogue: [`Words::scope`]).
    pub scopes: Vec<String>,
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
