//! The end of a satisfied login: session, grant, code and audit record in one commit.

use super::{Bound, Driven, drive};
use crate::app::{App, Error};
use crate::chance;
use crate::oidc::device;
use crate::oidc::subject;
use crate::seal::hashed;
use crate::session::{self, Here};
use crate::web::page::Fault;
use http::{HeaderMap, StatusCode};
use techpass_domain::id::{ClientId, GrantId, SessionId, Sid};
use techpass_domain::login::{Achieved, Event};
use techpass_domain::oidc::acr;
use techpass_domain::oidc::code::{self, CodeBinding};
use techpass_domain::problem::Problem;
use techpass_domain::rate;
use techpass_domain::session::{Entry, Grant};
use techpass_store::{Write, conflict};

/// How long the previous secret of a session is good, for requests under way.
const ROTATION_GRACE_S: i64 = 30;
/// How long a grant's row lives when nothing renews it.
const GRANT_LIFETIME_S: i64 = 60 * 24 * 60 * 60;

/// What the browser takes away.
pub struct Collected {
    /// The code for the client.
    pub code: String,
    /// The session's new secret, when it changed.
    pub session_secret: Option<String>,
}

/// Why nothing was collected.
pub enum NotCollected {
    /// The login is elsewhere by now.
    Stale(Box<Bound>),
    /// The session changed at the same moment; look again.
    Again,
    /// What the login rests on has ended: somebody logged out in another tab.
    Over,
}

/// Commits the answer. Only one of several that try wins.
pub async fn collect(
    app: &App,
    bound: Bound,
    here: &Here,
) -> Result<Result<Collected, NotCollected>, Fault> {
    let now = app.now();
    let Some(achieved) = bound.data.login.achieved(&app.rules(), now) else {
        return Ok(Err(NotCollected::Stale(Box::new(bound))));
    };
    let before = bound.data.login.evidence.before.as_ref();
    if before.is_some_and(|before| here.entries.iter().all(|entry| entry.sid != before.sid)) {
        return Ok(Err(NotCollected::Over));
    }
    let mut writes = Vec::new();
    let renewed = bound.data.login.evidence.proven_here();
    if !renewed && in_circles(app, &bound, here, &achieved).await? {
        app.metrics.rejected("circles");
        return Err(Fault::Problem(Problem::Loop, StatusCode::TOO_MANY_REQUESTS));
    }
    let (session_id, session_secret) = session_writes(app, here, renewed, &mut writes)?;
    let sid = entry_writes(app, here, &session_id, &achieved, &mut writes).await?;
    let client = app.store.client(&bound.data.request.client_id).await?;
    writes.extend(client.and_then(|client| subject::remember(app, &client, &achieved.account)));
    let code = match device::id_of(app, &bound.data.request) {
        // What a device gets is decided on its own page.
        Some(id) => {
            writes.push(device::signed_in(id, &sid));
            String::new()
        }
        None => grant_writes(app, &bound, &achieved, sid, &mut writes)?,
    };
    writes.push(Write::Remember {
        browser_sha256: bound.browser_sha256.clone(),
        account: achieved.account,
        at: now,
    });
    match drive(app, bound, Event::Collected, writes).await? {
        Driven::Taken(_) => Ok(Ok(Collected {
            code,
            session_secret,
        })),
        Driven::Stale(bound) => Ok(Err(NotCollected::Stale(bound))),
        Driven::Lost(conflict::SESSION | conflict::ENTRY | conflict::FAILURES) => {
            Ok(Err(NotCollected::Again))
        }
        Driven::Lost(conflict::ROW) => Err(Fault::expired()),
        Driven::Lost(_) => Err(Error::internal("a fresh secret exists already").into()),
        Driven::Barred(_) => Err(Error::internal("collecting judges no factor").into()),
    }
}

/// Whether the application was answered for this session, without a person, so often that it must be asking in circles.
/// Clients of automated tests may.
async fn in_circles(
    app: &App,
    bound: &Bound,
    here: &Here,
    achieved: &Achieved,
) -> Result<bool, Error> {
    let limit = app.config.limits.circles;
    let Some(entry) = here.entry_of(&achieved.account) else {
        return Ok(false);
    };
    if limit.max == 0 || bound.data.login.asked.test_client {
        return Ok(false);
    }
    let client = ClientId::new(bound.data.request.client_id.as_str());
    let looked_at = i64::try_from(limit.max).unwrap_or(i64::MAX);
    let answered = app.store.granted_at(&entry.sid, &client, looked_at).await?;
    let now = app.now();
    Ok(rate::in_circles(&answered, limit.max, limit.within_s, now))
}

