//! The end-session endpoint: log-out with a choice of account (RP-Initiated Logout).

use super::backchannel;
use crate::app::{App, Error};
use crate::session::{self, Here};
use crate::views::{self, LogOutRow};
use crate::web::cookies::{self, Cookie};
use crate::web::form::Form;
use crate::web::page::{self, Fault, FormsLead, Outcome};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use techpass_domain::audit::Record;
use techpass_domain::client::{Client, LogoutStyle};
use techpass_domain::id::{ClientId, Sid};
use techpass_domain::logout::{self, Choice, Notice, Plan, Used};
use techpass_domain::oidc::end_session::{self, EndSessionRequest, Hint, Return};
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::scope::OFFLINE_ACCESS;
use techpass_domain::problem::Problem;
use techpass_domain::session::Entry;
use techpass_store::Write;

/// A request, understood.
struct Asked {
    request: EndSessionRequest,
    client: Option<Arc<Client>>,
    back: Option<Return>,
    hinted: Option<Sid>,
}

async fn understand(app: &App, encoded: &str) -> Result<Asked, Fault> {
    let unsupported = |_| Fault::Problem(Problem::Unsupported, StatusCode::BAD_REQUEST);
    let params = Params::parse(encoded).map_err(unsupported)?;
    let request = EndSessionRequest::parse(&params);
    let hint = match &request.id_token_hint {
        None => Hint::Absent,
        Some(token) => match super::our_own_id_token(app, token) {
            Some(claims) => end_session::hint(&claims, &app.issuer),
            None => Hint::Invalid,
        },
    };
    let named = end_session::client_of(&request, &hint);
    // §2: a hint of another client than the one named is no hint.
    let hint = if named.is_some() { hint } else { Hint::Absent };
    let client = match named {
        Some(id) => app.store.client(&id).await?,
        None => None,
    };
    let back = client
        .as_ref()
        .and_then(|client| end_session::return_of(&request, client));
    let hinted = match hint {
        Hint::Valid(hinted) => hinted.sid,
        Hint::Absent | Hint::Invalid => None,
    };
    Ok(Asked {
        request,
        client,
        back,
        hinted,
    })
}

/// `GET` or `POST /logout`: asks, or ends at once where that is registered and certain.
pub async fn ask(app: &App, headers: &HeaderMap, encoded: &str) -> Outcome {
    let asked = understand(app, encoded).await?;
    let here = session::here(app, headers).await?;
    let sids: Vec<Sid> = here.entries.iter().map(|entry| entry.sid.clone()).collect();
    let style = asked
        .client
        .as_ref()
        .map_or(LogoutStyle::Ask, |client| client.logout);
    match logout::plan(&sids, asked.hinted.as_ref(), style) {
        // Nobody to ask for: what is over by its time is ended, so that "You are logged out" stays true.
        Plan::NothingToEnd => end(app, &asked, &here, &Choice::All).await,
        Plan::End(sid) => end(app, &asked, &here, &Choice::One(sid)).await,
        Plan::Ask { preselected } => question(app, &asked, &here, preselected.as_ref()).await,
    }
}

async fn question(app: &App, asked: &Asked, here: &Here, preselected: Option<&Sid>) -> Outcome {
    let mut accounts = Vec::new();
    for entry in &here.entries {
        let Some(account) = app.store.account(&entry.account).await? else {
            continue;
        };
        let hinted = asked.request.logout_hint.as_deref() == Some(account.login_id.as_str());
        accounts.push(LogOutRow {
            sid: entry.sid.as_str().to_owned(),
            used_by: apps_of(app, entry).await?,
            selected: preselected.map_or(hinted, |sid| *sid == entry.sid),
            name: account.name,
            login_id: account.login_id,
        });
    }
    let request = &asked.request;
    let kept = [
        ("id_token_hint", request.id_token_hint.clone()),
        (
            "client_id",
            request.client_id.as_ref().map(ToString::to_string),
        ),
        (
            "post_logout_redirect_uri",
            request.post_logout_redirect_uri.clone(),
        ),
        ("state", request.state.clone()),
    ];
    let hidden = kept
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let body = views::LogOut {
        action: "/logout/confirm".to_owned(),
        hidden: hidden.collect(),
        app: asked.client.as_ref().map(|client| client.name.clone()),
        accounts,
    }
    .render(&page::shell(app, ""))?;
    Ok(page::html(body, StatusCode::OK, &leads(asked)))
}

