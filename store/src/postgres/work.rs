//! Committing what waits: together where that is possible, each piece by itself where it is not.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::fault::{Failure, Next};
use super::piece::Patience;
use super::{Core, TRIES, pause};
use crate::db::Statement;
use crate::error::StoreError;

impl Core {
    /// Commits what waits, group by group, until nothing does.
    pub(super) async fn work(self: Arc<Self>) {
        loop {
            // Whoever is about to commit gets a moment to do so: one flush for more pieces.
            tokio::task::yield_now().await;
            let Some(jobs) = self.waiting.take() else {
                return;
            };
            let all: Vec<&Statement> = jobs.iter().flat_map(|job| &job.piece).collect();
            let outcome = self.attempt(&all, Patience::Little).await;
            self.away.note(&outcome);
            match outcome.map_err(|failure| failure.after_group(jobs.len())) {
                Ok(()) => {
                    self.waiting.count(jobs.len());
                    jobs.into_iter().for_each(|job| job.answer(Ok(())));
                }
                Err(Next::Answer(error)) => {
                    for job in jobs {
                        job.answer(Err(error.clone()));
                    }
                }
                Err(Next::Alone(failed)) => {
                    for job in jobs {
                        let (core, failed) = (Arc::clone(&self), failed.clone());
                        tokio::spawn(async move {
                            let outcome = core.alone(&job.piece, failed).await;
                            job.answer(outcome);
                        });
                    }
                }
            }
        }
    }

    /// Commits one piece. `failed` is what came of a first try.
    async fn alone(
        &self,
        piece: &[Statement],
        mut failed: Option<Failure>,
    ) -> Result<(), StoreError> {
        let end = Instant::now() + self.wait;
        let statements: Vec<&Statement> = piece.iter().collect();
        for tried in 1..=TRIES {
            let outcome = match failed.take() {
                Some(failure) => Err(failure),
                None => {
                    let outcome = self.attempt(&statements, Patience::Full).await;
                    self.away.note(&outcome);
                    outcome
                }
            };
            match outcome {
                Ok(()) => {
                    self.waiting.count(1);
                    return Ok(());
                }
                Err(Failure::Passing(_)) if self.again(tried) && Instant::now() < end => {
                    sleep(pause(tried)).await;
                }
                Err(failure) => return Err(failure.into_error()),
            }
        }
        Err(StoreError::Busy("many change the same rows at once"))
    }
}
