//! Being asked to stop, by Ctrl-C or by SIGTERM as a service manager does, and to take files up anew, by SIGHUP.

use crate::exit::Failure;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Within this time of the first request another one is the same: programs such as `timeout` send a signal to a process
/// and to its group.
const SAME: Duration = Duration::from_millis(250);

/// The signals that ask for a stop. From the moment it exists none of them ends the program by itself, so it is made
/// before anything else: whoever sees the first answer of a server may at once ask it to stop.
#[derive(Debug)]
pub struct Asked {
    interrupt: Signal,
    terminate: Signal,
    requests: Requests,
}

fn heard(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))
}

impl Asked {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system gives no more signal handlers.
    pub fn listen() -> Result<Asked, Failure> {
        Ok(Asked {
            interrupt: heard(SignalKind::interrupt())?,
            terminate: heard(SignalKind::terminate())?,
            requests: Requests::default(),
        })
    }

    /// Waits for the next one.
    pub async fn again(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            if self.requests.is_another(Instant::now()) {
                return;
            }
        }
    }
}

/// Which signals are requests of their own.
#[derive(Debug, Default)]
struct Requests {
    first: Option<Instant>,
}

impl Requests {
    fn is_another(&mut self, now: Instant) -> bool {
        let first = *self.first.get_or_insert(now);
        now == first || now.duration_since(first) > SAME
    }
}

/// Being asked to read files anew. From the moment it exists SIGHUP does not end the program.
#[derive(Debug)]
pub struct Hangup(Signal);

impl Hangup {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system gives no more signal handlers.
    pub fn listen() -> Result<Hangup, Failure> {
        Ok(Hangup(heard(SignalKind::hangup())?))
    }

    /// Waits for the next one.
    pub async fn again(&mut self) {
        let _ = self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_follows_at_once_is_the_same_request() {
        let mut requests = Requests::default();
        let begun = Instant::now();
        for (after_ms, another) in [
            (0, true),
            (1, false),
            (250, false),
            (251, true),
            (252, true),
        ] {
            let at = begun + Duration::from_millis(after_ms);
            assert_eq!(requests.is_another(at), another, "{after_ms} ms");
        }
    }
}
