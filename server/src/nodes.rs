//! Several nodes at one database: what one does, those who wait at another learn.
//!
//! Changes are told by the database's own messages, kind and id only. Nothing depends on their arriving: while the
//! connection that hears is lost, or where there is none, a node looks every second at what is waited for at it.

use crate::app::{App, Error};
use crate::config::Notify;
use crate::wake::Change;
use std::collections::HashMap;
use std::time::Duration;
use techpass_domain::id::{AccountId, LoginId};
use techpass_store::db::Hearing;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Changes that may wait to be told.
pub const TOLD_MAX: usize = 8192;
/// The most bytes told at once.
const MESSAGE_MAX: usize = 7_000;
/// How often a node looks, where it does not hear.
const LOOK: Duration = Duration::from_secs(1);
/// How often a node says something, so that it hears itself.
const SIGN: Duration = Duration::from_secs(5);
/// Silence after which a connection that hears counts as lost.
const SILENCE: Duration = Duration::from_secs(12);

/// Tells what happens here and hears what happens elsewhere, until the process ends. Only for a shared database.
pub async fn run(app: App, told: mpsc::Receiver<Change>) {
    match app.config.database.notify {
        Notify::Listen => tokio::join!(tell(&app, told), hear(&app)).1,
        Notify::Poll => look(&app, &mut Looked::default(), None).await,
    }
}

fn line(change: &Change) -> String {
    match change {
        Change::Login(id) => format!("login {id}\n"),
        Change::Phones(id) => format!("phones {id}\n"),
        Change::All => "all\n".to_owned(),
    }
}

fn change(line: &str) -> Option<Change> {
    match line.split_once(' ') {
        Some(("login", id)) => Some(Change::Login(id.to_owned())),
        Some(("phones", id)) => Some(Change::Phones(id.to_owned())),
        None if line == "all" => Some(Change::All),
        _ => None,
    }
}

async fn tell(app: &App, mut told: mpsc::Receiver<Change>) {
    loop {
        // With nothing to tell, an empty message is the sign of life.
        let first = timeout(SIGN, told.recv()).await;
        let mut message = match first {
            Ok(Some(first)) => line(&first),
            Ok(None) => return,
            Err(_) => String::new(),
        };
        while message.len() < MESSAGE_MAX {
            match told.try_recv() {
                Ok(next) => message.push_str(&line(&next)),
                Err(_) => break,
            }
        }
        if let Err(error) = app.store.tell(message).await {
            tracing::warn!(error = %crate::web::page::chain(&error), "other nodes were not told");
            sleep(LOOK).await;
        }
    }
}

async fn hear(app: &App) {
    let mut looked = Looked::default();
    loop {
        match app.store.hear().await {
            Ok(Some(hearing)) => {
                // What was told meanwhile was missed.
                if let Err(error) = looked.round(app).await {
                    complain(&error);
                }
                heard(app, hearing).await;
            }
            Ok(None) => return,
            Err(error) => {
                complain(&error.into());
                look(app, &mut looked, Some(1)).await;
            }
        }
    }
}

async fn heard(app: &App, mut hearing: Hearing) {
    while let Ok(Some(message)) = timeout(SILENCE, hearing.next()).await {
        for change in message.lines().filter_map(change) {
            app.wake.tell_here(&change);
        }
    }
    tracing::warn!("the connection that hears other nodes was lost");
}

/// Looks every second, so many times or for ever.
async fn look(app: &App, looked: &mut Looked, times: Option<u32>) {
    let mut left = times;
    while left != Some(0) {
        left = left.map(|left| left - 1);
        sleep(LOOK).await;
        if let Err(error) = looked.round(app).await {
            complain(&error);
        }
    }
}

fn complain(error: &Error) {
    tracing::warn!(error = %crate::web::page::chain(error), "cannot learn what other nodes did");
}

/// What was found at the last look.
#[derive(Default)]
struct Looked(HashMap<Change, i64>);

impl Looked {
    /// Looks once at everything that is waited for, and tells of what changed. At the first look at a thing it may have
    /// changed since it was waited for.
    async fn round(&mut self, app: &App) -> Result<(), Error> {
        let mut found = HashMap::new();
        let (logins, accounts): (Vec<_>, Vec<_>) = app
            .wake
            .waited_for()
            .into_iter()
            .partition(|change| matches!(change, Change::Login(_)));
        let ids: Vec<LoginId> = logins.iter().filter_map(login).collect();
        for (id, version) in app.store.login_versions(&ids).await? {
            found.insert(Change::Login(id.as_str().to_owned()), version);
        }
        let ids: Vec<AccountId> = accounts.iter().filter_map(account).collect();
        for (id, steps) in app.store.challenge_steps(&ids).await? {
            found.insert(Change::Phones(id.as_str().to_owned()), steps);
        }
        for (change, mark) in &found {
            if self.0.get(change) != Some(mark) {
                app.wake.tell_here(change);
            }
        }
        self.0 = found;
        Ok(())
    }
}

fn login(change: &Change) -> Option<LoginId> {
    match change {
        Change::Login(id) => Some(LoginId::new(id.as_str())),
        _ => None,
    }
}

fn account(change: &Change) -> Option<AccountId> {
    match change {
        Change::Phones(id) => Some(AccountId::new(id.as_str())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_changed_and_nothing_else() {
        let changes = [
            Change::Login("lgn_1".to_owned()),
            Change::Phones("acc_1".to_owned()),
            Change::All,
        ];
        let message: String = changes.iter().map(line).collect();
        assert_eq!(message, "login lgn_1\nphones acc_1\nall\n");
        assert_eq!(
            message.lines().filter_map(change).collect::<Vec<_>>(),
            changes
        );
        assert_eq!(change("of a newer program"), None);
    }
}
