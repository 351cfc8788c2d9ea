//! What a person sent from a page of a login.

use super::advance::{self, advance};
use super::factors::{self, Tried};
use super::show::{self, Notice};
use super::{Bound, Driven, begin, drive, failures, number};
use crate::app::App;
use crate::oidc::{backchannel, end_session};
use crate::session;
use crate::views::words::ENGLISH as WORDS;
use crate::web::form::Form;
use crate::web::page::{self, Fault, Outcome};
use http::{HeaderMap, StatusCode};
use techpass_domain::access::Factor;
use techpass_domain::account::{LoginIdError, normalize_login_id};
use techpass_domain::id::AccountId;
use techpass_domain::login::verification_code::Verdict;
use techpass_domain::login::{Event, Next, Outcome as LoginOutcome, Prompt};
use techpass_domain::problem::Problem;
use techpass_store::Write;
use zeroize::Zeroizing;

/// The query that shows the sign-in page instead of the picker.
pub const ANOTHER: &str = "another";
/// The query that shows the picker although the request names somebody else.
pub const PICK: &str = "pick";
/// Longest password that is looked at, in bytes.
const PASSWORD_MAX: usize = crate::passwords::LENGTH_MAX;

/// Takes a form. A form of an older page (sent twice, kept in a tab, brought back) changes nothing: the browser is led to
/// where the login stands.
pub async fn post(app: &App, headers: &HeaderMap, address: &str, mut form: Form) -> Outcome {
    let bound = super::find(app, headers, address).await?;
    let version = form.get("v").and_then(|v| v.parse::<i64>().ok());
    let Some(version) = version else {
        return Err(Fault::expired());
    };
    let next = bound.next(app);
    if let Next::Finish(outcome) = next {
        return after_the_end(app, &bound, outcome, &form).await;
    }
    if version != bound.version {
        return Ok(page::see_other(&bound.path()));
    }
    match form.get("do") {
        Some("cancel" | "back" | "deny") => {
            return event(app, headers, bound, Event::Cancelled).await;
        }
        Some("check") => {
            let device = session::device(app, headers).await?;
            return event(app, headers, bound, Event::DeviceSeen(device)).await;
        }
        _ => {}
    }
    if form.get("another").is_some() {
        return another(app, headers, bound).await;
    }
    match next {
        Next::Ask(Prompt::ChooseAccount) => choose(app, headers, bound, &form).await,
        Next::Ask(Prompt::Password) => {
            let typed = Zeroizing::new(form.take("password").unwrap_or_default());
            password(app, headers, bound, typed).await
        }
        Next::Ask(Prompt::Code) => {
            let typed = Zeroizing::new(form.take("code").unwrap_or_default());
            code(app, headers, bound, &typed).await
        }
        Next::Ask(
            prompt @ (Prompt::MatchNumber { .. }
            | Prompt::NumberOver(_)
            | Prompt::NumberLimited { .. }),
        ) => number_page(app, headers, bound, &prompt, &form).await,
        Next::Ask(Prompt::Consent) if form.get("do") == Some("allow") => {
            event(app, headers, bound, Event::ConsentGiven).await
        }
        _ => advance(app, headers, bound).await,
    }
}

/// A login that is over has one button left: back to the application.
async fn after_the_end(app: &App, bound: &Bound, outcome: LoginOutcome, form: &Form) -> Outcome {
    match (outcome, form.get("do")) {
        (LoginOutcome::Refused(refusal), Some("back" | "cancel")) => {
            advance::back_to_client(app, bound, refusal).await
        }
        _ => Ok(page::see_other(&bound.path())),
    }
}

async fn event(app: &App, headers: &HeaderMap, bound: Bound, event: Event) -> Outcome {
    match drive(app, bound, event, Vec::new()).await? {
        Driven::Taken(after) => follow(app, headers, *after).await,
        Driven::Stale(after) => Ok(page::see_other(&after.path())),
        Driven::Lost(_) | Driven::Barred(_) => Err(Fault::expired()),
    }
}

