//! Who is signed in in this browser.

use crate::app::{App, Error};
use crate::seal::hashed;
use crate::web::cookies::{self, Cookie};
use http::HeaderMap;
use techpass_domain::device::DeviceEvidence;
use techpass_domain::id::AccountId;
use techpass_domain::login::{SignedIn, Who};
use techpass_domain::session::Entry;
use techpass_store::sessions::SessionRow;

/// A browser's session and its living entries.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// The session's row.
    pub session: Option<SessionRow>,
    /// Entries that count, oldest first.
    pub entries: Vec<Entry>,
    /// Entries that are over by their time and were never ended. They are good for nothing but a log-out: a clock that was
    /// ahead and is set right would bring them back.
    pub over: Vec<Entry>,
}

/// Reads the session that the browser's cookie names.
pub async fn here(app: &App, headers: &HeaderMap) -> Result<Here, Error> {
    let Some(secret) = cookies::read(app, headers, Cookie::Session) else {
        return Ok(Here::default());
    };
    let now = app.now();
    let Some(session) = app.store.session(&hashed(&secret), now).await? else {
        return Ok(Here::default());
    };
    let lives = session.expires_at > now;
    let all = app.store.entries(&session.id).await?;
    let counts = |entry: &Entry| lives && entry.alive(app.config.session, now);
    let (entries, over) = all.into_iter().partition(counts);
    Ok(Here {
        session: Some(session).filter(|_| lives),
        entries,
        over,
    })
}

impl Here {
    /// The entries as logins see them, with the accounts as they are now, and their login IDs.
    pub async fn signed_in(&self, app: &App) -> Result<Vec<(SignedIn, String)>, Error> {
        let mut all = Vec::new();
        for entry in &self.entries {
            let found = app.store.account_with_phone(&entry.account).await?;
            if let Some((account, has_phone)) = found {
                let who = Who::of(&account, has_phone);
                all.push((entry.signed_in(who), account.login_id));
            }
        }
        Ok(all)
    }

    /// Every entry that was not ended, also those that are over by their time.
    pub fn not_ended(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().chain(&self.over)
    }

    /// The entry of an account.
    pub fn entry_of(&self, account: &AccountId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.account == *account)
    }
}

/// What the browser shows of its computer: the key in its cookie, looked up in the inventory. Nothing else counts.
pub async fn device(app: &App, headers: &HeaderMap) -> Result<DeviceEvidence, Error> {
    let Some(key) = cookies::read(app, headers, Cookie::Device) else {
        return Ok(DeviceEvidence::Unproven);
    };
    let device = app.store.device_by_key(&hashed(&key)).await?;
    Ok(match device {
        None => DeviceEvidence::Unproven,
        Some(device) => DeviceEvidence::Key {
            device: device.id,
            class: device.class,
            owner: device.owner,
        },
    })
}

/// Accounts that the picker of this browser knows: signed in, and remembered.
pub async fn known(app: &App, headers: &HeaderMap, here: &Here) -> Result<Vec<AccountId>, Error> {
    let mut known: Vec<AccountId> = here
        .entries
        .iter()
        .map(|entry| entry.account.clone())
        .collect();
    if let Some(browser) = cookies::read(app, headers, Cookie::Browser) {
        for account in app.store.remembered(&hashed(&browser)).await? {
            if !known.contains(&account) {
                known.push(account);
            }
        }
    }
    Ok(known)
}
