//! Who waits for what in this process: browsers for their logins, phones for their account's requests.
//!
//! A map from what is waited for to those who wait, so that a change costs as much as there are people whom it
//! concerns, however many wait for something else. Changes are also handed on to other nodes
//! ([`crate::nodes`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A login took a step.
    Login(String),
    /// The requests of an account changed.
    Phones(String),
    /// Everything may have changed: the clock was moved.
    All,
}

type Waiting = HashMap<Change, watch::Sender<()>>;

/// Tells waiting connections that something changed.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    waiting: Arc<Mutex<Waiting>>,
    others: Option<mpsc::Sender<Change>>,
}

impl Wake {
    /// One that also hands every change on, to be told to other nodes. What does not fit is lost.
    pub fn handing_on(others: mpsc::Sender<Change>) -> Wake {
        Wake {
            waiting: Arc::default(),
            others: Some(others),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits for it, here and on other nodes.
    pub fn tell(&self, change: Change) {
        self.tell_here(&change);
        if let Some(others) = &self.others {
            let _ = others.try_send(change);
        }
    }

    /// Tells whoever waits for it here.
    pub fn tell_here(&self, change: &Change) {
        let waiting = self.waiting();
        match change {
            Change::All => waiting.values().for_each(|sender| {
                sender.send_replace(());
            }),
            change => {
                if let Some(sender) = waiting.get(change) {
                    sender.send_replace(());
                }
            }
        }
    }

    /// Listens from now on.
    pub fn listen(&self, wanted: Change) -> Listener {
        let receiver = self
            .waiting()
            .entry(wanted.clone())
            .or_insert_with(|| watch::channel(()).0)
            .subscribe();
        Listener {
            receiver,
            wanted,
            wake: self.clone(),
        }
    }

    /// What is waited for at the moment.
    pub fn waited_for(&self) -> Vec<Change> {
        self.waiting().keys().cloned().collect()
    }
}

/// Somebody who waits for one thing. Ceasing to wait is dropping it.
#[derive(Debug)]
pub struct Listener {
    receiver: watch::Receiver<()>,
    wanted: Change,
    wake: Wake,
}

impl Listener {
    /// Waits until it changes, or until it may have. What changed before the last wait ended is not waited for again.
    pub async fn changed(&mut self) {
        // The sender stays in the map for as long as anybody listens.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut waiting = self.wake.waiting();
        let last = |sender: &watch::Sender<()>| sender.receiver_count() <= 1;
        if waiting.get(&self.wanted).is_some_and(last) {
            waiting.remove(&self.wanted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn login(id: &str) -> Change {
        Change::Login(id.to_owned())
    }

    #[tokio::test]
    async fn only_those_whom_it_concerns_are_woken() {
        let wake = Wake::default();
        let (mut one, mut same, mut other) = (
            wake.listen(login("1")),
            wake.listen(login("1")),
            wake.listen(Change::Phones("1".to_owned())),
        );
        wake.tell(login("1"));
        assert!(one.changed().now_or_never().is_some());
        assert!(same.changed().now_or_never().is_some());
        assert!(other.changed().now_or_never().is_none());
        assert!(
            one.changed().now_or_never().is_none(),
            "once for one change"
        );
        wake.tell(Change::All);
        assert!(one.changed().now_or_never().is_some());
        assert!(other.changed().now_or_never().is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_for_those_who_left() {
        let wake = Wake::default();
        let (one, mut same) = (wake.listen(login("1")), wake.listen(login("1")));
        drop(one);
        wake.tell(login("1"));
        assert!(
            same.changed().now_or_never().is_some(),
            "the other still waits"
        );
        drop(same);
        assert!(wake.waited_for().is_empty());
        wake.tell(login("1"));
    }

    #[tokio::test]
    async fn a_change_is_handed_on_once() {
        let (sender, mut others) = mpsc::channel(2);
        let wake = Wake::handing_on(sender);
        wake.tell(login("1"));
        wake.tell_here(&login("2"));
        assert_eq!(others.try_recv().ok(), Some(login("1")));
        assert!(others.try_recv().is_err());
    }
}
