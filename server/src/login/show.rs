//! Pages of a login.

use super::{Bound, post};
use crate::app::App;
use crate::session;
use crate::views;
use crate::views::words::{ENGLISH as WORDS, Text};
use crate::web::page::{self, FormsLead, Outcome};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use techpass_domain::account::{Status, domain_of, normalize_login_id};
use techpass_domain::id::ChallengeId;
use techpass_domain::login::number_match::LIFETIME_S;
use techpass_domain::login::{NumberEnd, Prompt, Refusal};
use techpass_domain::problem::Problem;
use techpass_domain::time::Timestamp;

/// What a page says about the last try.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Nothing.
    None,
    /// What was wrong; the page is an answer to a form and says 422.
    Error(String),
    /// A factor is locked until then.
    Locked(Timestamp),
}

impl Notice {
    fn text(&self) -> Option<String> {
        match self {
            Notice::None => None,
            Notice::Error(text) => Some(text.clone()),
            Notice::Locked(until) => Some(WORDS.locked_until.with("time", clock_time(*until))),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Notice::None => StatusCode::OK,
            Notice::Error(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Notice::Locked(..) => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// "2:20 pm UTC".
pub fn clock_time(at: Timestamp) -> String {
    let minutes = at.0.div_euclid(60).rem_euclid(24 * 60);
    let (hour, minute) = (minutes / 60, minutes % 60);
    let half = if hour < 12 { "am" } else { "pm" };
    let hour = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    format!("{hour}:{minute:02} {half} UTC")
}

/// Where the forms of this login may lead: through its client and through the upstreams, or anywhere where the client is
/// itself a sign-in server.
pub(super) async fn leads(app: &App, bound: &Bound) -> Result<FormsLead, crate::app::Error> {
    let client = app.store.client(&bound.data.request.client_id).await?;
    if client.is_some_and(|client| client.broker) {
        return Ok(FormsLead::Onward);
    }
    let client = FormsLead::through([bound.data.request.redirect_uri.as_str()]);
    Ok(client.and(app.form_sources.iter().cloned()))
}

fn hidden(bound: &Bound) -> Vec<(String, String)> {
    vec![("v".to_owned(), bound.version.to_string())]
}

fn login_id(bound: &Bound) -> String {
    bound.data.login_id.clone().unwrap_or_default()
}

/// The page for a prompt.
pub async fn prompt(
    app: &App,
    headers: &HeaderMap,
    bound: &Bound,
    prompt: &Prompt,
    notice: Notice,
) -> Outcome {
    let shell = page::shell(app, bound.data.reference.as_str());
    let body = match prompt {
        Prompt::ChooseAccount => return choose(app, headers, bound, true).await,
        Prompt::Password => views::Password {
            action: bound.path(),
            hidden: hidden(bound),
            login_id: login_id(bound),
            error: notice.text(),
            warning: None,
        }
        .render(&shell)?,
        Prompt::Code => views::Code {
            action: bound.path(),
            hidden: hidden(bound),
            login_id: login_id(bound),
            profile_label: app.config.authenticator.label.clone(),
            error: notice.text(),
        }
        .render(&shell)?,
        Prompt::MatchNumber {
            challenge,
            expires_at,
        } => number(app, bound, challenge, *expires_at, &notice).await?,
        Prompt::NumberOver(end) => number_over(app, bound, *end)?,
        Prompt::NumberLimited { until } => number_limited(app, bound, *until)?,
        Prompt::Consent => consent(app, bound).await?,
        Prompt::Denied(problem) => return denied(app, bound, *problem).await,
        Prompt::SendNumber | Prompt::Upstream(_) => {
            return Err(crate::app::Error::internal("a prompt has no page").into());
        }
    };
    let mut response = page::html(body, notice.status(), &leads(app, bound).await?);
    if let Notice::Locked(until) = notice {
        retry_after(&mut response, until.since(app.now()));
    }
    Ok(response)
}

fn retry_after(response: &mut Response, seconds: i64) {
    if let Ok(value) = HeaderValue::from_str(&seconds.max(1).to_string()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
}

/// The picker, whomever the request names.
pub async fn pick(app: &App, headers: &HeaderMap, bound: &Bound) -> Outcome {
    choose(app, headers, bound, false).await
}

/// The picker where accounts are known in this browser, else the sign-in page; that one too where the request names
/// somebody (`login_hint`) whom this browser does not know.
async fn choose(app: &App, headers: &HeaderMap, bound: &Bound, heed_hint: bool) -> Outcome {
    let here = session::here(app, headers).await?;
    let known = session::known(app, headers, &here).await?;
    let mut accounts = Vec::new();
    for id in &known {
        let Some(account) = app.store.account(id).await? else {
            continue;
        };
        accounts.push(views::AccountRow {
            handle: post::handle_of(app, bound, id),
            signed_in: here.entry_of(id).is_some(),
            name: account.name,
            login_id: account.login_id,
            organisation: account.organisation,
        });
    }
    let hint = bound.data.request.login_hint.as_deref();
    let hint = hint.and_then(|hint| normalize_login_id(hint).ok());
    let stranger = hint.as_ref().is_some_and(|hint| {
        let asked = &bound.data.login.asked;
        heed_hint
            && !asked.select_account
            && accounts.iter().all(|account| account.login_id != *hint)
    });
    if accounts.is_empty() || stranger {
        // Only an address that may sign in here is worth filling in.
        let known = |login_id: &String| app.config.home_of(domain_of(login_id)).is_some();
        let typed = hint.filter(known).unwrap_or_default();
        let page = views::SignIn {
            login_id: typed,
            pick_url: pick_url(bound, accounts.len()),
            ..views::SignIn::default()
        };
        return sign_in_page(app, bound, page, StatusCode::OK).await;
    }
    let body = views::PickAccount {
        action: bound.path(),
        hidden: hidden(bound),
        app: Some(bound.data.app.clone()),
        accounts,
    }
    .render(&page::shell(app, bound.data.reference.as_str()))?;
    Ok(page::html(body, StatusCode::OK, &leads(app, bound).await?))
}

/// The sign-in page with what was wrong.
pub async fn sign_in(app: &App, bound: &Bound, typed: &str, notice: Notice) -> Outcome {
    let page = views::SignIn {
        login_id: typed.to_owned(),
        error: notice.text(),
        pick_url: pick_url(bound, 1),
        ..views::SignIn::default()
    };
    sign_in_page(app, bound, page, notice.status()).await
}

/// The sign-in page for another account than the known ones, whose field the person asked for.
pub async fn another(app: &App, headers: &HeaderMap, bound: &Bound) -> Outcome {
    let here = session::here(app, headers).await?;
    let known = session::known(app, headers, &here).await?;
    let page = views::SignIn {
        pick_url: pick_url(bound, known.len()),
        focus: true,
        ..views::SignIn::default()
    };
    sign_in_page(app, bound, page, StatusCode::OK).await
}

/// The way to the picker, where there is somebody to pick.
fn pick_url(bound: &Bound, known: usize) -> Option<String> {
    (known > 0).then(|| format!("{}?{}", bound.path(), post::PICK))
}

async fn sign_in_page(
    app: &App,
    bound: &Bound,
    page: views::SignIn,
    status: StatusCode,
) -> Outcome {
    let body = views::SignIn {
        action: bound.path(),
        hidden: hidden(bound),
        app: Some(bound.data.app.clone()),
        ..page
    }
    .render(&page::shell(app, bound.data.reference.as_str()))?;
    Ok(page::html(body, status, &leads(app, bound).await?))
}

async fn number(
    app: &App,
    bound: &Bound,
    challenge: &ChallengeId,
    expires_at: Timestamp,
    notice: &Notice,
) -> Result<String, crate::app::Error> {
    let row = app.store.challenge(challenge).await?;
    let Some(row) = row else {
        // Swept while the clock was ahead.
        return number_over(app, bound, NumberEnd::Expired);
    };
    let number = app.seal.number(&row.challenge.nonce);
    let now = app.now();
    let live = app
        .store
        .challenges_lately(&bound.subject(), LIFETIME_S, now)
        .await?;
    let others = live
        .iter()
        .filter(|other| other.waits(now) && other.challenge.login != bound.id);
    views::Number {
        action: bound.path(),
        hidden: hidden(bound),
        login_id: login_id(bound),
        number: number.to_string(),
        status: WORDS.number_waiting.to_string(),
        expires_in_s: expires_at.since(now),
        events_url: format!("{}/events", bound.path()),
        status_url: format!("{}/status", bound.path()),
        next_url: bound.path(),
        renew_allowed: true,
        app: Some(bound.data.app.clone()),
        several: others.count() > 0,
        error: notice.text(),
    }
    .render(&page::shell(app, bound.data.reference.as_str()))
    .map_err(Into::into)
}

fn number_over(app: &App, bound: &Bound, end: NumberEnd) -> Result<String, crate::app::Error> {
    let (problem, heading, sentence) = match end {
        NumberEnd::Wrong => (
            Problem::NumberWrong,
            WORDS.ended_wrong_heading,
            WORDS.ended_wrong,
        ),
        NumberEnd::Expired => (
            Problem::NumberExpired,
            WORDS.ended_expired_heading,
            WORDS.ended_expired,
        ),
        _ if bound.data.login.was_limited() => (
            Problem::NumberExpired,
            WORDS.ended_superseded_heading,
            WORDS.ended_limit_over,
        ),
        _ => (
            Problem::NumberExpired,
            WORDS.ended_superseded_heading,
            WORDS.ended_superseded,
        ),
    };
    over_page(app, bound, problem, (heading, sentence), None)
}

fn number_limited(app: &App, bound: &Bound, until: Timestamp) -> Result<String, crate::app::Error> {
    let words = (WORDS.ended_limited_heading, WORDS.ended_limited);
    over_page(
        app,
        bound,
        Problem::TooManyTries,
        words,
        Some(clock_time(until)),
    )
}

fn over_page(
    app: &App,
    bound: &Bound,
    problem: Problem,
    (heading, sentence): (Text, Text),
    limited_until: Option<String>,
) -> Result<String, crate::app::Error> {
    views::NumberEnded {
        action: bound.path(),
        hidden: hidden(bound),
        login_id: login_id(bound),
        heading: heading.to_string(),
        sentence: sentence.to_string(),
        renew: limited_until.is_none(),
        limited_until,
        app: Some(bound.data.app.clone()),
        problem_code: Some(problem.code().to_owned()),
    }
    .render(&page::shell(app, bound.data.reference.as_str()))
    .map_err(Into::into)
}

async fn consent(app: &App, bound: &Bound) -> Result<String, crate::app::Error> {
    let request = &bound.data.request;
    let client = app.store.client(&request.client_id).await?;
    let home = client
        .as_ref()
        .and_then(|client| client.client_uri.as_deref());
    let home = home.unwrap_or(&request.redirect_uri);
    views::Consent {
        action: bound.path(),
        hidden: hidden(bound),
        app: bound.data.app.clone(),
        home_host: page::host_of(home),
        account: login_id(bound),
        allows: views::allows(&WORDS, &request.scope, &request.claims_beyond_scope()),
        policy: client.as_ref().and_then(|client| client.policy_uri.clone()),
        terms: client.and_then(|client| client.tos_uri.clone()),
    }
    .render(&page::shell(app, bound.data.reference.as_str()))
    .map_err(Into::into)
}

fn facts(app: &App, bound: &Bound) -> views::Facts {
    views::Facts {
        app: Some(bound.data.app.clone()),
        brand: app.config.brand.name.clone(),
        help: app.config.brand.help.clone(),
        account: bound.data.login_id.clone(),
        profile: Some(app.config.authenticator.label.clone()),
        ..Default::default()
    }
}

fn details(app: &App, bound: &Bound) -> Vec<(String, String)> {
    let chosen = bound.data.login.evidence.chosen.as_ref();
    let rule = chosen.map(|chosen| bound.data.login.decision(&app.rules(), chosen).rule);
    let mut details = vec![("Time".to_owned(), date_time(app.now()))];
    details.extend(rule.map(|rule| ("Policy".to_owned(), rule)));
    details
}

/// "2026-11-24 22:05:37 UTC".
pub fn date_time(at: Timestamp) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let moment = time::OffsetDateTime::from_unix_timestamp(at.0);
    moment
        .ok()
        .and_then(|moment| moment.format(&format).ok())
        .unwrap_or_default()
}

fn back(bound: &Bound) -> Option<views::Back> {
    Some(views::Back {
        label: WORDS.back_to.with("app", &bound.data.app),
        action: bound.path(),
        hidden: hidden(bound),
    })
}

/// Refused as things stand.
async fn denied(app: &App, bound: &Bound, problem: Problem) -> Outcome {
    let mut refused = views::Refused::of(problem.code(), &facts(app, bound));
    refused.details = details(app, bound);
    refused.back = back(bound);
    let mut reference = bound.data.reference.as_str().to_owned();
    if problem.code().starts_with("DEV") {
        refused.check_again = Some(views::CheckAgain {
            action: bound.path(),
            hidden: hidden(bound),
        });
    }
    if problem == Problem::OnHold
        && let Some(id) = bound.account()
        && let Some(account) = app.store.account(id).await?
        && let Status::OnHold {
            reference: held, ..
        } = account.status
    {
        reference = held.as_str().to_owned();
    }
    let body = refused.render(&page::shell(app, &reference))?;
    Ok(page::html(
        body,
        StatusCode::FORBIDDEN,
        &leads(app, bound).await?,
    ))
}

/// A login that ended without a code, for a person.
pub fn refusal(app: &App, bound: &Bound, refusal: Refusal) -> Outcome {
    let problem = match refusal {
        Refusal::Problem(problem) => problem,
        _ => Problem::PageExpired,
    };
    let mut refused = views::Refused::of(problem.code(), &facts(app, bound));
    refused.details = details(app, bound);
    refused.back = back(bound);
    refused.focus = true;
    refused.start_again = Some(match crate::oidc::device::id_of(app, &bound.data.request) {
        Some(_) => format!("{}{}", app.issuer, crate::oidc::device::PAGE),
        None => format!("{}/authorize?{}", app.issuer, bound.data.query),
    });
    let body = refused.render(&page::shell(app, bound.data.reference.as_str()))?;
    // Its only form goes back to the application, wherever that leads on to.
    Ok(page::html(body, StatusCode::FORBIDDEN, &FormsLead::Onward))
}
