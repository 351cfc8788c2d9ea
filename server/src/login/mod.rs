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
pub mod hold;
pub mod number;
pub mod post;
pub mod show;
pub mod status;

use crate::app::{App, Error};
use crate::seal::{hashed, same};
use crate::wake::Change;
use crate::web::cookies::{self, Cookie};
use crate::web::page::Fault;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use techpass_domain::access::Factor;
use techpass_domain::audit::Record;
use techpass_domain::authenticator::Closed;
use techpass_domain::id::{AccountId, ClientId, LoginId, Reference};
use techpass_domain::login::lockout::{self, Failures};
use techpass_domain::login::{Chosen, Effect, Event, Login, Next, NumberEnd, Prompt, Who};
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
    let Some(account) = app.store.account(id).await? else {
        return Ok(None);
    };
    let phones = app.store.phones(id).await?;
    Ok(Some(Who::of(&account, !phones.is_empty())))
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
}

/// How often a step is tried again when another one was faster.
const TRIES: usize = 5;

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
    mut bound: Bound,
    event: Event,
    with: Vec<Write>,
) -> Result<Driven, Fault> {
    for _ in 0..TRIES {
        let now = app.now();
        let stepped = bound
            .data
            .login
            .clone()
            .step(event.clone(), &app.rules(), now);
        let Ok((login, effects)) = stepped else {
            lay_down(app, &mut bound).await?;
            return Ok(Driven::Stale(Box::new(bound)));
        };
        let mut after = bound.clone();
        after.data.login = login;
        note_choice(app, &mut after, &event).await?;
        let mut writes: Vec<Write> = after
            .unsaved
            .take()
            .map(|new| Write::AddLogin(*new))
            .into_iter()
            .collect();
        writes.extend(with.iter().cloned());
        writes.extend(consequences(app, &bound, &after, &effects).await?);
        writes.push(app.audit(record(app, &after, &event))?);
        writes.push(Write::SaveLogin {
            id: bound.id.clone(),
            version: bound.version,
            data: serde_json::to_string(&after.data)?,
        });
        let committed = app.store.commit(writes).await;
        if committed.is_err() {
            // Whoever looks again has to find it.
            lay_down(app, &mut bound).await?;
        }
        match committed {
            Ok(()) => {
                after.version += 1;
                counted::step(app, &after, &event);
                wake(app, &after);
                if effects.iter().any(|e| matches!(e, Effect::Hold(_))) {
                    crate::oidc::backchannel::deliver_soon(app);
                }
                return Ok(Driven::Taken(Box::new(after)));
            }
            // What the caller counts itself, it must look at again itself.
            Err(StoreError::Conflict(conflict::FAILURES)) if !with.is_empty() => {
                return Ok(Driven::Lost(conflict::FAILURES));
            }
            Err(StoreError::Conflict(conflict::LOGIN | conflict::FAILURES | conflict::ACCOUNT)) => {
                bound = again(app, &bound).await?;
            }
            Err(StoreError::Conflict(name)) => return Ok(Driven::Lost(name)),
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy("a login is changed by many at once").into())
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

/// Keeps the login ID beside the account; it is what pages and phones show.
async fn note_choice(app: &App, after: &mut Bound, event: &Event) -> Result<(), Error> {
    match event {
        Event::AnotherAccount => after.data.login_id = None,
        Event::AccountChosen(..) | Event::UpstreamReturned { .. } => {
            if let Some(id) = after.account().cloned()
                && let Some(account) = app.store.account(&id).await?
            {
                after.data.login_id = Some(account.login_id);
            }
            let Data { login, request, .. } = &after.data;
            after.data.login = consent::remembered(app, login.clone(), request).await?;
        }
        _ => {}
    }
    Ok(())
}

fn wake(app: &App, after: &Bound) {
    app.wake.tell(Change::Login(after.id.as_str().to_owned()));
    if let Some(account) = after.account() {
        app.wake.tell(Change::Phones(account.as_str().to_owned()));
    }
}

/// The writes that effects mean. Ends of numbers that a phone decided come from the phone's handler, which must be the
/// first to close the request; sessions and codes come from [`collect`], which makes their secrets.
async fn consequences(
    app: &App,
    before: &Bound,
    after: &Bound,
    effects: &[Effect],
) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::new();
    let now = app.now();
    for effect in effects {
        match effect {
            Effect::CountFailure(factor) => {
                let under = counted_under(app, before, *factor).await?;
                writes.push(count(app, &under, *factor, now).await?);
            }
            Effect::ClearFailures(factor) => {
                let under = counted_under(app, before, *factor).await?;
                writes.extend(clear(app, &under, *factor).await?);
            }
            Effect::EndNumber(id, end @ (NumberEnd::Superseded | NumberEnd::Expired)) => {
                writes.push(Write::CloseChallengeIfOpen {
                    id: id.clone(),
                    closed: Closed {
                        end: *end,
                        answer_sha256: None,
                    },
                    at: now,
                });
                // The phones of the account that was chosen before must take it off their screens.
                if let Some(account) = before.account() {
                    app.wake.tell(Change::Phones(account.as_str().to_owned()));
                }
            }
            Effect::Hold(account) => {
                writes.extend(hold::writes(app, account, &after.data.reference).await?)
            }
            Effect::RememberConsent(account) => {
                writes.push(consent::write(app, after, account).await?)
            }
            Effect::EndNumber(..)
            | Effect::NotifyPhones(_)
            | Effect::StartSession
            | Effect::IssueCode => {}
        }
    }
    Ok(writes)
}

/// The name of a factor in the table of failures.
pub fn factor_name(factor: Factor) -> &'static str {
    match factor {
        Factor::Password => "password",
        Factor::Code => "code",
        Factor::Number => "number",
    }
}

