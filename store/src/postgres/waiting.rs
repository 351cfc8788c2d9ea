//! Pieces that wait for their commit. Whoever commits takes all that wait at once: one transaction, one flush of the
//! disk and one confirmation of the standby serve many.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::db::{Counters, Statement};
use crate::error::StoreError;

/// The most pieces committed together, so that nobody waits for an endless group.
const GROUP_MAX: usize = 64;
/// Groups under way at once. While one waits for the disk or the standby, another is carried out; more of them would
/// only be smaller, and in each other's way.
const GROUPS_MAX: usize = 3;

/// A piece, and whoever waits for its outcome.
pub(super) struct Job {
    pub(super) piece: Vec<Statement>,
    pub(super) reply: oneshot::Sender<Result<(), StoreError>>,
    /// Its place among all that may be under way or waiting.
    pub(super) place: OwnedSemaphorePermit,
}

impl Job {
    /// Tells what came of it, and leaves its place. Nobody may be waiting any more; a piece that stands stands all the
    /// same.
    pub(super) fn answer(self, outcome: Result<(), StoreError>) {
        drop(self.place);
        let _ = self.reply.send(outcome);
    }
}

/// What waits, and how many take from it.
#[derive(Default)]
pub(super) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    jobs: VecDeque<(u64, Job)>,
    last: u64,
    takers: usize,
    counters: Counters,
}

impl Waiting {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a piece to whoever takes next, and says by which number it waits. `true` means that one more may take: the
    /// caller sends somebody.
    pub(super) fn leave(&self, job: Job) -> (u64, bool) {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.jobs.push_back((number, job));
        let more = state.takers < GROUPS_MAX;
        state.takers += usize::from(more);
        (number, more)
    }

    /// Everything that waits, up to a group. When nothing does, whoever took is free to go and counts no more.
    pub(super) fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.state();
        let count = state.jobs.len().min(GROUP_MAX);
        if count == 0 {
            state.takers -= 1;
            return None;
        }
        Some(state.jobs.drain(..count).map(|(_, job)| job).collect())
    }

    /// Takes one back that nobody has taken yet: nothing was done about it, and nothing will be.
    pub(super) fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state();
        let found = state.jobs.iter().position(|(other, _)| *other == number);
        found.and_then(|at| state.jobs.remove(at)).is_some()
    }

    /// A commit served so many pieces.
    pub(super) fn count(&self, pieces: usize) {
        let mut state = self.state();
        state.counters.groups += 1;
        state.counters.pieces += pieces as u64;
    }

    /// What was served so far.
    pub(super) fn counters(&self) -> Counters {
        self.state().counters
    }
}
