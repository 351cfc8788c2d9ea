//! Stopping in steps: first nobody new is sent here, then waiting browsers are sent elsewhere, then the rest finishes.

use tokio::sync::watch;

/// How far stopping has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Leaving,
    Closing,
}

/// Tells the parts of a server how far stopping has got.
#[derive(Clone, Debug)]
pub struct Drain(watch::Sender<Stage>);

impl Default for Drain {
    fn default() -> Self {
        Drain(watch::Sender::new(Stage::Serving))
    }
}

impl Drain {
    /// The server is about to stop: it is not ready any more, and answers as ever.
    pub fn begin(&self) {
        self.reach(Stage::Leaving);
    }

    /// Whoever waits in an open stream is to connect anew, elsewhere.
    pub fn close_streams(&self) {
        self.reach(Stage::Closing);
    }

    /// Whether stopping has begun.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() >= Stage::Leaving
    }

    /// Waits until streams are to close.
    pub async fn streams_close(&self) {
        let mut stage = self.0.subscribe();
        // The sender lives as long as the server; without it there is nothing to wait for.
        let _ = stage.wait_for(|stage| *stage >= Stage::Closing).await;
    }

    fn reach(&self, next: Stage) {
        self.0.send_if_modified(|stage| {
            let further = next > *stage;
            if further {
                *stage = next;
            }
            further
        });
    }
}