/// Somebody else wants to sign in: whom this browser knows can be picked, else the field is asked for.
async fn another(app: &App, headers: &HeaderMap, bound: Bound) -> Outcome {
    let after = match drive(app, bound, Event::AnotherAccount, Vec::new()).await? {
        Driven::Taken(after) | Driven::Stale(after) => *after,
        Driven::Lost(_) | Driven::Barred(_) => return Err(Fault::expired()),
    };
    let here = session::here(app, headers).await?;
    let nobody = session::known(app, headers, &here).await?.is_empty();
    let path = after.path();
    Ok(page::see_other(&match nobody {
        true => format!("{path}?{ANOTHER}"),
        false => path,
    }))
}

/// After a form that was taken: the next page of this login by redirect, so that reloading it sends nothing twice;
/// whatever leads elsewhere at once.
async fn follow(app: &App, headers: &HeaderMap, bound: Bound) -> Outcome {
    match bound.next(app) {
        Next::Ask(Prompt::SendNumber) => {
            let path = bound.path();
            number::send(app, bound).await?;
            Ok(page::see_other(&path))
        }
        Next::Collect => {
            let path = bound.path();
            let response = advance(app, headers, bound).await?;
            // A page that was rendered in place is fetched anew, for the same reason.
            Ok(
                if response.status() == StatusCode::OK && !page::leaves(&response) {
                    page::see_other(&path)
                } else {
                    response
                },
            )
        }
        Next::Ask(Prompt::Upstream(_)) | Next::Finish(_) => advance(app, headers, bound).await,
        Next::Ask(_) => Ok(page::see_other(&bound.path())),
    }
}

async fn choose(app: &App, headers: &HeaderMap, mut bound: Bound, form: &Form) -> Outcome {
    if let Some(handle) = form.get("remove") {
        return forget(app, headers, bound, handle).await;
    }
    let here = session::here(app, headers).await?;
    let (chosen, login_id) = match (form.get("account"), form.get("login_id")) {
        (Some("other"), _) => {
            return Ok(page::see_other(&format!("{}?{ANOTHER}", bound.path())));
        }
        (Some(handle), _) => {
            let known = session::known(app, headers, &here).await?;
            let picked = known
                .into_iter()
                .find(|id| handle_of(app, &bound, id) == handle);
            let Some(id) = picked else {
                return Err(Fault::expired());
            };
            let account = app.store.account(&id).await?.ok_or_else(Fault::expired)?;
            begin::chosen(app, &account.login_id).await?
        }
        (None, typed) => match normalize_login_id(typed.unwrap_or_default()) {
            Ok(login_id) => begin::chosen(app, &login_id).await?,
            Err(error) => {
                let typed: String = typed.unwrap_or_default().chars().take(254).collect();
                let notice = Notice::Error(match error {
                    LoginIdError::Empty => WORDS.login_id_empty.with("id", "TechPass"),
                    _ => WORDS.login_id_incomplete.to_string(),
                });
                return show::sign_in(app, &bound, &typed, notice).await;
            }
        },
    };
    let signed_in = here.signed_in(app).await?;
    let before = signed_in
        .into_iter()
        .map(|(entry, _)| entry)
        .find(|entry| Some(&entry.who.id) == chosen.account());
    bound.data.login_id = Some(login_id);
    event(app, headers, bound, Event::AccountChosen(chosen, before)).await
}

/// What stands for an account in the picker's buttons: useless in any other login.
pub fn handle_of(app: &App, bound: &Bound, account: &AccountId) -> String {
    let value = format!("{}|{account}", bound.id);
    app.seal.derived_text("picker", &value)
}

/// Takes an account off the list, and logs it out here when it is signed in.
async fn forget(app: &App, headers: &HeaderMap, bound: Bound, handle: &str) -> Outcome {
    let here = session::here(app, headers).await?;
    let known = session::known(app, headers, &here).await?;
    let named = known
        .into_iter()
        .find(|id| handle_of(app, &bound, id) == handle);
    let Some(account) = named else {
        return Err(Fault::expired());
    };
    let mut writes = Vec::new();
    for entry in here.not_ended().filter(|entry| entry.account == account) {
        writes.extend(end_session::ending(app, entry).await?);
    }
    writes.push(Write::Forget {
        browser_sha256: bound.browser_sha256.clone(),
        account,
    });
    app.store.commit(writes).await?;
    backchannel::deliver_soon(app);
    Ok(page::see_other(&bound.path()))
}

