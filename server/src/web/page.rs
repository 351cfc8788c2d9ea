//! How requests end: a page, a redirect, or a problem with its code and reference.

use crate::app::{App, Error};
use crate::login::show::clock_time;
use crate::seal::sha256;
use crate::views;
use crate::web::observe;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use techpass_domain::client::Client;
use techpass_domain::oidc::answer::Answer;
use techpass_domain::problem::Problem;
use techpass_domain::time::Timestamp;
use techpass_store::StoreError;
use url::Url;

/// What a page's forms may lead to. Chromium applies `form-action` to every redirect that follows a form, and an application
/// may send its person on to another address of its own
/// ([decision 8](../../../docs/decisions/0008-form-action-and-brokers.md)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormsLead {
    /// Here, and to these source expressions.
    To(Vec<String>),
    /// Further than this server knows: the application is itself a sign-in server that sends people on.
    Onward,
}

impl FormsLead {
    /// Here and nowhere else.
    pub const HERE: FormsLead = FormsLead::To(Vec::new());

    /// Here, and through these addresses to wherever they lead on.
    pub fn through<'a>(uris: impl IntoIterator<Item = &'a str>) -> FormsLead {
        FormsLead::HERE.and(uris.into_iter().flat_map(sources_of))
    }

    /// To these source expressions, too.
    pub fn and(self, more: impl IntoIterator<Item = String>) -> FormsLead {
        let FormsLead::To(mut sources) = self else {
            return self;
        };
        for source in more {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        FormsLead::To(sources)
    }
}

/// The source expressions of an address for `form-action` (CSP Level 3 §2.3.1): its origin and, for redirects that follow,
/// whatever has its scheme; on loopback other ports of this computer. For native applications it is their own scheme alone.
pub fn sources_of(uri: &str) -> Vec<String> {
    let Ok(url) = Url::parse(uri) else {
        return Vec::new();
    };
    let origin = crate::config::origin(&url);
    match (url.scheme(), url.host_str()) {
        ("https", _) => vec![origin, "https:".to_owned()],
        ("http", Some("localhost" | "127.0.0.1" | "[::1]")) => {
            let ports = ["http://localhost:*", "http://127.0.0.1:*"].map(str::to_owned);
            std::iter::once(origin).chain(ports).collect()
        }
        ("http", _) => vec![origin],
        (scheme, _) => vec![format!("{scheme}:")],
    }
}

/// A handler's result.
pub type Outcome = Result<Response, Fault>;

/// Why a request ended without what it came for.
#[derive(Debug)]
pub enum Fault {
    /// A person's problem, shown as a page with this status.
    Problem(Problem, StatusCode),
    /// The operator's; logged once here, with the reference the person sees.
    Failure(Error),
}

impl<E: Into<Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Fault::Failure(error.into())
    }
}

impl Fault {
    /// A page that is too old, or of another browser.
    pub fn expired() -> Fault {
        Fault::Problem(Problem::PageExpired, StatusCode::BAD_REQUEST)
    }

    /// The page. Failures of the database are told apart from others, since they are nobody's fault and pass.
    pub fn into_page(self, app: &App) -> Response {
        match self {
            Fault::Problem(problem, status) => refused(app, problem, status),
            Fault::Failure(error) => failure(app, &error),
        }
    }
}

fn failure(app: &App, error: &Error) -> Response {
    crate::app::end_if_broken(error);
    let reference = observe::reference();
    note_failure(error, &reference);
    let (problem, status) = match error {
        Error::Overloaded => (Problem::Busy, StatusCode::SERVICE_UNAVAILABLE),
        // No text that people type has one, and no application sends one.
        Error::Store(StoreError::Nul) => (Problem::Unsupported, StatusCode::BAD_REQUEST),
        Error::Store(_) => (Problem::Database, StatusCode::SERVICE_UNAVAILABLE),
        _ => (Problem::Maintenance, StatusCode::INTERNAL_SERVER_ERROR),
    };
    let mut response = refused_with(app, problem, status, &reference);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let later = HeaderValue::from_static("5");
        response.headers_mut().insert(header::RETRY_AFTER, later);
    }
    response
}

