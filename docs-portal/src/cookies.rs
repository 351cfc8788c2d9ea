//! The portal's cookies. Every name starts with `docs_`, because browsers do not separate cookies
//! by port and the provider may live on another port of the same host.

use http::{HeaderMap, HeaderValue, header};

/// The session of a signed-in person.
pub(crate) const SESSION: &str = "docs_session";
/// Binds log-ins that have not finished to the browser that began them.
pub(crate) const LOGIN: &str = "docs_login";
/// Somebody logged out here: the next log-in asks which account.
pub(crate) const LEFT: &str = "docs_left";

/// Reads and writes cookies under their full names.
#[derive(Clone, Copy)]
pub(crate) struct Cookies {
    /// Over HTTPS every cookie is `Secure` and has the `__Host-` prefix, which keeps other hosts
    /// of the same site from planting one.
    pub(crate) https: bool,
}

impl Cookies {
    /// The value of a cookie, when the browser sent it.
    pub(crate) fn get(self, headers: &HeaderMap, name: &str) -> Option<String> {
        let wanted = self.full_name(name);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value.to_owned())
    }

    /// A `Set-Cookie` value. Without `max_age_s` the cookie ends with the browser.
    pub(crate) fn set(
        self,
        name: &str,
        value: &str,
        max_age_s: Option<i64>,
    ) -> Option<HeaderValue> {
        let mut line = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax",
            self.full_name(name)
        );
        if let Some(seconds) = max_age_s {
            line.push_str(&format!("; Max-Age={seconds}"));
        }
        if self.https {
            line.push_str("; Secure");
        }
        HeaderValue::from_str(&line).ok()
    }

    /// A `Set-Cookie` value that removes a cookie.
    pub(crate) fn clear(self, name: &str) -> Option<HeaderValue> {
        self.set(name, "", Some(0))
    }

    fn full_name(self, name: &str) -> String {
        let prefix = if self.https { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }
}
