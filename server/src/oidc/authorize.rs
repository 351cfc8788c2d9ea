//! The authorization endpoint (OpenID Connect Core §3.1.2). Until the redirect URI is trusted an error is a page;
//! afterwards it is a redirect.

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
use techpass_domain::oidc::authorization::{self, AuthorizationRequest, PageError};
use techpass_domain::oidc::end_session::{Hint, hint};
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
    let trusted = match authorization::trust(&params, &client) {
        Ok(trusted) => trusted,
        Err(error) => return Ok(refused(app, &error)),
    };
    let request = match authorization::check(&params, &client, &trusted) {
        Ok(request) => request,
        Err(error) => return Ok(page::see_other(&error.location(&app.issuer))),
    };
    let here = session::here(app, &parts.headers).await?;
    let silent = request.prompt.none;
    let wanted = Wanted {
        hints: Hints {
            account: hinted(app, &client, &request).await?,
        },
        request,
        query: encoded.to_owned(),
    };
    let begun = begin::begin(app, parts, &client, wanted, &here).await?;
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

/// Whom `id_token_hint` names, when it is one of ours; expired ones count (Core §3.1.2.1).
async fn hinted(
    app: &App,
    client: &Client,
    request: &AuthorizationRequest,
) -> Result<Option<AccountId>, Error> {
    let token = request.id_token_hint.as_deref();
    let claims = token.and_then(|token| super::our_own_id_token(app, token));
    match claims.map(|claims| hint(&claims, &app.issuer)) {
        Some(Hint::Valid(hinted)) => account_of(app, client, &hinted.subject).await,
        Some(Hint::Absent | Hint::Invalid) | None => Ok(None),
    }
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
