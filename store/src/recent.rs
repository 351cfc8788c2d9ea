//! Clients as they were a moment ago: almost every request needs one, and they hardly ever change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use techpass_domain::client::Client;
use techpass_domain::id::ClientId;

/// How long what was read is good. A change by another server or by a command is seen everywhere within this time; one
/// of this server at once.
const GOOD_FOR: Duration = Duration::from_millis(50);
/// Clients kept; when there are more, all are read again.
const KEPT_MAX: usize = 10_000;

#[derive(Default)]
struct Kept {
    clients: HashMap<ClientId, (Instant, Arc<Client>)>,
    /// Grows with every change of this server.
    changes: u64,
}

/// What was read a moment ago.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Kept>);

/// A read that is about to begin. What it finds is not kept when this server changed a client meanwhile.
pub(crate) struct Reading {
    begun: Instant,
    changes: u64,
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client, when it was read a moment ago; else a read to begin.
    pub(crate) fn client(&self, id: &ClientId) -> Result<Arc<Client>, Reading> {
        let kept = self.kept();
        let begun = Instant::now();
        match kept.clients.get(id) {
            Some((read, client)) if begun.duration_since(*read) < GOOD_FOR => {
                Ok(Arc::clone(client))
            }
            _ => Err(Reading {
                begun,
                changes: kept.changes,
            }),
        }
    }

    /// Keeps what a read found.
    pub(crate) fn found(&self, reading: &Reading, client: &Arc<Client>) {
        let mut kept = self.kept();
        if kept.changes != reading.changes {
            return;
        }
        if kept.clients.len() >= KEPT_MAX {
            kept.clients.clear();
        }
        let entry = (reading.begun, Arc::clone(client));
        kept.clients.insert(client.id.clone(), entry);
    }

    /// Clients were changed by this server, and the change is committed.
    pub(crate) fn changed(&self) {
        let mut kept = self.kept();
        kept.changes += 1;
        kept.clients.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use techpass_domain::time::Timestamp;

    fn client() -> Arc<Client> {
        let client = Client::new(ClientId::new("portal"), "Portal".to_owned(), Timestamp(0));
        Arc::new(client)
    }

    #[test]
    fn what_was_read_is_kept_until_this_server_changes_it() {
        let (recent, client) = (Recent::default(), client());
        let reading = recent.client(&client.id).err().unwrap();
        recent.found(&reading, &client);
        // A machine that stands still for longer than that has to read again, and that is fine too.
        let known = recent.client(&client.id);
        assert!(known.is_err() || known.is_ok_and(|known| known == client));
        recent.changed();
        assert!(recent.client(&client.id).is_err());
    }

    #[test]
    fn a_read_that_a_change_overtook_is_not_kept() {
        let (recent, client) = (Recent::default(), client());
        let reading = recent.client(&client.id).err().unwrap();
        recent.changed();
        recent.found(&reading, &client);
        assert!(recent.client(&client.id).is_err());
    }
}
