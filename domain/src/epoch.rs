//! Whether a database is the past. A number is kept in the database and in a file outside of it, and grows with every
//! start, every hour and every backup. A database whose number is behind the file's was put back from a copy: what ended
//! since the copy was made would be alive again, so everything that can end does.

/// What a server does about the two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of both from now on. The database has it first: between the two commits it may be ahead, and never
    /// behind.
    pub next: i64,
    /// Why sessions, codes, tokens and open logins end first, if they do.
    pub ends: Option<Past>,
}

/// Why a database is taken for the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// Its number is behind the file's.
    Behind,
    /// The file is gone, so nothing says that it is not.
    Unknown,
}

impl Past {
    /// For people and records.
    pub fn reason(self) -> &'static str {
        match self {
            Past::Behind => {
                "the database is older than its epoch file: it was put back from a copy"
            }
            Past::Unknown => {
                "the epoch file is missing: nothing says that the database is not an old copy"
            }
        }
    }
}

/// Decides over the number in the file and the one in the database.
pub fn step(file: Option<i64>, database: Option<i64>) -> Step {
    let ends = match (file, database) {
        // The very first start.
        (None, None) => None,
        (Some(file), Some(database)) if database >= file => None,
        (Some(_), _) => Some(Past::Behind),
        (None, Some(_)) => Some(Past::Unknown),
    };
    let last = file.unwrap_or(0).max(database.unwrap_or(0)).max(0);
    Step {
        next: last.saturating_add(1),
        ends,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_behind_ends_what_could_be_alive_again() {
        let (behind, unknown) = (Some(Past::Behind), Some(Past::Unknown));
        for (file, database, next, ends) in [
            (None, None, 1, None),
            (Some(4), Some(4), 5, None),
            // Ended between the two writes.
            (Some(4), Some(5), 6, None),
            // The file was put back, or another server has moved on.
            (Some(2), Some(9), 10, None),
            (Some(5), Some(4), 6, behind),
            (Some(5), None, 6, behind),
            (None, Some(4), 5, unknown),
            (Some(-3), Some(-9), 1, behind),
        ] {
            assert_eq!(
                step(file, database),
                Step { next, ends },
                "{file:?} {database:?}"
            );
        }
    }
}
