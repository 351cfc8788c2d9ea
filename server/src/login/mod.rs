//! The login over HTTP: find it, verify what was sent, report an event, carry out the effects.
//!
//! The rules are `techpass_domain::login`. Here is the thin part: [`drive`] does load → step → commit → wake, the other
//! files verify and show.

pub mod advance;
pub mod begin;
pub mod collect;
pub mod consent;
mod counted;
pub mod factors;
mod failures;
pub mod hold;
pub mod number;
pub mod post;
pub mod show;
pub mod status;
mod steps;

pub use failures::factor_name;

use crate::app::{App, Error};
use crate::seal::{hashed, same};
use crate::wake::Change;
use crate::web::cookies::{self, Cookie};
use crate::web::page::Fault;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use steps::{NotTaken, Stepped};
use techpass_domain::id::{AccountId, LoginId, Reference};
use techpass_domain::login::lockout::{Barred, FAILURES_MAX};
use techpass_domain::login::{Chosen, Event, Login, Next, Prompt, Who};
use techpass_domain::oidc::authorization::AuthorizationRequest;
use techpass_domain::problem::Problem;
use techpass_domain::time::Timestamp;
use techpass_store::sessions::LoginRow;
use techpass_store::write::NewLogin;
use techpass_store::{StoreError, Write, conflict};

/// What the server keeps of a login. No secret is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Data {
    /// The rules' part.
    pub login: Login,
    /// The checked request.
    pub request: AuthorizationRequest,
    /// The client's name.
    pub app: String,
    /// What was typed, or the record's login ID, once somebody is chosen.
    pub login_id: Option<String>,
    /// What the person quotes; the audit record has it too.
    pub reference: Reference,
    /// The request as it came, to start again.
    pub query: String,
    /// Trips to an upstream that have not come back: SHA-256 of each `state`, and when it left.
    pub trips: Vec<(String, Timestamp)>,
    /// The problem that an upstream named when it refused.
    #[serde(default)]
    pub upstream_said: Option<Problem>,
    /// Where the browser is, as shown on the phone.
    pub location: String,
    /// The computer, as shown on the phone.
    pub device: String,
}

/// A login that belongs to the browser that asks.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Its row.
    pub id: LoginId,
    /// Its version when it was read.
    pub version: i64,
    /// The secret in its address, where a browser is here.
    pub address: String,
    /// SHA-256 of the browser's cookie.
    pub browser_sha256: String,
    /// What is kept.
    pub data: Data,
    /// The row itself, where it is not there yet: it is added with the first step, in one commit.
    pub unsaved: Option<Box<NewLogin>>,
}

impl Bound {
    /// The address of its page.
    pub fn path(&self) -> String {
        format!("/s/{}", self.address)
    }

    /// What the login waits for.
    pub fn next(&self, app: &App) -> Next {
        self.data.login.next(&app.rules(), app.now())
    }

    /// Whether it waits for this page.
    pub fn asks(&self, app: &App, prompt: &Prompt) -> bool {
        self.next(app) == Next::Ask(prompt.clone())
    }

    /// The account, when somebody known is chosen.
    pub fn account(&self) -> Option<&AccountId> {
        let chosen = self.data.login.evidence.chosen.as_ref();
        chosen.and_then(Chosen::account)
    }

    /// What failures and requests are counted under: the account, or a hash of what was typed, so that unknown login
    /// IDs meet the same limits.
    pub fn subject(&self) -> String {
        match self.account() {
            Some(account) => account.as_str().to_owned(),
            None => {
                let typed = self.data.login_id.as_deref().unwrap_or_default();
                format!("unknown:{}", hashed(typed))
            }
        }
    }
}

/// Finds the login of an address, refusing browsers it does not belong to: a link alone is worth nothing.
pub async fn find(app: &App, headers: &HeaderMap, address: &str) -> Result<Bound, Fault> {
    let Some(browser) = cookies::read(app, headers, Cookie::Browser) else {
        return Err(Fault::Problem(
            Problem::CookiesBlocked,
            StatusCode::BAD_REQUEST,
        ));
    };
    let row = app.store.login_by_address(&hashed(address)).await?;
    let browser_sha256 = hashed(&browser);
    let row = row.filter(|row| same(&row.browser_sha256, &browser_sha256));
    let row = row.ok_or_else(Fault::expired)?;
    let mut bound = read(row)?;
    bound.address = address.to_owned();
    // The reference that pages of this login show leads to its lines in the log.
    tracing::Span::current().record("login", bound.data.reference.as_str());
    refresh(app, bound).await
}

fn read(row: LoginRow) -> Result<Bound, Error> {
    Ok(Bound {
        data: serde_json::from_str(&row.data)?,
        id: row.id,
        version: row.version,
        address: String::new(),
        browser_sha256: row.browser_sha256,
        unsaved: None,
    })
}

/// The login with the account's record as it stands now.
async fn refresh(app: &App, mut bound: Bound) -> Result<Bound, Fault> {
    if let Some(id) = bound.account().cloned()
        && let Some(who) = who(app, &id).await?
    {
        bound.data.login = bound.data.login.refreshed(who);
    }
    let Data { login, request, .. } = &bound.data;
    bound.data.login = consent::remembered(app, login.clone(), request).await?;
    Ok(bound)
}

/// What a login needs to know of an account.
pub async fn who(app: &App, id: &AccountId) -> Result<Option<Who>, Error> {
    let found = app.store.account_with_phone(id).await?;
    Ok(found.map(|(account, has_phone)| Who::of(&account, has_phone)))
}

