//! Values of the environment, laid over the file's. A variable is text and says nothing of types: what looks like a number
//! or a list is taken as one, and as the text it is where a text is wanted.

use super::{Config, ConfigError};
use std::ffi::OsString;

/// What names of variables begin with.
const PREFIX: &str = "TECHPASS__";

/// Keys that end in `_file` themselves hold a path.
const PATHS: [&str; 8] = [
    "master_key",
    "epoch",
    "client_secret",
    "access_token",
    "password",
    "ca",
    "certificate",
    "key",
];

/// The variables that are ours. Others may be anything.
pub(super) fn ours(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let ours = environment.filter(|(name, _)| {
        let bytes = name.as_encoded_bytes();
        bytes.starts_with(PREFIX.as_bytes())
    });
    let text = |(name, value): (OsString, OsString)| {
        let shown = name.to_string_lossy().into_owned();
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            _ => Err(ConfigError::Malformed(format!(
                "the environment's {shown} is no text in UTF-8"
            ))),
        }
    };
    ours.map(text).collect()
}

/// One variable.
struct Variable {
    /// Without the prefix.
    name: String,
    /// The way to its key.
    path: Vec<String>,
    /// What it says.
    text: String,
    /// Whether it is taken for something else than a text.
    guessed: bool,
}

/// Lays the environment over a file's text and reads the whole.
pub(super) fn laid_over(
    text: &str,
    shown: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    // Parsed once by itself for the file's own errors, which then name the line.
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| malformed(shown, &error.to_string()))?;
    let set: Vec<_> = environment
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value)))
        .collect();
    if set.is_empty() {
        let config: Config =
            toml::from_str(text).map_err(|error| malformed(shown, &error.to_string()))?;
        return config.checked();
    }
    twice(&set)?;
    let mut variables = Vec::with_capacity(set.len());
    for (name, value) in set {
        let mut variable = Variable::read(name, value)?;
        let value = variable.guess();
        variable.put(&mut table, value)?;
        variables.push(variable);
    }
    let config = loop {
        let error = match table.clone().try_into::<Config>() {
            Ok(config) => break config,
            Err(error) => error.to_string(),
        };
        let (at, unknown) = place(&error);
        let blamed = variables.iter_mut().find(|one| one.is_at(&at, unknown));
        match blamed {
            Some(variable) if variable.guessed => {
                variable.guessed = false;
                let value = toml::Value::String(variable.text.clone());
                variable.put(&mut table, value)?;
            }
            Some(variable) => {
                let name = format!("the environment's {PREFIX}{}", variable.name);
                return Err(malformed(&name, &error));
            }
            None => {
                // The file by itself says the line, where it is the file's mistake.
                let alone = toml::from_str::<Config>(text).err();
                let alone = alone.map(|error| error.to_string());
                let alone = alone.filter(|alone| reason(alone) == reason(&error));
                return Err(malformed(shown, alone.as_deref().unwrap_or(&error)));
            }
        }
    };
    config.checked().map_err(|error| said_by(error, &variables))
}

/// Names the variable that set the key of a value that makes no sense.
fn said_by(error: ConfigError, variables: &[Variable]) -> ConfigError {
    let ConfigError::Value { key, reason } = error else {
        return error;
    };
    let setter = variables.iter().find(|one| one.path.join(".") == key);
    let reason = match setter {
        Some(variable) => format!(
            "{reason} (the environment's {PREFIX}{} sets it)",
            variable.name
        ),
        None => reason,
    };
    ConfigError::Value { key, reason }
}

/// Where the parser says that it met the error: a key and the keys around it; and whether nobody knows that key.
fn place(error: &str) -> (Vec<String>, bool) {
    let within = error
        .rsplit_once("\nin `")
        .and_then(|(_, rest)| rest.split_once('`'));
    let mut path: Vec<String> = within
        .map(|(path, _)| path.split('.').map(str::to_owned).collect())
        .unwrap_or_default();
    let unknown = error
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'));
    if let Some((unknown, _)) = unknown
        && path.last().is_none_or(|last| last != unknown)
    {
        path.push(unknown.to_owned());
    }
    (path, unknown.is_some())
}

/// The sentence of an error, without where it is.
fn reason(error: &str) -> Option<&str> {
    error
        .lines()
        .find(|line| !line.starts_with("TOML parse error") && !line.contains('|'))
}

impl Variable {
    fn read(name: String, value: String) -> Result<Variable, ConfigError> {
        let lower = name.to_lowercase();
        let (key, text) = match lower.strip_suffix("_file") {
            Some(key) if !PATHS.iter().any(|own| key.ends_with(own)) => {
                let read = std::fs::read_to_string(&value);
                let read = read.map_err(|error| {
                    ConfigError::Malformed(format!(
                        "the environment's {PREFIX}{name}: cannot read {value}: {error}"
                    ))
                })?;
                (key.to_owned(), read.trim_end().to_owned())
            }
            _ => (lower.clone(), value),
        };
        Ok(Variable {
            path: key.split("__").map(str::to_owned).collect(),
            name,
            text,
            guessed: false,
        })
    }

    /// What the text looks like.
    fn guess(&mut self) -> toml::Value {
        let parsed = toml::from_str::<toml::Table>(&format!("v = {}", self.text));
        match parsed.ok().and_then(|mut parsed| parsed.remove("v")) {
            Some(value) => {
                self.guessed = true;
                value
            }
            None => toml::Value::String(self.text.clone()),
        }
    }

    fn put(&self, table: &mut toml::Table, value: toml::Value) -> Result<(), ConfigError> {
        let Some((key, sections)) = self.path.split_last() else {
            return Ok(());
        };
        let mut place = table;
        for section in sections {
            let next = place
                .entry(section.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            place = next.as_table_mut().ok_or_else(|| {
                ConfigError::Malformed(format!(
                    "the environment's {PREFIX}{}: `{section}` is not a section",
                    self.name
                ))
            })?;
        }
        place.insert(key.clone(), value);
        Ok(())
    }

    /// Whether an error at a place is within this variable's value, or this variable made a section that is unknown.
    fn is_at(&self, place: &[String], unknown: bool) -> bool {
        let within = place.starts_with(&self.path);
        !place.is_empty() && (within || (unknown && self.path.starts_with(place)))
    }
}

fn malformed(shown: &str, message: &str) -> ConfigError {
    let mut text = format!("error[config] in {shown}:\n{}", message.trim_end());
    if let Some(hint) = suggestion(message) {
        text.push_str(&format!("\ndid you mean `{hint}`?"));
    }
    ConfigError::Malformed(text)
}

/// The known key closest to the unknown one that the parser complains about.
fn suggestion(message: &str) -> Option<String> {
    let rest = message.split("unknown field `").nth(1)?;
    let mut quoted = rest.split('`').step_by(2);
    let unknown = quoted.next()?;
    let closest = quoted
        .map(|known| (strsim::levenshtein(unknown, known), known))
        .min()?;
    (closest.0 <= 3).then(|| closest.1.to_owned())
}

/// A key that the environment sets both itself and by a file has no one value.
fn twice(set: &[(String, String)]) -> Result<(), ConfigError> {
    for (name, _) in set {
        let file = format!("{name}_FILE");
        if set.iter().any(|(other, _)| *other == file) {
            return Err(ConfigError::Malformed(format!(
                "{PREFIX}{name} and {PREFIX}{file} are both set; keep one"
            )));
        }
    }
    Ok(())
}
