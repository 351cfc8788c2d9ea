//! Signing keys: made when needed, sealed at rest, parsed once, followed by their successors. The rules are
//! `techpass_domain::keys`; several servers over one database follow the same rows.

mod pair;
mod ring;

pub use ring::KeyRing;

use crate::app::{App, Error};
use crate::chance;
use crate::seal::{Seal, sha256_b64};
use pair::Made;
use serde_json::json;
use std::sync::Arc;
use techpass_domain::audit::Record;
use techpass_domain::client::SigningAlg;
use techpass_domain::keys::{self, KeyLife, KeyRules, KeyState, KeyStep, Wish};
use techpass_domain::time::Timestamp;
use techpass_store::keeping::KeyRow;
use techpass_store::write::NewKey;
use techpass_store::{Store, StoreError, Write};

/// What keys are looked after with.
#[derive(Clone, Copy)]
pub struct Keeper<'a> {
    /// Seals private halves.
    pub seal: &'a Seal,
    /// How keys follow each other.
    pub rules: &'a KeyRules,
    /// Now.
    pub now: Timestamp,
}

impl KeyRing {
    /// Reads the keys, making and promoting what is due. `present` is the ring as it was; `None` when it still holds.
    pub async fn load(
        store: &Store,
        keeper: Keeper<'_>,
        present: Option<&KeyRing>,
    ) -> Result<Option<KeyRing>, Error> {
        let mut rows = store.keys().await?;
        let steps = keys::plan(&lives(&rows), keeper.rules, Wish::Upkeep, keeper.now);
        if !steps.is_empty() {
            let (writes, _) = writes(&lives(&rows), &steps, &keeper).await?;
            match store.commit(writes).await {
                // Another server was first.
                Ok(()) | Err(StoreError::Conflict(_)) => rows = store.keys().await?,
                Err(error) => return Err(error.into()),
            }
        }
        if present.is_some_and(|ring| ring.is_of(&rows, keeper.now)) {
            return Ok(None);
        }
        KeyRing::parse(&rows, keeper.seal, keeper.now).map(Some)
    }
}

