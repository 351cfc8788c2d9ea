//! The `claims` parameter: claims asked for one by one (OpenID Connect Core §5.5).

use super::claims;
use super::error::{AuthorizationError, AuthorizationErrorCode, Description};
use super::jwt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a request asks for by name. Claims that this server does not know are not in it (§5.5: they are ignored).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Wanted from UserInfo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<Wanted>,
    /// Wanted in the ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<Wanted>,
}

/// One claim that is asked for (§5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Whether the client says that it cannot go on without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// The values that would do, best first; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl ClaimsRequest {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Reads the parameter. What is not JSON of the form of §5.5 is `invalid_request`; members and claims that are not
    /// known are ignored.
    pub fn parse(text: &str) -> Result<ClaimsRequest, AuthorizationError> {
        let Ok(members) = jwt::object(text.as_bytes()) else {
            return malformed("it must be one JSON object in which no member is repeated");
        };
        Ok(ClaimsRequest {
            userinfo: wanted(&members, "userinfo")?,
            id_token: wanted(&members, "id_token")?,
        })
    }

    /// Names of everything asked for about the person, wherever it is wanted.
    pub fn about_the_person(&self) -> BTreeSet<String> {
        let all = self.userinfo.iter().chain(&self.id_token);
        let names = all.map(|wanted| wanted.name.as_str());
        let person = names.filter(|name| claims::is_about_the_person(name));
        person.map(str::to_owned).collect()
    }

    /// §5.5.1.1: the classes of which one must be reached, when `acr` is asked of the ID token as essential with values.
    pub fn essential_acr(&self) -> Option<&[String]> {
        let acr = of(&self.id_token, "acr").filter(|acr| acr.essential)?;
        (!acr.values.is_empty()).then_some(acr.values.as_slice())
    }

    /// §5.5.1.1: the classes that are preferred, when `acr` is asked of the ID token with values and not as essential.
    pub fn voluntary_acr(&self) -> Option<&[String]> {
        let acr = of(&self.id_token, "acr").filter(|acr| !acr.essential)?;
        (!acr.values.is_empty()).then_some(acr.values.as_slice())
    }

    /// §5.5.1: the only subject that an answer may be about.
    pub fn subject(&self) -> Option<&str> {
        let of = |all| of(all, "sub").and_then(|sub| sub.values.first());
        of(&self.id_token)
            .or_else(|| of(&self.userinfo))
            .map(String::as_str)
    }
}

fn of<'a>(all: &'a [Wanted], name: &str) -> Option<&'a Wanted> {
    all.iter().find(|wanted| wanted.name == name)
}

fn wanted(members: &Map<String, Value>, part: &str) -> Result<Vec<Wanted>, AuthorizationError> {
    let claims = match members.get(part) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(claims)) => claims,
        Some(_) => return malformed(&format!("{part} must be an object")),
    };
    let known = claims::supported();
    let mut all = Vec::new();
    for (name, how) in claims {
        let one = one(name, how)?;
        if known.contains(&name.as_str()) {
            all.push(one);
        }
    }
    Ok(all)
}

/// §5.5.1: null, or an object with `essential`, `value`, `values`.
fn one(name: &str, how: &Value) -> Result<Wanted, AuthorizationError> {
    let members = match how {
        Value::Null => &Map::new(),
        Value::Object(members) => members,
        _ => return malformed(&format!("{name} must be null or an object")),
    };
    let essential = match members.get("essential") {
        None => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return malformed(&format!("essential of {name} must be true or false")),
    };
    let values = match (members.get("value"), members.get("values")) {
        (Some(_), Some(_)) => {
            return malformed(&format!("{name} has both value and values"));
        }
        (Some(value), None) => vec![value],
        (None, Some(Value::Array(values))) => values.iter().collect(),
        (None, Some(_)) => return malformed(&format!("values of {name} must be an array")),
        (None, None) => Vec::new(),
    };
    Ok(Wanted {
        name: name.to_owned(),
        essential,
        // Only texts are ever compared; what is asked for with another type fits nothing.
        values: values.into_iter().map(text_of).collect(),
    })
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn malformed<T>(what: &str) -> Result<T, AuthorizationError> {
    let what = Description::new(&format!("The parameter claims cannot be read: {what}."));
    Err(AuthorizationError::new(
        AuthorizationErrorCode::InvalidRequest,
        what.as_str(),
    ))
}
