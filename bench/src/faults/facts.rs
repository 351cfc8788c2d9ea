//! What the database itself must hold once a client was told: for databases that no server is started on.

use super::person::Session;
use anyhow::Result;
use std::collections::BTreeSet;
use techpass_server::seal::hashed;

/// Something that was acknowledged.
pub struct Fact {
    /// When the client knew, in microseconds since the history began.
    pub at_us: u64,
    /// What it is.
    pub what: &'static str,
    /// A query that finds a row by `key`, and only then.
    pub sql: &'static str,
    /// What it is looked up by.
    pub key: String,
}

const CODE_USED: &str =
    "SELECT 1 FROM single_use WHERE kind = 'code' AND key_sha256 = $1 AND used_at IS NOT NULL";
const REFRESH_THERE: &str = "SELECT 1 FROM refresh_tokens WHERE token_sha256 = $1";
const REFRESH_USED: &str =
    "SELECT 1 FROM refresh_tokens WHERE token_sha256 = $1 AND used_at IS NOT NULL";
const SESSION_THERE: &str = "SELECT 1 FROM sessions WHERE secret_sha256 = $1";
const SESSION_OVER: &str = "SELECT 1 FROM sessions WHERE secret_sha256 = $1 AND NOT EXISTS \
     (SELECT 1 FROM entries WHERE session_id = sessions.id AND ended_at IS NULL)";
const REQUEST_CLOSED: &str = "SELECT 1 FROM challenges WHERE id = $1 AND closed IS NOT NULL";

impl Fact {
    /// A code is used up.
    pub fn code_used(code: &str) -> Fact {
        Fact::of("a code is used up", CODE_USED, hashed(code))
    }

    /// A refresh token was given.
    pub fn refresh_there(token: &str) -> Fact {
        Fact::of("a refresh token was given", REFRESH_THERE, hashed(token))
    }

    /// A refresh token is used up.
    pub fn refresh_used(token: &str) -> Fact {
        Fact::of("a refresh token is used up", REFRESH_USED, hashed(token))
    }

    /// Somebody is signed in.
    pub fn session_there(session: &Session) -> Fact {
        Fact::of("somebody is signed in", SESSION_THERE, secret(session))
    }

    /// Everybody in the browser is logged out.
    pub fn session_over(session: &Session) -> Fact {
        Fact::of("everybody is logged out", SESSION_OVER, secret(session))
    }

    /// A request was answered.
    pub fn request_closed(id: &str) -> Fact {
        Fact::of("a request was answered", REQUEST_CLOSED, id.to_owned())
    }

    fn of(what: &'static str, sql: &'static str, key: String) -> Fact {
        Fact {
            at_us: 0,
            what,
            sql,
            key,
        }
    }

    /// Whether the database holds it.
    pub fn holds(&self, connection: &rusqlite::Connection) -> Result<bool> {
        let mut statement = connection.prepare_cached(self.sql)?;
        Ok(statement.exists([&self.key])?)
    }
}

/// Facts that a PostgreSQL database does not hold, in words; `psql` says what a statement prints.
pub fn missing(facts: &[Fact], psql: impl Fn(&str) -> Result<String>) -> Result<Vec<String>> {
    let kinds: BTreeSet<&str> = facts.iter().map(|fact| fact.sql).collect();
    let mut found = Vec::new();
    for sql in kinds {
        let of_kind: Vec<&Fact> = facts.iter().filter(|fact| fact.sql == sql).collect();
        for some in of_kind.chunks(500) {
            let keys: Vec<String> = some
                .iter()
                .map(|fact| format!("('{}')", fact.key))
                .collect();
            let count = psql(&format!(
                "SELECT count(*) FROM (VALUES {}) v(k) WHERE NOT EXISTS ({})",
                keys.join(","),
                sql.replace("$1", "v.k")
            ))?;
            if count != "0" {
                let what = some.first().map_or("", |fact| fact.what);
                found.push(format!(
                    "{count} acknowledged facts are not in the database: {what}"
                ));
            }
        }
    }
    Ok(found)
}

/// The hash of a browser's session cookie.
fn secret(session: &Session) -> String {
    let cookies = session.browser.cookies();
    let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| name.ends_with("_session"));
    found.map_or_else(String::new, |(_, value)| hashed(value))
}