/// Under what name failures of a factor are counted. Wrong numbers are typed on the phone, whatever the browser is.
async fn counted_under(app: &App, bound: &Bound, factor: Factor) -> Result<String, Error> {
    let known = match (factor, bound.account()) {
        (Factor::Number, _) | (_, None) => false,
        (_, Some(account)) => {
            let browser = &bound.browser_sha256;
            app.store.has_signed_in(browser, account).await?
        }
    };
    Ok(lockout::counted_under(
        &bound.subject(),
        &bound.browser_sha256,
        known,
    ))
}

async fn count(app: &App, subject: &str, factor: Factor, now: Timestamp) -> Result<Write, Error> {
    let factor = factor_name(factor);
    let from = app.store.failures(subject, factor).await?;
    Ok(Write::SetFailures {
        account: subject.to_owned(),
        factor,
        to: from.unwrap_or_default().failed(now),
        from,
    })
}

async fn clear(app: &App, subject: &str, factor: Factor) -> Result<Option<Write>, Error> {
    let factor = factor_name(factor);
    let from = app.store.failures(subject, factor).await?;
    Ok(from
        .filter(|from| from.count > 0)
        .map(|from| Write::SetFailures {
            account: subject.to_owned(),
            factor,
            from: Some(from),
            to: Failures {
                count: 0,
                last_at: from.last_at,
            },
        }))
}

fn record(app: &App, after: &Bound, event: &Event) -> Record {
    let login = &after.data.login;
    let (kind, detail) = match event {
        Event::AccountChosen(..) => ("login.account_chosen", serde_json::json!({})),
        Event::AnotherAccount => ("login.another_account", serde_json::json!({})),
        Event::PasswordChecked { right } => {
            ("login.password", serde_json::json!({ "right": right }))
        }
        Event::CodeChecked { right } => ("login.code", serde_json::json!({ "right": right })),
        Event::NumberSent { challenge, .. } => (
            "login.number_sent",
            serde_json::json!({ "challenge": challenge }),
        ),
        Event::NumberLimited { until } => (
            "login.number_limited",
            serde_json::json!({ "until": until }),
        ),
        Event::NumberAnswered { challenge, right } => (
            "login.number_answered",
            serde_json::json!({ "challenge": challenge, "right": right }),
        ),
        Event::NumberDeclined {
            challenge,
            reported,
        } => (
            "login.number_declined",
            serde_json::json!({ "challenge": challenge, "reported": reported }),
        ),
        Event::UpstreamReturned {
            as_chosen, proof, ..
        } => (
            "login.upstream_returned",
            serde_json::json!({ "as_chosen": as_chosen, "amr": proof.amr, "acr": proof.acr }),
        ),
        Event::UpstreamRefused => ("login.upstream_refused", serde_json::json!({})),
        Event::DeviceSeen(device) => ("login.device_seen", serde_json::json!({ "device": device })),
        Event::ConsentGiven => (
            "login.consent",
            serde_json::json!({ "scope": after.data.request.scope }),
        ),
        Event::Cancelled => ("login.cancelled", serde_json::json!({})),
        Event::Collected => ("login.granted", granted(app, login)),
    };
    Record {
        at: app.now(),
        kind: kind.to_owned(),
        account: after.account().cloned(),
        client: Some(ClientId::new(after.data.request.client_id.as_str())),
        reference: Some(after.data.reference.clone()),
        detail,
    }
}

fn granted(app: &App, login: &Login) -> serde_json::Value {
    let chosen = login.evidence.chosen.as_ref();
    let rule = chosen.map(|chosen| login.decision(&app.rules(), chosen).rule);
    serde_json::json!({ "rule": rule, "device": login.evidence.device })
}
