//! The seam between the store's nouns and a database: values, statements, rows and the [`Driver`].
//!
//! One SQL text serves every driver. It numbers its parameters `$1`, `$2`, …, keeps identifiers as text, times as
//! integers (seconds or milliseconds, as the column's name says), truth as 0 and 1, JSON as text. Columns of integers
//! are `BIGINT`, which every database takes for 64 bits.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc;

use crate::error::StoreError;

/// A boxed future, so that [`Driver`] can be used as `dyn Driver`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One value of a parameter or a column. Its `Debug` shows the kind only, since values may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// A 64-bit integer; also times and truth (0 or 1).
    Int(i64),
    /// Text; also identifiers and JSON.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "int",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What must have happened for a piece to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number of rows, none included.
    Any,
    /// Exactly one row was inserted, updated or deleted; otherwise the whole piece is rolled back and answered with
    /// [`StoreError::Conflict`] of this name. This is how a thing succeeds once: a conditional update that only one
    /// of many can win.
    One(&'static str),
}

/// One statement of a piece, with its parameters. It changes rows and returns none (no `SELECT`, no `RETURNING`).
#[derive(Debug, Clone)]
pub struct Statement {
    /// Portable SQL, one statement.
    pub sql: &'static str,
    /// The values of `$1`, `$2`, …: as many as the text mentions.
    pub params: Vec<Value>,
    /// What must have happened.
    pub expect: Expect,
}

impl Statement {
    /// A statement that may affect any number of rows.
    pub fn any(sql: &'static str, params: Vec<Value>) -> Self {
        Self {
            sql,
            params,
            expect: Expect::Any,
        }
    }

    /// A statement that must affect exactly one row, else the piece is a conflict called `name`.
    pub fn one(name: &'static str, sql: &'static str, params: Vec<Value>) -> Self {
        Self {
            sql,
            params,
            expect: Expect::One(name),
        }
    }
}

/// One row of an answer. Columns are numbered from 0 in the order of the `SELECT`.
///
/// Every getter answers [`StoreError::Database`] when there is no such column or it is of another kind: the query and
/// its reader disagree, or the file is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(Vec<Value>);

impl Row {
    /// A row of these columns; drivers make them.
    pub fn new(columns: Vec<Value>) -> Self {
        Self(columns)
    }

    /// The columns as they are.
    pub fn into_values(self) -> Vec<Value> {
        self.0
    }

    /// The text in a column that is never null.
    ///
    /// # Errors
    /// No such column, null, or another kind.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_text(column)?
            .ok_or_else(|| self.unexpected(column, "text"))
    }

    /// The text in a column, if any.
    ///
    /// # Errors
    /// No such column, or another kind.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.unexpected(column, "text")),
        }
    }

    /// The integer in a column that is never null.
    ///
    /// # Errors
    /// No such column, null, or another kind.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?
            .ok_or_else(|| self.unexpected(column, "int"))
    }

    /// The integer in a column, if any.
    ///
    /// # Errors
    /// No such column, or another kind.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(int)) => Ok(Some(*int)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.unexpected(column, "int")),
        }
    }

    /// The truth in a column that is never null: 0 or 1.
    ///
    /// # Errors
    /// No such column, null, another kind, or another number.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.unexpected(column, "0 or 1")),
        }
    }

    /// The bytes in a column that is never null.
    ///
    /// # Errors
    /// No such column, null, or another kind.
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        self.opt_bytes(column)?
            .ok_or_else(|| self.unexpected(column, "bytes"))
    }

    /// The bytes in a column, if any.
    ///
    /// # Errors
    /// No such column, or another kind.
    pub fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.unexpected(column, "bytes")),
        }
    }

    fn unexpected(&self, column: usize, wanted: &str) -> StoreError {
        let found = self.0.get(column).map_or("missing", Value::kind);
        StoreError::database(format!(
            "column {column} is {found} where {wanted} is expected"
        ))
    }
}

/// What a driver has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pieces answered by a commit, refused ones included.
    pub pieces: u64,
    /// Commits that served them.
    pub groups: u64,
}

/// Refuses texts with a NUL character: PostgreSQL has no way to keep one, and what one database refuses every one does.
pub(crate) fn without_nul(params: &[Value]) -> Result<(), StoreError> {
    let nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if params.iter().any(nul) {
        return Err(StoreError::Nul);
    }
    Ok(())
}

/// What others at the same database tell, for as long as this is kept.
pub struct Hearing {
    messages: mpsc::Receiver<String>,
    _connection: Box<dyn Send>,
}

impl Hearing {
    /// Messages from a driver; `connection` is kept as long as somebody hears.
    pub(crate) fn new(messages: mpsc::Receiver<String>, connection: Box<dyn Send>) -> Self {
        Self {
            messages,
            _connection: connection,
        }
    }

    /// The next message. `None` when the connection was lost: messages may have been, too.
    pub async fn next(&mut self) -> Option<String> {
        self.messages.recv().await
    }
}

/// A database.
///
/// Futures do nothing until polled. Once polled, dropping the future of [`commit`](Driver::commit) does not take the
/// piece back: it may still be committed.
pub trait Driver: Send + Sync {
    /// Commits a piece: all of its statements take effect, in order, or none. Success is answered only after the
    /// commit is durable, and every query started afterwards sees it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when an expectation, a uniqueness or a reference rule fails;
    /// [`Busy`](StoreError::Busy) and [`Unwritable`](StoreError::Unwritable) when it cannot be taken now;
    /// [`Unreachable`](StoreError::Unreachable) when there is no server; [`Unknown`](StoreError::Unknown) when the
    /// answer to the commit was lost; [`Nul`](StoreError::Nul) for a text with a NUL character;
    /// [`Broken`](StoreError::Broken) and [`Closed`](StoreError::Closed) when the store is at its end. After
    /// `Unknown`, `Broken` and `Closed` the piece may have taken effect; in every other case it changed nothing.
    fn commit(&self, piece: Vec<Statement>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Answers one `SELECT` from a snapshot of committed data.
    ///
    /// Meant for short keyed reads: the answer is held in memory, and a driver may do the work on the caller's
    /// thread.
    ///
    /// # Errors
    /// [`StoreError::Database`] for a statement that is wrong or would write, [`StoreError::Busy`] when no
    /// connection becomes free in time, [`StoreError::Closed`] after [`close`](Driver::close).
    fn query(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>>;

    /// Whether commits are possible now, found out by making one that changes nothing.
    ///
    /// # Errors
    /// Whatever a commit would answer.
    fn writable(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// How much was committed, and in how many groups; zero where commits are not grouped.
    fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Whether several servers may use the database at once.
    fn shared(&self) -> bool {
        false
    }

    /// Hears what processes at this database tell each other from now on. `None` where only one process uses the
    /// database at a time, or where the database has no such messages.
    ///
    /// # Errors
    /// As for [`query`](Driver::query).
    fn hear(&self) -> BoxFuture<'_, Result<Option<Hearing>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    /// Tells every process at this database something, at most 7,900 bytes of it. Nothing is promised: who does not
    /// hear at the moment, or too slowly, misses it.
    ///
    /// # Errors
    /// As for [`query`](Driver::query).
    fn tell(&self, message: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            drop(message);
            Ok(())
        })
    }

    /// Deletes what the driver keeps for itself and needs no more. To be called every minute or so.
    ///
    /// # Errors
    /// As for [`commit`](Driver::commit).
    fn tidy(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Takes no more work, finishes what was taken, and lets go of the database. May be called again.
    ///
    /// # Errors
    /// None at present; the type leaves room for a driver that has some.
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
