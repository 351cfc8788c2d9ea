//! Forms and queries as they come: each name at most once, everything bounded.

use std::collections::BTreeMap;

/// The most fields.
const FIELDS_MAX: usize = 60;
/// The longest value, in bytes; passwords and codes are far shorter.
const VALUE_MAX: usize = 8 * 1024;

/// A parsed form. A name that was sent twice is an error, so that nobody can argue about which one counts.
#[derive(Debug, Default)]
pub struct Form(BTreeMap<String, String>);

/// Why a form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A name came twice.
    #[error("the field {0} was sent more than once")]
    Repeated(String),
    /// Too many fields, or one that is too long.
    #[error("the form is too large")]
    TooLarge,
    /// Not UTF-8.
    #[error("the form is not UTF-8")]
    NotText,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` text.
    pub fn parse(text: &[u8]) -> Result<Form, FormError> {
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if fields.len() >= FIELDS_MAX || value.len() > VALUE_MAX || name.len() > 100 {
                return Err(FormError::TooLarge);
            }
            if value.contains('\u{fffd}') || name.contains('\u{fffd}') {
                return Err(FormError::NotText);
            }
            if fields
                .insert(name.clone().into_owned(), value.into_owned())
                .is_some()
            {
                let shown: String = name.chars().filter(|c| c.is_ascii_graphic()).collect();
                return Err(FormError::Repeated(shown));
            }
        }
        Ok(Form(fields))
    }

    /// A field, empty ones included.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Takes a field out, for secrets that should live no longer than needed.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_field_counts_once() {
        let form = Form::parse(b"code=123+456&v=1&empty=").unwrap();
        assert_eq!(form.get("code"), Some("123 456"));
        assert_eq!(form.get("empty"), Some(""));
        assert_eq!(form.get("x"), None);
        assert_eq!(
            Form::parse(b"v=1&v=2").unwrap_err(),
            FormError::Repeated("v".into())
        );
        let long = format!("a={}", "x".repeat(9000));
        assert_eq!(
            Form::parse(long.as_bytes()).unwrap_err(),
            FormError::TooLarge
        );
        assert_eq!(Form::parse(b"a=%ff").unwrap_err(), FormError::NotText);
    }
}
