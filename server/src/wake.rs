//! Who waits for what in this process: browsers for their logins, phones for their account's requests.

use tokio::sync::broadcast;

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A login took a step.
    Login(String),
    /// The requests of an account changed.
    Phones(String),
    /// Everything may have changed: the clock was moved.
    All,
}

/// Tells waiting connections that something changed. Losing a message is harmless: whoever lags looks again.
#[derive(Clone, Debug)]
pub struct Wake(broadcast::Sender<Change>);

impl Default for Wake {
    fn default() -> Self {
        Wake(broadcast::channel(1024).0)
    }
}

impl Wake {
    /// Tells.
    pub fn tell(&self, change: Change) {
        // Nobody listening is no failure.
        let _ = self.0.send(change);
    }

    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}

/// Waits until the change happens, or until messages were lost and it may have.
pub async fn until(receiver: &mut broadcast::Receiver<Change>, wanted: &Change) {
    loop {
        match receiver.recv().await {
            Ok(change) if change == *wanted || change == Change::All => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_) | broadcast::error::RecvError::Closed) => {
                return;
            }
        }
    }
}
