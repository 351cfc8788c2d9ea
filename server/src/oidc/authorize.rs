//! The authorization endpoint (OpenID Connect Core §3.1.2). Until the redirect URI is trusted an error is a page;
//! afterwards it is a redirect.

use super::request_object;
use super::subject::account_of;
use crate::app::{App, Error};
use crate::login::begin::{self, Hints, Wanted};
use crate::login::{self, advance};
use crate::session;
use crate::views;
use crate::web::cookies::{self, Cookie};
use crate::web::observe;
use crate::web::page::{self, Outcome};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use techpass_domain::client::Client;
use techpass_domain::id::AccountId;
use techpass_domain::login::Next;
use techpass_domain::oidc::answer::RedirectError;
use techpass_domain::oidc::authorization::{self, AuthorizationRequest, PageError};
use techpass_domain::oidc::end_session::{Hint, hint};
use techpass_domain::oidc::error::{AuthorizationError, AuthorizationErrorCode};
use techpass_domain::oidc::params::Params;
use techpass_domain::problem::Problem;

/// Takes a request, by GET from the query or by POST from the form.
pub async fn authorize(app: &App, parts: &Parts, encoded: &str) -> Outcome {
    let params = match Params::parse_repeated(encoded) {
        Ok(params) => params,
        Err(error) => {
            return Ok(page_error(
                app,
                Problem::Unsupported,
                &error.to_string(),
                None,
            ));
        }
    };
    let id = match authorization::identify(&params) {
        Ok(id) => id,
        Err(error) => return Ok(refused(app, &error)),
    };
    let Some(client) = app.store.client(&id).await? else {
        return Ok(refused(app, &PageError::unknown_client()));
    };
    let effective = match request_object::effective(app, &params, &client).await {
        Ok(effective) => effective,
        Err(error) => {
            return match authorization::refused_early(&params, &client, error) {
                Ok(error) => told(app, &client, &error),
                Err(error) => Ok(refused(app, &error)),
            };
        }
    };
    // Made anew, the request is the effective one: an object can be gone or expired by then.
    let query = effective.as_ref().map(Params::to_query);
    let query = query.unwrap_or_else(|| encoded.to_owned());
    let params = effective.unwrap_or(params);
    let trusted = match authorization::trust(&params, &client) {
        Ok(trusted) => trusted,
        Err(error) => return Ok(refused(app, &error)),
    };
    let request = match authorization::check(&params, &client, &trusted) {
        Ok(request) => request,
        Err(error) => return told(app, &client, &error),
    };
    let hints = match named(app, &client, &request).await? {
        Ok(hints) => hints,
        Err(error) => return told(app, &client, &RedirectError { error, to: trusted }),
    };
    let wanted = Wanted {
        hints,
        request,
        query,
    };
    begun(app, parts, &client, wanted).await
}

/// Lays the login down; where nobody has to be asked it is answered at once.
pub(super) async fn begun(app: &App, parts: &Parts, client: &Client, wanted: Wanted) -> Outcome {
    let here = session::here(app, &parts.headers).await?;
    let silent = wanted.request.prompt.none;
    let begun = begin::begin(app, parts, client, wanted, &here).await?;
    let mut bound = begun.bound;
    let at_once = silent || matches!(bound.next(app), Next::Collect);
    let mut response = if at_once {
        // A login that is satisfied already is added together with its answer.
        advance::advance(app, &parts.headers, bound).await?
    } else {
        login::lay_down(app, &mut bound).await?;
        page::see_other(&bound.path())
    };
    if let Some(browser) = begun.new_browser {
        cookies::set(app, response.headers_mut(), Cookie::Browser, &browser);
    }
    Ok(response)
}

/// Tells the client what is wrong with its request.
fn told(app: &App, client: &Client, error: &RedirectError) -> Outcome {
    let leads = page::back_to(client, error.to.redirect_uri());
    page::answer(app, error.answer(&app.issuer), &client.name, &leads)
}

/// Whom the request insists on: the `sub` that its claims name (Core §5.5.1), else its `id_token_hint`, expired ones too
/// (§3.1.2.1). A hint that this server did not issue to this client names nobody: without a page that is
/// `login_required`, otherwise the person says who they are.
async fn named(
    app: &App,
    client: &Client,
    request: &AuthorizationRequest,
) -> Result<Result<Hints, AuthorizationError>, Error> {
    let hinted = request.id_token_hint.as_deref().map(|token| {
        let claims = super::our_own_id_token(app, token)?;
        match hint(&claims, &app.issuer) {
            Hint::Valid(hinted) if hinted.client == client.id => Some(hinted.subject),
            _ => None,
        }
    });
    if matches!(hinted, Some(None)) && request.prompt.none {
        return Ok(Err(AuthorizationError::new(
            AuthorizationErrorCode::LoginRequired,
            "The parameter id_token_hint must be an ID token that this server issued to this client.",
        )));
    }
    let subject = request.claims.subject().map(str::to_owned);
    let Some(subject) = subject.or(hinted.flatten()) else {
        return Ok(Ok(Hints::default()));
    };
    let account = account_of(app, client, &subject).await?;
    // A name that is nobody's fits nobody, and no account's id looks like this.
    let nobody = || AccountId::new(format!("nobody {subject}"));
    Ok(Ok(Hints {
        only: Some(account.clone().unwrap_or_else(nobody)),
        account,
    }))
}

fn refused(app: &App, error: &PageError) -> Response {
    let comparison = error.comparison.as_ref().map(|comparison| {
        let mut rows = vec![("Sent".to_owned(), comparison.sent.clone())];
        let registered = comparison.registered.iter();
        rows.extend(registered.map(|uri| ("Registered".to_owned(), uri.clone())));
        rows
    });
    page_error(app, error.problem, &error.sentence, comparison)
}

fn page_error(
    app: &App,
    problem: Problem,
    sentence: &str,
    developer: Option<Vec<(String, String)>>,
) -> Response {
    let facts = views::Facts {
        brand: app.config.brand.name.clone(),
        help: app.config.brand.help.clone(),
        ..Default::default()
    };
    let mut refused = views::Refused::of(problem.code(), &facts);
    refused.details = vec![(
        "For the application's owner".to_owned(),
        sentence.to_owned(),
    )];
    refused.developer = developer;
    let reference = observe::reference();
    tracing::info!(
        reference,
        problem = problem.code(),
        "authorization request refused"
    );
    page::render(app, &refused, StatusCode::BAD_REQUEST, &reference)
}
