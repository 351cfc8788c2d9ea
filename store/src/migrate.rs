//! Keeps the schema at the version the program knows.

use std::collections::BTreeSet;

use crate::db::{Driver, Statement};
use crate::error::StoreError;

/// One step of the schema. A released migration is never edited; a later one corrects it.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its place in the order, from 1.
    pub version: i64,
    /// What it does, for a person reading the table.
    pub name: &'static str,
    /// Portable SQL: statements without parameters, separated by semicolons. Line comments, quoted text with
    /// semicolons in it and an empty end are understood; block comments and procedure bodies are not.
    pub sql: &'static str,
}

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";
const APPLIED: &str = "SELECT version FROM schema_migrations";
const RECORD: &str = "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)";
const RACE: &str = "migration";

/// Applies the migrations the database does not have, each atomically and in order, and answers how many it applied
/// itself. Safe to run again, and by two processes at once: each migration is applied by one of them.
///
/// # Errors
/// [`StoreError::Newer`] when the database has a migration above the last one known, in which case nothing is
/// changed; [`StoreError::Database`] when `migrations` are out of order or a statement fails, in which case the
/// migrations before it stand and it left nothing behind.
pub async fn migrate(driver: &dyn Driver, migrations: &[Migration]) -> Result<usize, StoreError> {
    if !migrations.is_sorted_by(|a, b| a.version < b.version) {
        return Err(StoreError::database(
            "the migrations are not in ascending order",
        ));
    }
    prepare(driver).await?;
    let applied = applied(driver).await?;
    let known = known(migrations);
    if let Some(&schema) = applied.last().filter(|&&schema| schema > known) {
        return Err(StoreError::Newer { schema, known });
    }
    let mut count = 0;
    for migration in migrations.iter().filter(|m| !applied.contains(&m.version)) {
        count += usize::from(apply(driver, migration).await?);
    }
    Ok(count)
}

/// Only looks: whether the schema is the one the program knows.
///
/// # Errors
/// [`StoreError::Newer`] and [`StoreError::Older`] when it is not.
pub async fn check(driver: &dyn Driver, migrations: &[Migration]) -> Result<(), StoreError> {
    let known = known(migrations);
    // Without the table there is no schema at all; whatever else keeps it from being read shows at the next step.
    let applied = applied(driver).await.unwrap_or_default();
    match applied.last().copied().unwrap_or(0) {
        schema if schema > known => Err(StoreError::Newer { schema, known }),
        schema if migrations.iter().any(|m| !applied.contains(&m.version)) => {
            Err(StoreError::Older { schema, known })
        }
        _ => Ok(()),
    }
}

fn known(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |last| last.version)
}

/// How often to try again what another process holds up.
const TRIES: u32 = 20;

/// Makes the table of migrations. Of several processes that do so at once, all but one may fail on its name.
async fn prepare(driver: &dyn Driver) -> Result<(), StoreError> {
    for _ in 1..TRIES {
        if applied(driver).await.is_ok() {
            return Ok(());
        }
        match driver.commit(vec![Statement::any(TABLE, vec![])]).await {
            Err(StoreError::Conflict(_) | StoreError::Busy(_)) => {}
            outcome => return outcome,
        }
    }
    driver.commit(vec![Statement::any(TABLE, vec![])]).await
}

/// Applies one, unless another process does. Its row is the lock: whoever comes second waits for it, and then finds it
/// taken.
async fn apply(driver: &dyn Driver, migration: &Migration) -> Result<bool, StoreError> {
    for tried in 1.. {
        match driver.commit(piece(migration)).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Conflict(RACE)) => return Ok(false),
            // The other one is at it for longer than a lock is waited for.
            Err(StoreError::Busy(_)) if tried < TRIES => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

async fn applied(driver: &dyn Driver) -> Result<BTreeSet<i64>, StoreError> {
    driver
        .query(APPLIED, vec![])
        .await?
        .iter()
        .map(|row| row.int(0))
        .collect()
}

// The record comes first: of two processes the later one fails on it, and not on a table that already exists.
fn piece(migration: &Migration) -> Vec<Statement> {
    let record = Statement::one(
        RACE,
        RECORD,
        vec![migration.version.into(), migration.name.into()],
    );
    let steps = statements(migration.sql)
        .into_iter()
        .map(|sql| Statement::any(sql, vec![]));
    std::iter::once(record).chain(steps).collect()
}

/// Cuts a migration's text at the semicolons that end a statement.
fn statements(text: &'static str) -> Vec<&'static str> {
    let mut cuts = vec![];
    let (mut quoted, mut comment, mut substance, mut start, mut before) =
        (false, false, false, 0, ' ');
    for (at, letter) in text.char_indices() {
        match letter {
            '\n' => comment = false,
            _ if comment => {}
            '\'' => quoted = !quoted,
            '-' if before == '-' && !quoted => comment = true,
            ';' if !quoted => {
                cuts.extend(text.get(start..at).filter(|_| substance));
                (start, substance) = (at + 1, false);
            }
            _ => {}
        }
        substance |= quoted || !(comment || letter.is_whitespace() || matches!(letter, ';' | '-'));
        before = letter;
    }
    cuts.extend(text.get(start..).filter(|_| substance));
    cuts.into_iter().map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn cuts_at_semicolons_outside_quotes_and_comments() {
        let text = "-- first; still a comment's text\nCREATE TABLE a (x TEXT); \n\nINSERT INTO a VALUES ('it''s; -- so');\n\
                    -- the end;\n;\n  ";
        assert_eq!(
            statements(text),
            [
                "-- first; still a comment's text\nCREATE TABLE a (x TEXT)",
                "INSERT INTO a VALUES ('it''s; -- so')"
            ]
        );
        assert_eq!(statements("SELECT 1 - -1"), ["SELECT 1 - -1"]);
        assert_eq!(
            statements("DELETE FROM a;\nDELETE FROM b"),
            ["DELETE FROM a", "DELETE FROM b"]
        );
        assert!(statements(" -- nothing").is_empty());
    }
}
