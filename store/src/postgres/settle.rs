//! What became of a commit whose answer was lost.
//!
//! Looking is not enough: a commit that is still under way on the server may come true after the look. So the question
//! is asked with a write. Every piece lays down a row of `commits` with its name; whoever doubts lays the same row
//! down, marked void. The primary key lets one of the two stand: if the piece's row does, the piece is committed; if
//! the void one does, the piece can never be any more. The question's own commit waits for disk and standby like any
//! other, and what is before it in the log is then durable too.

use tokio_postgres::Error;

use super::fault::doubtful;
use super::link::Link;

/// Creates the table; several may try at once.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS commits (id TEXT PRIMARY KEY, void BIGINT NOT NULL, looked BIGINT NOT NULL)";
/// Whether it is there.
pub(super) const THERE: &str = "SELECT id FROM commits LIMIT 1";
/// Whether there are rows that nobody can ask for any more.
pub(super) const OLD: &str = "SELECT id FROM commits WHERE id < $1 LIMIT 1";
/// Deletes what nobody can ask for any more: names begin with the time.
pub(super) const SWEEP: &str =
    "DELETE FROM commits WHERE id IN (SELECT id FROM commits WHERE id < $1 ORDER BY id LIMIT 5000)";

const ASK: &str = "INSERT INTO commits (id, void, looked) VALUES ($1, 1, 1) \
                   ON CONFLICT (id) DO UPDATE SET looked = commits.looked + 1";
const ANSWER: &str = "SELECT void FROM commits WHERE id = $1";

/// What an answer to `COMMIT` means.
pub(super) enum Committed {
    /// It is durable.
    Yes,
    /// It is not, and will not be: the server says why.
    No(Error),
    /// It may be.
    Perhaps,
}

/// Asks for the commit and waits for the answer however long it takes. Only the end of the connection ends the wait.
pub(super) async fn commit(link: &mut Link) -> Committed {
    let warnings = link.warnings();
    match link.client.batch_execute("COMMIT").await {
        // "canceling wait for synchronous replication": committed here, perhaps not on the standby.
        Ok(()) if link.warnings() != warnings => {
            link.within = false;
            Committed::Perhaps
        }
        Ok(()) => {
            link.within = false;
            Committed::Yes
        }
        Err(error) if doubtful(&error) => Committed::Perhaps,
        Err(error) => Committed::No(error),
    }
}

/// Finds out, once and for all, whether the piece of this name was committed. `None` when that cannot be learned on
/// this connection.
pub(super) async fn ask(link: &mut Link, id: &str) -> Option<bool> {
    link.within = true;
    link.client.batch_execute("BEGIN").await.ok()?;
    link.client.execute(ASK, &[&id]).await.ok()?;
    let row = link.client.query_one(ANSWER, &[&id]).await.ok()?;
    let void: i64 = row.try_get(0).ok()?;
    match commit(link).await {
        Committed::Yes => Some(void == 0),
        Committed::No(_) | Committed::Perhaps => None,
    }
}
