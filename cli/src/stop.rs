//! Being asked to stop: by Ctrl-C, or by SIGTERM as a service manager does.

use crate::exit::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask for a stop. From the moment it exists none of them ends the program by itself, so it is made
/// before anything else: whoever sees the first answer of a server may at once ask it to stop.
#[derive(Debug)]
pub struct Asked {
    interrupt: Signal,
    terminate: Signal,
}

impl Asked {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system gives no more signal handlers.
    pub fn listen() -> Result<Asked, Failure> {
        let heard = |kind| {
            signal(kind).map_err(|error| {
                Failure::failed(format!("cannot listen for a request to stop: {error}"))
            })
        };
        Ok(Asked {
            interrupt: heard(SignalKind::interrupt())?,
            terminate: heard(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub async fn again(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
