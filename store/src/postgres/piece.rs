//! One piece, one transaction: everything is sent without waiting between, every answer is looked at, and only then is
//! the commit asked for.

use futures_util::future::join_all;

use super::fault::{Failure, Place};
use super::link::{Link, Refused};
use crate::db::{Expect, Statement};
use crate::error::StoreError;

/// Statements sent before their answers are read, so that neither side's buffer has to hold an endless row of them.
const SENT_AT_ONCE: usize = 24;

/// Opens a transaction and carries the piece out, with a row of `commits` that names it. What remains is to commit.
/// After a failure nothing of it is left.
pub(super) async fn perform(
    link: &mut Link,
    piece: &[Statement],
    id: &str,
    place: &Place,
) -> Result<(), Failure> {
    let outcome = within(link, piece, id, place).await;
    if outcome.is_err() && link.within && link.client.batch_execute("ROLLBACK").await.is_ok() {
        link.within = false;
    }
    outcome
}

async fn within(
    link: &mut Link,
    piece: &[Statement],
    id: &str,
    place: &Place,
) -> Result<(), Failure> {
    let named = named(id);
    // A statement without parameters may change the schema; what follows can only be prepared after it.
    if piece.iter().any(plain) {
        begin(link, place).await?;
        for statement in piece.iter().chain([&named]) {
            one(link, statement, place).await?;
        }
        return Ok(());
    }
    let mut begun = false;
    let statements: Vec<&Statement> = piece.iter().chain([&named]).collect();
    for some in statements.chunks(SENT_AT_ONCE) {
        many(link, some, !begun, place).await?;
        begun = true;
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

async fn begin(link: &mut Link, place: &Place) -> Result<(), Failure> {
    link.within = true;
    let begun = link.client.batch_execute("BEGIN").await;
    begun.map_err(|error| place.failure(&error))
}

/// Several statements, sent together; before the first ones, the beginning of the transaction.
async fn many(
    link: &mut Link,
    statements: &[&Statement],
    begin: bool,
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
            true => client.batch_execute("BEGIN").await,
            false => Ok(()),
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