/// A new session where there is none; a new secret whenever something was proven (session fixation).
fn session_writes(
    app: &App,
    here: &Here,
    renewed: bool,
    writes: &mut Vec<Write>,
) -> Result<(SessionId, Option<String>), Error> {
    let now = app.now();
    let expires_at = now.plus(app.config.session.absolute_s);
    let secret = chance::secret()?;
    match &here.session {
        None => {
            let id = SessionId::new(chance::row_id("ses", now.0)?);
            writes.push(Write::AddSession {
                id: id.clone(),
                secret_sha256: hashed(&secret),
                expires_at,
            });
            Ok((id, Some(secret)))
        }
        Some(row) if renewed => {
            writes.push(Write::RotateSession {
                id: row.id.clone(),
                from_sha256: row.secret_sha256.clone(),
                to_sha256: hashed(&secret),
                previous_until: now.plus(ROTATION_GRACE_S),
                expires_at,
            });
            Ok((row.id.clone(), Some(secret)))
        }
        Some(row) => Ok((row.id.clone(), None)),
    }
}

/// The account's entry in the session: renewed, or new. The oldest leaves when there are too many.
async fn entry_writes(
    app: &App,
    here: &Here,
    session: &SessionId,
    achieved: &Achieved,
    writes: &mut Vec<Write>,
) -> Result<Sid, Error> {
    let now = app.now();
    let expires_at = now.plus(app.config.session.absolute_s);
    let present = here
        .entries
        .iter()
        .find(|entry| entry.account == achieved.account);
    if let Some(present) = present {
        let same_sign_in = present.auth_time == achieved.auth_time;
        let entry = Entry {
            auth_time: achieved.auth_time,
            amr: achieved.amr.clone(),
            acr: achieved.acr.clone(),
            proofs: achieved.proofs.clone(),
            used_at: now,
            created_at: if same_sign_in {
                present.created_at
            } else {
                now
            },
            ..present.clone()
        };
        let sid = entry.sid.clone();
        writes.push(Write::UpdateEntry { entry, expires_at });
        return Ok(sid);
    }
    if here.entries.len() >= app.config.session.accounts_max
        && let Some(oldest) = here.entries.iter().min_by_key(|entry| entry.used_at)
    {
        writes.extend(crate::oidc::end_session::ending(app, oldest).await?);
    }
    let entry = Entry {
        sid: Sid::new(chance::row_id("sid", now.0)?),
        session: session.clone(),
        account: achieved.account.clone(),
        auth_time: achieved.auth_time,
        amr: achieved.amr.clone(),
        acr: achieved.acr.clone(),
        proofs: achieved.proofs.clone(),
        created_at: now,
        used_at: now,
    };
    let sid = entry.sid.clone();
    writes.push(Write::AddEntry { entry, expires_at });
    Ok(sid)
}

fn grant_writes(
    app: &App,
    bound: &Bound,
    achieved: &Achieved,
    sid: Sid,
    writes: &mut Vec<Write>,
) -> Result<String, Error> {
    let now = app.now();
    let request = &bound.data.request;
    let id = GrantId::new(chance::row_id("grt", now.0)?);
    writes.push(Write::AddGrant {
        grant: Grant {
            id: id.clone(),
            client: ClientId::new(request.client_id.as_str()),
            account: achieved.account.clone(),
            sid,
            scope: request.scope.to_string(),
            claims: request.claims.clone(),
            nonce: request.nonce.clone(),
            auth_time: achieved.auth_time,
            acr: acr::stated(request, &achieved.acr),
            amr: achieved.amr.clone(),
            created_at: now,
        },
        expires_at: now.plus(GRANT_LIFETIME_S),
    });
    let secret = chance::prefixed("tp_ac_")?;
    let expires_at = now.plus(code::LIFETIME_S);
    let binding = CodeBinding {
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        grant: id,
        expires_at,
    };
    writes.push(Write::Issue {
        kind: "code",
        key_sha256: hashed(&secret),
        data: serde_json::to_string(&binding)?,
        expires_at,
    });
    Ok(secret)
}

/// The session as this browser has it, for collecting.
pub async fn here(app: &App, headers: &HeaderMap) -> Result<Here, Fault> {
    Ok(session::here(app, headers).await?)
}
