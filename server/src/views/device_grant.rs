//! Letting a device in that has no browser (RFC 8628): the code, who asks, and what came of it.

use super::words::Words;
use super::{Page, Shell, page};

/// Asks for the code that the device shows. Field `user_code`.
#[derive(Clone, Debug, Default)]
pub struct DeviceCode {
    /// Where the form is sent.
    pub action: String,
    /// What was typed before, or came with the address.
    pub user_code: String,
    /// What was wrong with it.
    pub error: Option<String>,
}

impl Page for DeviceCode {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.device_code_heading.to_string()
    }

    fn failed(&self) -> bool {
        self.error.is_some()
    }
}

page!(DeviceCode, "device_code.html");

/// Says who asks and for what, and asks for a yes. Buttons `do` = `allow`, `deny`.
#[derive(Clone, Debug, Default)]
pub struct DeviceAsk {
    /// Where the form is sent.
    pub action: String,
    /// The application on the device.
    pub app: String,
    /// The account that the device would use, by login ID.
    pub account: String,
    /// The code that the device shows.
    pub user_code: String,
    /// Where the device is, as far as known.
    pub from: String,
    /// When it asked.
    pub at: String,
    /// What it would get, a sentence each (catalogue: [`Words::scope`]).
    pub scopes: Vec<String>,
}

impl Page for DeviceAsk {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        words.device_ask_heading.fill([("app", self.app.as_str())])
    }
}

page!(DeviceAsk, "device_ask.html");

/// Says what came of it.
#[derive(Clone, Debug, Default)]
pub struct DeviceDone {
    /// The application on the device.
    pub app: String,
    /// Whether the device was let in.
    pub allowed: bool,
}

impl Page for DeviceDone {
    fn heading(&self, _: &Shell, words: &Words) -> String {
        if self.allowed {
            words.device_done_heading.to_string()
        } else {
            words.device_denied_heading.to_string()
        }
    }
}

page!(DeviceDone, "device_done.html");
