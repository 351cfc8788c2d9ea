//! One transaction for a piece, or for several together: everything is sent without waiting between, every answer is
//! looked at, and only then is the commit asked for.

use futures_util::future::join_all;

use super::fault::{Failure, Place};
use super::link::{Link, Refused};
use crate::db::{Expect, Statement};
use crate::error::StoreError;

/// Statements sent before their answers are read, so that neither side's buffer has to hold an endless row of them.
const SENT_AT_ONCE: usize = 128;

/// How long a statement waits for a row that somebody else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as the connection's settings say.
    Full,
    /// Hardly: others would wait with it.
    Little,
}

impl Patience {
    fn begin(self) -> &'static str {
        match self {
            Self::Full => "BEGIN",
            Self::Little => "BEGIN; SET LOCAL lock_timeout = 50",
        }
    }
}

/// Opens a transaction and carries the pieces out, with a row of `commits` that names it. What remains is to commit.
/// After a failure nothing of them is left.
pub(super) async fn perform(
    link: &mut Link,
    statements: &[&Statement],
    id: &str,
    patience: Patience,
    place: &Place,
) -> Result<(), Failure> {
    let named = named(id);
    let all: Vec<&Statement> = statements.iter().copied().chain([&named]).collect();
    let outcome = within(link, &all, patience.begin(), place).await;
    if outcome.is_err() && link.within && link.client.batch_execute("ROLLBACK").await.is_ok() {
        link.within = false;
    }
    outcome
}

async fn within(
    link: &mut Link,
    statements: &[&Statement],
    begin: &'static str,
    place: &Place,
) -> Result<(), Failure> {
    // A statement without parameters may change the schema; what follows can only be prepared after it.
    if statements.iter().any(|statement| plain(statement)) {
        link.within = true;
        let begun = link.client.batch_execute(begin).await;
        begun.map_err(|error| place.failure(&error))?;
        for statement in statements {
            one(link, statement, place).await?;
        }
        return Ok(());
    }
    let mut begin = Some(begin);
    for some in statements.chunks(SENT_AT_ONCE) {
        many(link, some, begin.take(), place).await?;
    }
    Ok(())
}

fn plain(statement: &Statement) -> bool {
    statement.params.is_empty() && statement.expect == Expect::Any
}

/// The row that tells, after an answer was lost, whether the piece was committed.
fn named(id: &str) -> Statement {
    Statement::any(
        "INSERT INTO commits (id, void, looked) VALUES ($1, 0, 0)",
        vec![id.into()],
    )
}

/// Several statements, sent together; before the first ones, the beginning of the transaction.
async fn many(
    link: &mut Link,
    statements: &[&Statement],
    begin: Option<&'static str>,
    place: &Place,
) -> Result<(), Failure> {
    let mut prepared = Vec::with_capacity(statements.len());
    for statement in statements {
        let found = link.prepared(statement.sql, &statement.params).await;
        prepared.push(found.map_err(|refused| refusal(refused, statement, place))?);
    }
    link.within = true;
    let client = &link.client;
    let begun = async {
        match begin {
            Some(begin) => client.batch_execute(begin).await,
            None => Ok(()),
        }
    };
    let sent = prepared
        .iter()
        .zip(statements)
        .map(|(prepared, statement)| client.execute_raw(prepared, &statement.params));
    // Joined futures are first polled in their order, and a first poll sends.
    let (begun, answers) = futures_util::future::join(begun, join_all(sent)).await;
    begun.map_err(|error| place.failure(&error))?;
    // The first one that failed says why; those after it failed for its sake.
    for (answer, statement) in answers.into_iter().zip(statements) {
        judge(answer, statement, place)?;
    }
    Ok(())
}

async fn one(link: &mut Link, statement: &Statement, place: &Place) -> Result<(), Failure> {
    let answer = if plain(statement) {
        link.client.batch_execute(statement.sql).await.map(|()| 0)
    } else {
        let prepared = link.prepared(statement.sql, &statement.params).await;
        let prepared = prepared.map_err(|refused| refusal(refused, statement, place))?;
        link.client.execute_raw(&prepared, &statement.params).await
    };
    judge(answer, statement, place)
}

fn judge(
    answer: Result<u64, tokio_postgres::Error>,
    statement: &Statement,
    place: &Place,
) -> Result<(), Failure> {
    let changed = answer.map_err(|error| place.statement_failure(&error, statement.expect))?;
    match statement.expect {
        Expect::One(name) if changed != 1 => Err(Failure::Final(StoreError::Conflict(name))),
        _ => Ok(()),
    }
}

fn refusal(refused: Refused, statement: &Statement, place: &Place) -> Failure {
    match refused {
        Refused::Ours(error) => Failure::Final(error),
        Refused::Theirs(error) => place.statement_failure(&error, statement.expect),
    }
}