/// The keys, with a new one when there is none of this algorithm yet: the first client that needs it brings it about.
pub async fn ready(app: &App, alg: SigningAlg) -> Result<Arc<KeyRing>, Error> {
    let present = app.keys();
    if present.can_sign(alg) {
        return Ok(present);
    }
    let rows = app.store.keys().await?;
    let there = lives(&rows)
        .iter()
        .any(|key| key.alg == alg && key.state == KeyState::Active);
    if !there {
        let steps = [KeyStep::Make(alg, KeyState::Active)];
        let (writes, _) = writes(&lives(&rows), &steps, &app.keeper()).await?;
        match app.store.commit(writes).await {
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    app.reload_keys().await?;
    Ok(app.keys())
}

/// Asks for new keys, and says which keys changed and what they are for now. Next keys sign when they have been published
/// long enough, or with `at_once` now.
pub async fn rotate(app: &App, at_once: bool) -> Result<Vec<KeyLife>, Error> {
    let wish = if at_once {
        Wish::RotateNow
    } else {
        Wish::Rotate
    };
    let rows = app.store.keys().await?;
    let lives = lives(&rows);
    let steps = keys::plan(&lives, &app.config.keys, wish, app.now());
    change(app, &lives, &steps, "keys.rotated").await
}

/// Puts a key out of use at once, with everything it signed. `None` when there is no such key, or it was revoked before.
pub async fn revoke(app: &App, kid: &str) -> Result<Option<Vec<KeyLife>>, Error> {
    let rows = app.store.keys().await?;
    let lives = lives(&rows);
    match keys::revoked(&lives, kid) {
        None => Ok(None),
        Some(steps) => change(app, &lives, &steps, "keys.revoked").await.map(Some),
    }
}

async fn change(
    app: &App,
    before: &[KeyLife],
    steps: &[KeyStep],
    kind: &str,
) -> Result<Vec<KeyLife>, Error> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let (mut writes, changed) = writes(before, steps, &app.keeper()).await?;
    writes.push(app.audit(Record {
        at: app.now(),
        kind: kind.to_owned(),
        account: None,
        client: None,
        reference: None,
        detail: json!({ "kids": changed }),
    })?);
    app.store.commit(writes).await?;
    app.reload_keys().await?;
    let after = lives(&app.store.keys().await?);
    let touched = |life: &KeyLife| changed.contains(&life.kid);
    Ok(after.into_iter().filter(touched).collect())
}

/// The writes of some steps, and the names of the keys that they touch.
async fn writes(
    before: &[KeyLife],
    steps: &[KeyStep],
    keeper: &Keeper<'_>,
) -> Result<(Vec<Write>, Vec<String>), Error> {
    let (mut writes, mut kids) = (Vec::new(), Vec::new());
    let at = keeper.now;
    for step in steps {
        let (kid, to) = match step {
            KeyStep::Make(alg, state) => {
                let new = make(*alg, *state, keeper).await?;
                kids.push(new.kid.clone());
                writes.push(Write::AddKey(new));
                continue;
            }
            KeyStep::Retire(kid) => (kid, KeyState::Retired),
            KeyStep::Promote(kid) => (kid, KeyState::Active),
            KeyStep::Revoke(kid) => (kid, KeyState::Revoked),
        };
        let from = before.iter().find(|key| key.kid == *kid);
        let from = from.map_or(KeyState::Active, |key| key.state);
        kids.push(kid.clone());
        writes.push(Write::SetKeyState {
            kid: kid.clone(),
            from: from.as_str(),
            to: to.as_str(),
            at,
        });
    }
    Ok((writes, kids))
}

async fn make(alg: SigningAlg, state: KeyState, keeper: &Keeper<'_>) -> Result<NewKey, Error> {
    // An RSA key takes a tenth of a second; requests go on meanwhile.
    let made = tokio::task::spawn_blocking(move || pair::generate(alg)).await;
    let made = made.map_err(|_| Error::internal("a signing key cannot be made"))??;
    made_row(made, alg, state, keeper)
}

fn made_row(
    made: Made,
    alg: SigningAlg,
    state: KeyState,
    keeper: &Keeper<'_>,
) -> Result<NewKey, Error> {
    let mut public = made.public;
    let kid = sha256_b64(&format!("{public}{}", chance::secret()?));
    let kid: String = kid.chars().take(22).collect();
    if let Some(members) = public.as_object_mut() {
        members.insert("kid".into(), kid.clone().into());
        members.insert("use".into(), "sig".into());
        members.insert("alg".into(), alg.as_str().into());
    }
    Ok(NewKey {
        sealed_private: keeper.seal.seal(&place(&kid), &made.der)?,
        kid,
        alg: alg.as_str().to_owned(),
        state: state.as_str(),
        public_jwk: public.to_string(),
        created_at: keeper.now,
    })
}

/// Whether this master key opens what is sealed in the database, without making anything. `None` where nothing is.
///
/// # Errors
/// [`Error::Seal`] when it was sealed under another.
pub async fn opens(store: &Store, seal: &Seal) -> Result<Option<()>, Error> {
    let rows = store.keys().await?;
    let Some(newest) = rows.last() else {
        return Ok(None);
    };
    seal.open(&place(&newest.kid), &newest.sealed_private)?;
    Ok(Some(()))
}

fn place(kid: &str) -> String {
    format!("signing_keys|{kid}")
}

/// The keys' lives; rows that this program does not understand are left out.
pub fn lives(rows: &[KeyRow]) -> Vec<KeyLife> {
    rows.iter().filter_map(life).collect()
}

fn life(row: &KeyRow) -> Option<KeyLife> {
    Some(KeyLife {
        kid: row.kid.clone(),
        alg: SigningAlg::parse(&row.alg)?,
        state: KeyState::parse(&row.state)?,
        created_at: row.created_at,
        retired_at: row.retired_at,
    })
}
