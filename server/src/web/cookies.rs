//! Cookies, named by role, since browsers do not separate them by port.

use crate::app::App;
use http::{HeaderMap, HeaderValue, header};

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Binds logins to this browser and remembers its picker.
    Browser,
    /// The signed-in state.
    Session,
    /// The computer's key.
    Device,
}

impl Cookie {
    fn suffix(self) -> &'static str {
        match self {
            Cookie::Browser => "browser",
            Cookie::Session => "session",
            Cookie::Device => "device",
        }
    }

    /// Seconds it lives; `None` until the browser closes.
    fn max_age_s(self) -> Option<u32> {
        match self {
            Cookie::Browser | Cookie::Device => Some(400 * 24 * 60 * 60),
            Cookie::Session => None,
        }
    }
}

/// `__Host-techpass_session` over HTTPS, `techpass_session` on plain-HTTP localhost.
fn name(app: &App, cookie: Cookie) -> String {
    let prefix = if app.config.secure() { "__Host-" } else { "" };
    format!("{prefix}{}_{}", app.config.role, cookie.suffix())
}

/// The cookie's value, when it has the form of one of our secrets.
pub fn read(app: &App, headers: &HeaderMap, cookie: Cookie) -> Option<String> {
    let wanted = name(app, cookie);
    let all = headers.get_all(header::COOKIE).iter();
    let mut pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    let value = pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then_some(value)
    })?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (value.len() == 43 && value.bytes().all(plain)).then(|| value.to_owned())
}

/// Sets a cookie.
pub fn set(app: &App, headers: &mut HeaderMap, cookie: Cookie, value: &str) {
    append(app, headers, cookie, value, cookie.max_age_s());
}

/// Removes a cookie.
pub fn remove(app: &App, headers: &mut HeaderMap, cookie: Cookie) {
    append(app, headers, cookie, "", Some(0));
}

fn append(app: &App, headers: &mut HeaderMap, cookie: Cookie, value: &str, max_age_s: Option<u32>) {
    let secure = if app.config.secure() { "; Secure" } else { "" };
    let age = max_age_s.map_or(String::new(), |s| format!("; Max-Age={s}"));
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}",
        name(app, cookie)
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(header::SET_COOKIE, value);
    }
}
