//! What follows: a number that is due is sent, an upstream is asked, an answer is collected, a page is shown.

use super::collect::{self, NotCollected};
use super::{Bound, Driven, number, show};
use crate::app::App;
use crate::oidc::device;
use crate::upstream;
use crate::web::cookies::{self, Cookie};
use crate::web::page::{self, Fault, FormsLead, Outcome};
use http::{HeaderMap, StatusCode};
use techpass_domain::login::{Login, Next, Outcome as LoginOutcome, Prompt, Refusal};
use techpass_domain::oidc::answer::{self, Answer};
use techpass_domain::oidc::error::{AuthorizationError, AuthorizationErrorCode};
use techpass_domain::oidc::refusal::code_of;

/// Rounds after which something is wrong.
const ROUNDS: usize = 6;

/// Goes on until a person is needed, or the browser goes elsewhere.
pub async fn advance(app: &App, headers: &HeaderMap, mut bound: Bound) -> Outcome {
    for _ in 0..ROUNDS {
        let next = bound.next(app);
        if next != Next::Collect {
            super::lay_down(app, &mut bound).await?;
        }
        match next {
            Next::Ask(Prompt::SendNumber) => {
                bound = match number::send(app, bound.clone()).await? {
                    Driven::Taken(after) | Driven::Stale(after) => *after,
                    Driven::Lost(_) | Driven::Barred(_) => again(app, headers, &bound).await?,
                };
            }
            Next::Ask(Prompt::Upstream(id)) => return upstream::leave(app, bound, &id).await,
            Next::Collect => {
                let here = collect::here(app, headers).await?;
                match collect::collect(app, bound.clone(), &here).await? {
                    Ok(collected) => return granted(app, &bound, collected).await,
                    Err(NotCollected::Stale(after)) => bound = *after,
                    Err(NotCollected::Again) => bound = again(app, headers, &bound).await?,
                    Err(NotCollected::Over) => return Ok(from_the_start(app, &bound)),
                }
            }
            Next::Ask(prompt) => {
                return show::prompt(app, headers, &bound, &prompt, show::Notice::None).await;
            }
            Next::Finish(outcome) => return finished(app, &bound, outcome).await,
        }
    }
    Err(crate::app::Error::internal("a login goes round in circles").into())
}

async fn again(app: &App, headers: &HeaderMap, bound: &Bound) -> Result<Bound, Fault> {
    super::find(app, headers, &bound.address).await
}

async fn granted(app: &App, bound: &Bound, collected: collect::Collected) -> Outcome {
    let request = &bound.data.request;
    let mut response = match device::id_of(app, request) {
        Some(_) => page::see_other(&request.redirect_uri),
        None => told(app, bound, Ok(&collected.code)).await?,
    };
    if let Some(secret) = collected.session_secret {
        cookies::set(app, response.headers_mut(), Cookie::Session, &secret);
    }
    Ok(response)
}

/// The answer on its way to the client, as the request wanted it to travel.
async fn told(app: &App, bound: &Bound, result: Result<&str, &AuthorizationError>) -> Outcome {
    let answer = answer::answer(&bound.data.request.trusted(), &app.issuer, result);
    let leads = match answer {
        Answer::Redirect(_) => FormsLead::HERE,
        Answer::Form { .. } => show::leads(app, bound).await?,
    };
    page::answer(app, answer, &bound.data.app, &leads)
}

async fn finished(app: &App, bound: &Bound, outcome: LoginOutcome) -> Outcome {
    let refusal = match outcome {
        LoginOutcome::Granted => return Ok(again_by_session(app, bound)),
        LoginOutcome::Refused(refusal) => refusal,
    };
    match to_client(&bound.data.login, refusal) {
        Some(_) => back_to_client(app, bound, refusal).await,
        None => show::refusal(app, bound, refusal),
    }
}

/// The answer was taken, and the browser is here again: another tab, a reload, an answer that got lost. The same request
/// is made anew for the account that signed in, and the session carries it. While this login lives, what it asked of the
/// person (`prompt`, `max_age`) is not asked twice; `auth_time` stays true to when it happened.
fn again_by_session(app: &App, bound: &Bound) -> axum::response::Response {
    let query = &bound.data.query;
    if device::id_of(app, &bound.data.request).is_some() {
        return page::see_other(&bound.data.request.redirect_uri);
    }
    if app.now() >= bound.data.login.expires_at {
        return from_the_start(app, bound);
    }
    let asked_before = ["prompt", "max_age", "login_hint", "id_token_hint"];
    let kept = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !asked_before.contains(&name.as_ref()));
    let mut anew = url::form_urlencoded::Serializer::new(String::new());
    anew.extend_pairs(kept);
    if let Some(login_id) = &bound.data.login_id {
        anew.append_pair("login_hint", login_id);
    }
    page::see_other(&format!("{}/authorize?{}", app.issuer, anew.finish()))
}

/// The same request once more, as if nothing had been proven.
fn from_the_start(app: &App, bound: &Bound) -> axum::response::Response {
    page::see_other(&format!("{}/authorize?{}", app.issuer, bound.data.query))
}

/// The error for the client where no page is shown first: `prompt=none`, a person who went back, an upstream that has
/// told the person already.
fn to_client(login: &Login, refusal: Refusal) -> Option<AuthorizationErrorCode> {
    match refusal {
        Refusal::Cancelled(_) | Refusal::Upstream => Some(code_of(&login.asked, refusal)),
        _ if login.asked.none => Some(code_of(&login.asked, refusal)),
        _ => None,
    }
}

/// Sends the browser back to the client with the error. The description begins with the problem's code, whose page is the
/// `error_uri`.
pub async fn back_to_client(app: &App, bound: &Bound, refusal: Refusal) -> Outcome {
    let plainly = |text: &str| (None, text.to_owned());
    let (problem, description) = match refusal {
        Refusal::Problem(problem) | Refusal::Cancelled(Some(problem)) => {
            let reference = &bound.data.reference;
            let description = format!("{} reference {reference}", problem.code());
            (Some(problem), description)
        }
        Refusal::Cancelled(None) => plainly("the person cancelled the sign-in"),
        Refusal::Upstream => match bound.data.upstream_said {
            Some(problem) => {
                let description = format!("{} at the home organisation", problem.code());
                (Some(problem), description)
            }
            None => plainly("the home organisation refused the sign-in"),
        },
        Refusal::Expired => plainly("the sign-in took too long"),
        Refusal::LoginRequired => plainly("nobody is signed in"),
        Refusal::InteractionRequired => plainly("more has to be proven"),
        Refusal::AccountSelectionRequired => plainly("several accounts are signed in"),
        Refusal::ConsentRequired => plainly("consent is missing"),
    };
    let code = code_of(&bound.data.login.asked, refusal);
    let error = AuthorizationError::new(code, &description).about(problem);
    told(app, bound, Err(&error)).await
}

/// A page for GET.
pub async fn get(app: &App, headers: &HeaderMap, address: &str, query: &str) -> Outcome {
    let bound = super::find(app, headers, address).await?;
    if query == super::post::PICK && bound.asks(app, &Prompt::ChooseAccount) {
        return show::pick(app, headers, &bound).await;
    }
    if query == super::post::ANOTHER && bound.asks(app, &Prompt::ChooseAccount) {
        return show::another(app, headers, &bound).await;
    }
    advance(app, headers, bound).await
}

/// The status of a page that is shown again because of an error (RFC 9110 §15.5.21).
pub const AGAIN: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