/// Where the form may lead: back to the application, whichever button is pressed.
fn leads(asked: &Asked) -> FormsLead {
    let asked_for = asked.request.post_logout_redirect_uri.as_deref();
    let back = asked.back.as_ref().and(asked_for);
    FormsLead::through(back.into_iter().chain(first_of(asked)))
}

/// The address after log-out that the application registered first.
fn first_of(asked: &Asked) -> Option<&str> {
    let client = asked.client.as_ref()?;
    client.post_logout_redirect_uris.first().map(String::as_str)
}

/// Names of the applications that used an entry.
async fn apps_of(app: &App, entry: &Entry) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for grant in app.store.grants_of(&entry.sid).await? {
        if let Some(client) = app.store.client(&grant.client).await?
            && !names.contains(&client.name)
        {
            names.push(client.name.clone());
        }
    }
    Ok(names)
}

/// `POST /logout/confirm`: what the person chose.
pub async fn confirm(app: &App, headers: &HeaderMap, encoded: &str) -> Outcome {
    let form = Form::parse(encoded.as_bytes())
        .map_err(|_| Fault::Problem(Problem::Unsupported, StatusCode::BAD_REQUEST))?;
    let asked = understand(app, encoded).await?;
    let here = session::here(app, headers).await?;
    if form.get("do") == Some("stay") {
        return Ok(match &asked.back {
            Some(back) => page::see_other(&end_session::return_location(back)),
            None => page::see_other(&home_of(app, &asked)),
        });
    }
    let choice = match form.get("account") {
        Some("all") => Choice::All,
        Some(sid) => Choice::One(Sid::new(sid)),
        None if here.entries.is_empty() => Choice::All,
        None => return question(app, &asked, &here, asked.hinted.as_ref()).await,
    };
    end(app, &asked, &here, &choice).await
}

/// Where a person goes who stays: to the application, else to this server's own page.
fn home_of(app: &App, asked: &Asked) -> String {
    let own = || format!("{}/", app.issuer);
    first_of(asked).map_or_else(own, str::to_owned)
}

/// Everything that ending an entry means, for one commit: the entry, its grants (but for offline access), the notices.
pub async fn ending(app: &App, entry: &Entry) -> Result<Vec<Write>, Error> {
    let now = app.now();
    let (mut used, mut offline) = (Vec::new(), Vec::new());
    for grant in app.store.grants_of(&entry.sid).await? {
        if grant.scope.split(' ').any(|scope| scope == OFFLINE_ACCESS) {
            offline.push(grant.id.clone());
        }
        let client = app.store.client(&grant.client).await?;
        used.push(Used {
            client: grant.client,
            sid: entry.sid.clone(),
            backchannel_logout_uri: client.and_then(|client| client.backchannel_logout_uri.clone()),
        });
    }
    // By the entry, not one by one: an application may be given another grant between the look and the commit.
    let mut writes = vec![
        Write::EndEntry {
            sid: entry.sid.clone(),
            at: now,
        },
        Write::RevokeGrantsOf {
            sid: entry.sid.clone(),
            but: offline,
            at: now,
        },
    ];
    for notice in notices(entry, &used) {
        writes.push(backchannel::write(app, &notice, &entry.account)?.1);
    }
    writes.push(app.audit(Record {
        at: now,
        kind: "session.ended".to_owned(),
        account: Some(entry.account.clone()),
        client: None,
        reference: None,
        detail: serde_json::json!({ "sid": entry.sid }),
    })?);
    Ok(writes)
}

fn notices(entry: &Entry, used: &[Used]) -> Vec<Notice> {
    logout::notices(std::slice::from_ref(&entry.sid), used)
}