/// The line of a request that failed. Too much work is no fault of the program, and would fill the log.
pub fn note_failure(error: &Error, reference: &str) {
    let trace_id = observe::trace_id();
    if matches!(error, Error::Overloaded) {
        tracing::info!(reference, trace_id, "a request was turned away");
    } else {
        tracing::error!(reference, trace_id, error = %chain(error), "request failed");
    }
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What every page shows around itself.
pub fn shell(app: &App, reference: &str) -> views::Shell {
    views::Shell {
        brand: app.config.brand.name.clone(),
        demo_ribbon: app.config.brand.demonstration,
        reference: reference.to_owned(),
        asset_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// A page of HTML with its security policy: scripts of our own only.
pub fn html(body: String, status: StatusCode, leads: &FormsLead) -> Response {
    with_policy(body, status, "'self'", leads)
}

fn with_policy(body: String, status: StatusCode, scripts: &str, leads: &FormsLead) -> Response {
    let form_action = match leads {
        FormsLead::To(origins) if origins.is_empty() => "; form-action 'self'".to_owned(),
        FormsLead::To(origins) => format!("; form-action 'self' {}", origins.join(" ")),
        FormsLead::Onward => String::new(),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src {scripts}; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; frame-ancestors 'none'{form_action}"
    );
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Lets a page hold exactly these frames.
pub fn permit_frames(response: &mut Response, frames: &[String]) {
    let headers = response.headers_mut();
    let present = headers.get(header::CONTENT_SECURITY_POLICY);
    let Some(present) = present.and_then(|value| value.to_str().ok()) else {
        return;
    };
    // Without query and fragment, which a policy does not have; `;` and `,` would end it.
    let bare = |uri: &String| {
        let end = uri.find(['?', '#']).unwrap_or(uri.len());
        let bare = uri.get(..end).unwrap_or_default();
        bare.replace(';', "%3B").replace(',', "%2C")
    };
    let sources: Vec<String> = frames.iter().map(bare).collect();
    let policy = format!("{present}; frame-src {}", sources.join(" "));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// A page that leads nowhere else.
pub fn own(body: String, status: StatusCode) -> Response {
    html(body, status, &FormsLead::HERE)
}

/// 303: what follows a form is always fetched with GET (RFC 9700 §4.12).
pub fn see_other(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(location) {
        Ok(value) => {
            response.headers_mut().insert(header::LOCATION, value);
            response
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Runs where scripts do: the form goes on by itself. The page works without it, by its button.
pub const SUBMIT: &str = "document.forms[0].submit()";

/// Says that a page is an answer for the client, which must not be fetched a second time.
#[derive(Clone, Copy)]
struct Leaves;

/// Whether a response leads to the client, by a page that posts itself.
pub fn leaves(response: &Response) -> bool {
    response.extensions().get::<Leaves>().is_some()
}

/// An answer on its way to the client named `client_name`: a redirect, or a page whose form the browser posts (Form Post
/// Response Mode §2). Of scripts that page permits exactly [`SUBMIT`].
pub fn answer(app: &App, answer: Answer, client_name: &str, leads: &FormsLead) -> Outcome {
    let (action, fields) = match answer {
        Answer::Redirect(location) => return Ok(see_other(&location)),
        Answer::Form { action, fields } => (action, fields),
    };
    let page = views::FormPost {
        action,
        hidden: fields,
        app: client_name.to_owned(),
        script: SUBMIT,
    };
    let hash = STANDARD.encode(sha256(SUBMIT.as_bytes()));
    let body = page.render(&shell(app, ""))?;
    let mut response = with_policy(body, StatusCode::OK, &format!("'sha256-{hash}'"), leads);
    // The client's site may look at `Origin`, and learns nothing but that from it.
    let origin = HeaderValue::from_static("origin");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, origin);
    response.extensions_mut().insert(Leaves);
    Ok(response)
}

/// Where forms may lead that end at this client: to its redirect URI, or further where it is itself a sign-in server.
pub fn back_to(client: &Client, redirect_uri: &str) -> FormsLead {
    match client.broker {
        true => FormsLead::Onward,
        false => FormsLead::through([redirect_uri]),
    }
}

/// The host of an address, as people read it; empty when it has none.
pub fn host_of(uri: &str) -> String {
    let url = Url::parse(uri);
    let host = url.ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_default()
}

/// The page for a problem, without anything to go back to.
pub fn refused(app: &App, problem: Problem, status: StatusCode) -> Response {
    refused_with(app, problem, status, &observe::reference())
}

fn refused_with(app: &App, problem: Problem, status: StatusCode, reference: &str) -> Response {
    let page = views::Refused::of(problem.code(), &facts(app));
    render(app, &page, status, reference)
}

/// What a problem's sentences may mention where nothing is known of the person.
pub fn facts(app: &App) -> views::Facts {
    views::Facts {
        brand: app.config.brand.name.clone(),
        help: app.config.brand.help.clone(),
        ..Default::default()
    }
}

/// 429: a page that says from when on it goes on.
pub fn refused_until(app: &App, problem: Problem, until: Timestamp) -> Response {
    let facts = views::Facts {
        time: Some(clock_time(until)),
        ..facts(app)
    };
    let page = views::Refused::of(problem.code(), &facts);
    render(
        app,
        &page,
        StatusCode::TOO_MANY_REQUESTS,
        &observe::reference(),
    )
}

/// Renders a refusal; if even that fails, plain text that says so.
pub fn render(app: &App, page: &views::Refused, status: StatusCode, reference: &str) -> Response {
    match page.render(&shell(app, reference)) {
        Ok(body) => own(body, status),
        Err(_) => (status, "The page cannot be shown.").into_response(),
    }
}

/// 421: the page was opened under another address (RFC 9110 §15.5.20).
pub fn wrong_host(app: &App) -> Response {
    let mut page = views::Refused::of(Problem::WrongHost.code(), &facts(app));
    page.start_again = Some(format!("{}/", app.issuer));
    let status = StatusCode::MISDIRECTED_REQUEST;
    render(app, &page, status, &observe::reference())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_through_applications_to_wherever_these_send_their_people() {
        for (uris, sources) in [
            (vec![], ""),
            (vec!["no address"], ""),
            (
                vec!["https://app.example:8443/cb?x=1"],
                "https://app.example:8443 https:",
            ),
            (
                vec!["https://app.example/cb", "https://home.example/authorize"],
                "https://app.example https: https://home.example",
            ),
            (
                vec!["http://localhost:3000/cb"],
                "http://localhost:3000 http://localhost:* http://127.0.0.1:*",
            ),
            (
                vec!["http://127.0.0.1:9/cb"],
                "http://127.0.0.1:9 http://localhost:* http://127.0.0.1:*",
            ),
            (vec!["http://app.example/cb"], "http://app.example"),
            (
                vec!["http://localhost.example/cb"],
                "http://localhost.example",
            ),
            (vec!["com.example.app:/cb"], "com.example.app:"),
        ] {
            let sources = sources.split_whitespace().map(str::to_owned).collect();
            assert_eq!(
                FormsLead::through(uris.clone()),
                FormsLead::To(sources),
                "{uris:?}"
            );
        }
    }
}