async fn password(
    app: &App,
    headers: &HeaderMap,
    bound: Bound,
    typed: Zeroizing<String>,
) -> Outcome {
    if typed.is_empty() || typed.len() > PASSWORD_MAX {
        let notice = Notice::Error(WORDS.password_empty.to_string());
        return show::prompt(app, headers, &bound, &Prompt::Password, notice).await;
    }
    let tried = factors::password(app, bound.clone(), typed).await?;
    settled(app, headers, &bound, Factor::Password, tried).await
}

async fn code(app: &App, headers: &HeaderMap, bound: Bound, typed: &str) -> Outcome {
    if typed.trim().is_empty() {
        let notice = Notice::Error(
            WORDS
                .code_empty
                .with("profile", &app.config.authenticator.label),
        );
        return show::prompt(app, headers, &bound, &Prompt::Code, notice).await;
    }
    let tried = factors::code(app, bound.clone(), typed).await?;
    settled(app, headers, &bound, Factor::Code, tried).await
}

/// After a password or code: on, or the same page with what was wrong.
async fn settled(
    app: &App,
    headers: &HeaderMap,
    before: &Bound,
    factor: Factor,
    tried: Tried,
) -> Outcome {
    let prompt = match factor {
        Factor::Password => Prompt::Password,
        Factor::Code | Factor::Number => Prompt::Code,
    };
    let (driven, verdict) = match tried {
        Tried::Driven(driven, verdict) => (driven, verdict),
        Tried::Locked(until) => {
            let notice = Notice::Locked(until);
            return show::prompt(app, headers, before, &prompt, notice).await;
        }
        Tried::Exhausted => {
            return Err(Fault::Problem(Problem::Locked, StatusCode::FORBIDDEN));
        }
    };
    match driven {
        Driven::Taken(after) if after.asks(app, &prompt) => {
            let notice = wrong(app, &after, factor, verdict).await?;
            show::prompt(app, headers, &after, &prompt, notice).await
        }
        Driven::Taken(after) => follow(app, headers, *after).await,
        Driven::Stale(after) => Ok(page::see_other(&after.path())),
        Driven::Lost(_) | Driven::Barred(_) => Err(Fault::expired()),
    }
}

async fn wrong(
    app: &App,
    after: &Bound,
    factor: Factor,
    verdict: Verdict,
) -> Result<Notice, Fault> {
    let failures = failures::of(app, after, factor).await?;
    let rules = failures::rules(app, factor).unwrap_or_default();
    if let Some(until) = failures.locked_until(rules, app.now()) {
        return Ok(Notice::Locked(until));
    }
    let left = rules.failures_max - failures.count % rules.failures_max.max(1);
    let mut text = match (factor, verdict) {
        (Factor::Password, _) => WORDS.password_wrong.to_string(),
        (_, Verdict::Used) => WORDS.code_used.to_string(),
        (_, Verdict::ClockOff { seconds }) => WORDS
            .code_clock
            .with("difference", factors::clock_words(seconds)),
        _ => WORDS
            .code_wrong
            .with("profile", &app.config.authenticator.label),
    };
    if left <= 2 {
        text.push(' ');
        text.push_str(&WORDS.tries_left(left.into(), rules.pause_s / 60));
    }
    Ok(Notice::Error(text))
}

async fn number_page(
    app: &App,
    headers: &HeaderMap,
    bound: Bound,
    prompt: &Prompt,
    form: &Form,
) -> Outcome {
    match form.get("do") {
        Some("renew") => match number::send(app, bound).await? {
            Driven::Taken(after) | Driven::Stale(after) => Ok(page::see_other(&after.path())),
            Driven::Lost(_) | Driven::Barred(_) => Err(Fault::expired()),
        },
        _ => {
            let notice = match prompt {
                Prompt::MatchNumber { .. } => Notice::Error(WORDS.number_not_approved.to_string()),
                _ => Notice::None,
            };
            show::prompt(app, headers, &bound, prompt, notice).await
        }
    }
}