/// The login with this id, for whoever is not its browser: the phone.
pub async fn by_id(app: &App, id: &LoginId) -> Result<Option<Bound>, Fault> {
    let Some(row) = app.store.login(id).await? else {
        return Ok(None);
    };
    let bound = read(row)?;
    Ok(Some(refresh(app, bound).await?))
}

/// What became of an event.
#[derive(Debug)]
pub enum Driven {
    /// It was taken; the login as it is now.
    Taken(Box<Bound>),
    /// It does not answer what the login asks now: somebody was faster, or the page is old.
    Stale(Box<Bound>),
    /// Something that may happen once had happened before; nothing was changed.
    Lost(&'static str),
    /// The factor is locked, so nothing was judged and nothing was changed.
    Barred(Barred),
}

/// How often a step is tried again when another one was faster.
const TRIES: usize = 5;
/// How often a step is tried again when a failure was counted meanwhile. Each one brings the lock nearer, which then
/// ends the trying, so only as many as the cap lets through can come first.
const TRIES_COUNTED: u32 = FAILURES_MAX + 1;

/// Adds the row of a login that has none yet.
pub async fn lay_down(app: &App, bound: &mut Bound) -> Result<(), Fault> {
    if let Some(new) = bound.unsaved.take() {
        app.store.commit(vec![Write::AddLogin(*new)]).await?;
    }
    Ok(())
}

/// Takes an event: step, then one commit of the login, its effects, its audit record and `with`, which the caller needs
/// to happen together with it. Whoever waits is woken after the commit.
pub async fn drive(
    app: &App,
    bound: Bound,
    event: Event,
    with: Vec<Write>,
) -> Result<Driven, Fault> {
    drive_all(app, bound, &[event], with).await
}

/// Takes events that follow each other without a person in between, as [`drive`] takes one: all in one commit, or none
/// when one of them does not answer what the login asks by then.
pub async fn drive_all(
    app: &App,
    mut bound: Bound,
    events: &[Event],
    with: Vec<Write>,
) -> Result<Driven, Fault> {
    let (mut overtaken, mut counted) = (0, 0);
    while overtaken < TRIES && counted < TRIES_COUNTED {
        let mut stepped = match steps::stepped(app, &bound, events).await? {
            Ok(stepped) => stepped,
            Err(not_taken) => {
                lay_down(app, &mut bound).await?;
                return Ok(match not_taken {
                    NotTaken::Unexpected => Driven::Stale(Box::new(bound)),
                    NotTaken::Barred(barred) => Driven::Barred(barred),
                });
            }
        };
        let writes = writes(&bound, &mut stepped, &with)?;
        let committed = app.store.commit(writes).await;
        if committed.is_err() {
            // Whoever looks again has to find it.
            lay_down(app, &mut bound).await?;
        }
        match committed {
            Ok(()) => {
                let after = &mut stepped.after;
                after.version += 1;
                counted::steps(app, after, events);
                wake(app, after);
                if stepped.held {
                    crate::oidc::backchannel::deliver_soon(app);
                }
                return Ok(Driven::Taken(Box::new(stepped.after)));
            }
            // What the caller counts itself, it must look at again itself.
            Err(StoreError::Conflict(conflict::FAILURES)) if !with.is_empty() => {
                return Ok(Driven::Lost(conflict::FAILURES));
            }
            Err(StoreError::Conflict(conflict::LOGIN)) if saves_another(&with) => {
                return Ok(Driven::Lost(conflict::LOGIN));
            }
            Err(StoreError::Conflict(conflict::FAILURES)) => counted += 1,
            Err(StoreError::Conflict(conflict::LOGIN | conflict::ACCOUNT)) => overtaken += 1,
            Err(StoreError::Conflict(name)) => return Ok(Driven::Lost(name)),
            Err(error) => return Err(error.into()),
        }
        bound = again(app, &bound).await?;
    }
    Err(StoreError::Busy("a login is changed by many at once").into())
}

/// Whether another login than the one that is driven is saved along with it.
fn saves_another(with: &[Write]) -> bool {
    let saves = |write: &Write| matches!(write, Write::SaveLogin { .. });
    with.iter().any(saves)
}

/// Everything of a step, for one commit.
fn writes(bound: &Bound, stepped: &mut Stepped, with: &[Write]) -> Result<Vec<Write>, Error> {
    let after = &mut stepped.after;
    let unsaved = after.unsaved.take().map(|new| Write::AddLogin(*new));
    let mut writes: Vec<Write> = unsaved.into_iter().collect();
    writes.extend(with.iter().cloned());
    writes.append(&mut stepped.writes);
    writes.push(Write::SaveLogin {
        id: bound.id.clone(),
        version: bound.version,
        data: serde_json::to_string(&after.data)?,
    });
    Ok(writes)
}

/// Saves what is not a step, such as a trip to an upstream. `false` when another step was faster.
pub async fn save(app: &App, bound: &mut Bound) -> Result<bool, Fault> {
    let write = Write::SaveLogin {
        id: bound.id.clone(),
        version: bound.version,
        data: serde_json::to_string(&bound.data)?,
    };
    match app.store.commit(vec![write]).await {
        Ok(()) => {
            bound.version += 1;
            Ok(true)
        }
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn again(app: &App, bound: &Bound) -> Result<Bound, Fault> {
    let mut fresh = by_id(app, &bound.id).await?.ok_or_else(Fault::expired)?;
    fresh.address.clone_from(&bound.address);
    Ok(fresh)
}

fn wake(app: &App, after: &Bound) {
    app.wake.tell(Change::Login(after.id.as_str().to_owned()));
    if let Some(account) = after.account() {
        app.wake.tell(Change::Phones(account.as_str().to_owned()));
    }
}

#[cfg(test)]
mod tests;