async fn end(app: &App, asked: &Asked, here: &Here, choice: &Choice) -> Outcome {
    let sids = |entries: &[Entry]| -> Vec<Sid> { entries.iter().map(|e| e.sid.clone()).collect() };
    let ended = logout::ends(&sids(&here.entries), &sids(&here.over), choice);
    let mut writes = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for entry in here.not_ended().filter(|e| ended.contains(&e.sid)) {
        let ending = ending(app, entry).await?;
        told.extend(ending.iter().filter_map(|write| match write {
            Write::Enqueue { id, .. } => Some(id.clone()),
            _ => None,
        }));
        writes.extend(ending);
    }
    if !writes.is_empty() {
        app.store.commit(writes).await?;
        backchannel::deliver_now(app).await;
    }
    done(app, asked, here, &ended, &told).await
}

/// Back to the application where it asked for that (§3), else the page that says what ended.
async fn done(app: &App, asked: &Asked, here: &Here, ended: &[Sid], told: &[String]) -> Outcome {
    let remaining: Vec<&Entry> = here
        .entries
        .iter()
        .filter(|entry| !ended.contains(&entry.sid))
        .collect();
    let nobody_left = remaining.is_empty();
    let frames = frames(app, ended).await?;
    let mut response = match &asked.back {
        Some(back) if frames.is_empty() => page::see_other(&end_session::return_location(back)),
        _ => said(app, asked, here, (ended, told, frames)).await?,
    };
    if nobody_left {
        cookies::remove(app, response.headers_mut(), Cookie::Session);
    }
    Ok(response)
}

/// Pages of applications that used what ended, each once (Front-Channel Logout §3).
async fn frames(app: &App, ended: &[Sid]) -> Result<Vec<String>, Error> {
    let mut frames = Vec::new();
    for sid in ended {
        for grant in app.store.grants_of(sid).await? {
            let client = app.store.client(&grant.client).await?;
            let frame = client.and_then(|client| logout::frame(&client, &app.issuer, sid));
            frames.extend(frame.filter(|uri| !frames.contains(uri)));
        }
    }
    Ok(frames)
}

async fn said(
    app: &App,
    asked: &Asked,
    here: &Here,
    (ended, told, frames): (&[Sid], &[String], Vec<String>),
) -> Result<Response, Fault> {
    let (mut gone, mut remaining) = (Vec::new(), Vec::new());
    for entry in &here.entries {
        let Some(account) = app.store.account(&entry.account).await? else {
            continue;
        };
        let shown = format!("{} ({})", account.name, account.login_id);
        if ended.contains(&entry.sid) {
            gone.push(shown);
        } else {
            remaining.push(shown);
        }
    }
    let client = asked.client.as_ref();
    let page = views::LoggedOut {
        ended: gone,
        apps: outcomes(app, told).await?,
        remaining,
        back: client.filter(|_| asked.back.is_none()).and_then(|client| {
            let uri = client.post_logout_redirect_uris.first()?;
            let label = views::words::ENGLISH.back_to.with("app", &client.name);
            Some((label, uri.clone()))
        }),
        login_again: client.and_then(|client| client.initiate_login_uri.clone()),
        onward: asked.back.as_ref().map(end_session::return_location),
        frames,
    };
    let body = page.render(&page::shell(app, ""))?;
    let mut response = page::own(body, StatusCode::OK);
    if !page.frames.is_empty() {
        page::permit_frames(&mut response, &page.frames);
    }
    Ok(response)
}

/// What came of telling each application. One that several accounts used is told of each and named once, by the worst.
async fn outcomes(app: &App, told: &[String]) -> Result<Vec<(String, views::Outcome)>, Error> {
    let mut outcomes: Vec<(ClientId, String, views::Outcome)> = Vec::new();
    for id in told {
        let Some(row) = app.store.outbox(id).await? else {
            continue;
        };
        let notice: backchannel::Row = serde_json::from_str(&row.data)?;
        let Some(client) = app.store.client(&notice.client).await? else {
            continue;
        };
        let outcome = match (row.done_at, row.last_error) {
            (Some(_), None) => views::Outcome::Done,
            (_, Some(_)) => views::Outcome::NoAnswer,
            (None, None) => views::Outcome::Pending,
        };
        match outcomes.iter_mut().find(|(id, ..)| *id == client.id) {
            Some((_, _, worst)) => *worst = outcome.max(*worst),
            None => outcomes.push((client.id.clone(), client.name.clone(), outcome)),
        }
    }
    let named = outcomes
        .into_iter()
        .map(|(_, name, outcome)| (name, outcome));
    Ok(named.collect())
}
