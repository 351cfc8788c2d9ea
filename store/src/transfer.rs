//! Every row of every table, read and written without knowing what it means: how an instance moves from one kind of
//! database to another. Tables and columns are those that the migrations make.

use crate::db::{Row, Statement, Value};
use crate::error::StoreError;
use crate::write::conflict;
use crate::{MIGRATIONS, Store};
use std::sync::OnceLock;

/// Rows read or written at once.
const BITE: usize = 200;
/// The row of the table `instance` that says that an import is under way. It is never exported.
const IMPORTING: &str = "importing";

/// Whether a row is that mark.
pub fn is_mark(table: &Table, row: &[Value]) -> bool {
    table.name == "instance" && matches!(row.first(), Some(Value::Text(name)) if name == IMPORTING)
}

/// A table of the schema.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in the order of rows.
    pub columns: Vec<&'static str>,
    /// Which of them make the primary key.
    key: Vec<usize>,
    first: String,
    next: String,
    insert: String,
    count: String,
    clear: String,
}

/// The tables, those that others refer to first.
pub fn tables() -> &'static [Table] {
    static TABLES: OnceLock<Vec<Table>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let texts = MIGRATIONS.iter().map(|migration| migration.sql);
        let mut drafts: Vec<Draft> = vec![];
        texts.for_each(|text| read(text, &mut drafts));
        drafts.into_iter().map(Table::of).collect()
    })
}

/// What was read of a table so far: its name, its columns, the names in its key.
#[derive(Default)]
struct Draft {
    name: &'static str,
    columns: Vec<&'static str>,
    key: Vec<&'static str>,
}

/// Reads the tables and columns that a migration makes. Migrations are written one column a line.
fn read(text: &'static str, drafts: &mut Vec<Draft>) {
    let mut within = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("CREATE TABLE ") {
            let name = name.trim_end_matches([' ', '(']);
            drafts.push(Draft {
                name,
                ..Draft::default()
            });
            within = true;
        } else if let Some(rest) = line.strip_prefix("ALTER TABLE ") {
            let mut words = rest.split([' ', ';']);
            if let (Some(table), Some("ADD"), Some("COLUMN"), Some(column)) =
                (words.next(), words.next(), words.next(), words.next())
                && let Some(draft) = drafts.iter_mut().find(|draft| draft.name == table)
            {
                draft.columns.push(column);
            }
        } else if line.starts_with(')') {
            within = false;
        } else if within && let Some(draft) = drafts.last_mut() {
            column(line, draft);
        }
    }
}

fn column(line: &'static str, draft: &mut Draft) {
    if let Some(names) = line.strip_prefix("PRIMARY KEY (") {
        let names = names.split(')').next().unwrap_or_default();
        draft.key = names.split(", ").collect();
        return;
    }
    let mut words = line.split(' ');
    if let (Some(name), Some("TEXT" | "BIGINT" | "BYTEA" | "TEXT," | "BIGINT," | "BYTEA,")) =
        (words.next(), words.next())
    {
        draft.columns.push(name);
        if line.contains("PRIMARY KEY") {
            draft.key = vec![name];
        }
    }
}

fn places(from: usize, count: usize) -> String {
    let places: Vec<String> = (from..from + count).map(|n| format!("${n}")).collect();
    places.join(", ")
}

impl Table {
    fn of(draft: Draft) -> Table {
        let (name, columns, key) = (draft.name, draft.columns, draft.key);
        let (all, order) = (columns.join(", "), key.join(", "));
        let select = format!("SELECT {all} FROM {name}");
        let end = format!("ORDER BY {order} LIMIT {BITE}");
        Table {
            first: format!("{select} {end}"),
            next: format!(
                "{select} WHERE ({order}) > ({}) {end}",
                places(1, key.len())
            ),
            insert: format!(
                "INSERT INTO {name} ({all}) VALUES ({})",
                places(1, columns.len())
            ),
            count: format!("SELECT COUNT(*) FROM {name}"),
            clear: format!("DELETE FROM {name}"),
            key: key
                .iter()
                .filter_map(|name| columns.iter().position(|column| column == name))
                .collect(),
            name,
            columns,
        }
    }
}

impl Store {
    /// Marks a database that an import is about to fill, and empties it of what an earlier import left half done. Until
    /// [`Store::end_import`] nothing may be served from it. The caller has looked that it is empty or marked.
    ///
    /// # Errors
    /// As for a commit.
    pub async fn begin_import(&self) -> Result<(), StoreError> {
        // Those that refer to others first.
        let clear = tables().iter().rev();
        let mut piece: Vec<Statement> = clear
            .map(|table| Statement::any(&table.clear, vec![]))
            .collect();
        piece.push(Statement::one(
            conflict::ROW,
            "INSERT INTO instance (name, number) VALUES ($1, 1)",
            vec![IMPORTING.into()],
        ));
        self.commit_statements(piece).await
    }

    /// Whether an import began here and did not end.
    ///
    /// # Errors
    /// As for a question.
    pub async fn half_imported(&self) -> Result<bool, StoreError> {
        let sql = "SELECT number FROM instance WHERE name = $1";
        let mark = self.one(sql, vec![IMPORTING.into()], |row| row.int(0));
        Ok(mark.await?.is_some())
    }

    /// Takes the mark away: everything is there.
    ///
    /// # Errors
    /// As for a commit; a conflict when there is none.
    pub async fn end_import(&self) -> Result<(), StoreError> {
        let unmark = "DELETE FROM instance WHERE name = $1";
        let unmark = Statement::one(conflict::ROW, unmark, vec![IMPORTING.into()]);
        self.commit_statements(vec![unmark]).await
    }

    /// The rows of a table that follow the row `after`, in the order of its key; the first ones without it. None are
    /// left when none come.
    ///
    /// # Errors
    /// As for a question.
    pub async fn rows(
        &self,
        table: &'static Table,
        after: Option<&[Value]>,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let (sql, params) = match after {
            None => (&table.first, vec![]),
            Some(row) => {
                let key = table.key.iter().filter_map(|at| row.get(*at).cloned());
                (&table.next, key.collect())
            }
        };
        let rows = self.driver.query(sql, params).await?;
        Ok(rows.into_iter().map(Row::into_values).collect())
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// As for a question.
    pub async fn row_count(&self, table: &'static Table) -> Result<i64, StoreError> {
        let count = self.one(&table.count, vec![], |row| row.int(0)).await?;
        Ok(count.unwrap_or(0))
    }

    /// Writes rows as they were read, in one commit. At most 200 at a time.
    ///
    /// # Errors
    /// As for a commit; a conflict when a row is there already.
    pub async fn put_rows(
        &self,
        table: &'static Table,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        let statement = |row| Statement::one(conflict::ROW, &table.insert, row);
        self.commit_statements(rows.into_iter().map(statement).collect())
            .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_table_and_column_of_the_migrations_is_known() {
        let made: usize = MIGRATIONS
            .iter()
            .map(|migration| migration.sql.matches("CREATE TABLE ").count())
            .sum();
        assert_eq!(tables().len(), made);
        for table in tables() {
            assert!(!table.key.is_empty(), "{} has no key", table.name);
        }
        let links = tables().iter().find(|table| table.name == "links").unwrap();
        assert_eq!(
            links.columns,
            ["issuer", "subject", "account_id", "created_at"]
        );
        assert_eq!(links.key, [0, 1]);
        let outbox = tables()
            .iter()
            .find(|table| table.name == "outbox")
            .unwrap();
        assert_eq!(outbox.columns.len(), 8);
    }
}
