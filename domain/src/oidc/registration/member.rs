//! Reading members by their type. A member that is null or an empty text counts as left out (RFC 7592 §2.2).

use super::refuse;
use crate::oidc::error::{RegistrationError, RegistrationErrorCode as Code};
use crate::time::Seconds;
use serde_json::{Map, Value};

/// Characters of one value.
const TEXT_MAX: usize = 2000;
/// Values of one list.
const LIST_MAX: usize = 100;

/// The members of one registration.
pub(super) struct Members<'a>(pub &'a Map<String, Value>);

impl<'a> Members<'a> {
    /// The value, unless it counts as left out.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        let value = self.0.get(name)?;
        let left_out = value.is_null() || value.as_str().is_some_and(str::is_empty);
        (!left_out).then_some(value)
    }

    /// A text of at most 2000 characters.
    pub fn text(&self, name: &str) -> Result<Option<String>, RegistrationError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= TEXT_MAX => Ok(Some(text.clone())),
            Some(_) => refuse(name, "must be a text of at most 2000 characters"),
        }
    }

    /// A list of texts, none twice.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, RegistrationError> {
        let Some(value) = self.value(name) else {
            return Ok(Vec::new());
        };
        let text = |value: &Value| match value {
            Value::String(text) if !text.is_empty() && text.len() <= TEXT_MAX => Some(text.clone()),
            _ => None,
        };
        let list = value.as_array().filter(|list| list.len() <= LIST_MAX);
        let texts: Option<Vec<String>> = list.and_then(|list| list.iter().map(text).collect());
        match texts {
            Some(mut texts) => {
                let mut seen = std::collections::BTreeSet::new();
                texts.retain(|text| seen.insert(text.clone()));
                Ok(texts)
            }
            None => {
                let code = match name {
                    "redirect_uris" => Code::InvalidRedirectUri,
                    _ => Code::InvalidClientMetadata,
                };
                let why = "must be a list of at most 100 texts of at most 2000 characters";
                Err(RegistrationError::new(code, name, why))
            }
        }
    }

    /// True or false; false when left out.
    pub fn flag(&self, name: &str) -> Result<bool, RegistrationError> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => refuse(name, "must be true or false"),
        }
    }

    /// A whole number of seconds, not negative.
    pub fn seconds(&self, name: &str) -> Result<Option<Seconds>, RegistrationError> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => match value.as_i64().filter(|s| *s >= 0) {
                Some(seconds) => Ok(Some(seconds)),
                None => refuse(name, "must be a whole number of seconds, not negative"),
            },
        }
    }
}
