//! The control page of a demonstration: this browser's computer, a phone, the mailbox, the clock.

use super::moved;
use super::people::{PEOPLE, Person};
use super::world::World;
use crate::exit::{Exit, Failure};
use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Json, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use techpass_domain::device::DeviceClass;
use techpass_server::app::App;
use techpass_server::devices::{self, Ticket};
use techpass_server::wake::Change;
use techpass_server::web::shell::{is_addressed_to, protect};
use techpass_server::{authenticator, mail};
use url::Url;

struct Control {
    url: Option<Url>,
    techpass: App,
    wog: App,
    own: String,
    docs_portal: String,
    authenticator: String,
    data: PathBuf,
    /// Held while the clock is moved, so that file and clock agree.
    moving: tokio::sync::Mutex<()>,
}

/// The page and its few endpoints.
pub fn router(world: &World) -> Router {
    let origins = &world.origins;
    let control = Arc::new(Control {
        techpass: world.techpass.clone(),
        wog: world.wog.clone(),
        url: Url::parse(&origins.control()).ok(),
        own: origins.control(),
        docs_portal: origins.docs_portal(),
        authenticator: origins.authenticator(),
        data: world.data.clone(),
        moving: tokio::sync::Mutex::default(),
    });
    Router::new()
        .route("/", get(page))
        .route("/device", get(device))
        .route("/phone", get(phone))
        .route("/mail", get(mails))
        .route("/clock", get(clock_get).post(clock))
        .route("/control.css", get(style))
        .layer(axum::middleware::from_fn_with_state(control.clone(), guard))
        .with_state(control)
}

/// Answers only under its own name, and carries the usual headers.
async fn guard(
    State(control): State<Arc<Control>>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let here = |url: &Url| is_addressed_to(request.uri(), request.headers(), url);
    let mut response = if control.url.as_ref().is_some_and(here) {
        next.run(request).await
    } else {
        let text = format!("This address is {}.", control.own);
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    };
    let to = response.headers_mut();
    // No form-action: the forms lead on through WOG and the Authenticator to wherever the person was.
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    to.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    protect(to, control.own.starts_with("https:"));
    response
}

#[derive(Template)]
#[template(path = "control.html")]
struct Page<'a> {
    people: Vec<Row>,
    mails: Vec<mail::Mail>,
    now: String,
    docs_portal: &'a str,
    authenticator: &'a str,
    own: &'a str,
}

struct Row {
    login_id: &'static str,
    name: &'static str,
    title: &'static str,
    officer: bool,
}

async fn page(State(control): State<Arc<Control>>) -> Response {
    let people = PEOPLE.iter().map(|person| Row {
        login_id: person.login_id,
        name: person.name,
        title: person.device.map_or("any computer", DeviceClass::title),
        officer: person.is_officer(),
    });
    let page = Page {
        people: people.collect(),
        mails: all_mails(&control).await,
        now: control.techpass.now().0.to_string(),
        docs_portal: &control.docs_portal,
        authenticator: &control.authenticator,
        own: &control.own,
    };
    match page.render() {
        Ok(body) => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            ([(header::CONTENT_TYPE, html)], body).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn style() -> Response {
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    let body = include_str!("../../templates/control.css");
    ([(header::CONTENT_TYPE, css)], body).into_response()
}

fn bad(text: impl Into<String>) -> Response {
    (StatusCode::BAD_REQUEST, text.into()).into_response()
}

fn failed(failure: impl std::fmt::Display) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, failure.to_string()).into_response()
}

fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(value) => (StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response(),
        Err(_) => bad("the address cannot stand in a header"),
    }
}

#[derive(Deserialize)]
struct DeviceQuery {
    class: Option<String>,
    person: Option<String>,
    return_to: Option<String>,
}

/// `GET /device?class=…&person=…&return_to=URL`: makes a registration link at WOG and goes there; WOG sets the key and
/// goes on.
async fn device(State(control): State<Arc<Control>>, Query(query): Query<DeviceQuery>) -> Response {
    let class = match query.class.as_deref() {
        Some("none") => None,
        Some(text) => match DeviceClass::parse(text) {
            Some(class) => Some(class),
            None => return bad("class must be non-se-gsib, gmd, se-gsib or none"),
        },
        None => return bad("class is missing: non-se-gsib, gmd, se-gsib or none"),
    };
    let owner = match query.person.as_deref().filter(|person| !person.is_empty()) {
        None => None,
        Some(login_id) => match techpass_server::admin::account(&control.wog, login_id).await {
            Ok(account) => Some(account.id),
            Err(error) => return bad(format!("person: {error}")),
        },
    };
    let then = match return_address(&control, query.return_to.as_deref()) {
        Ok(then) => then,
        Err(reason) => return bad(reason),
    };
    let ticket = Ticket {
        class,
        owner,
        name: class.map_or("", DeviceClass::title).to_owned(),
        then: Some(then),
    };
    match devices::link(&control.wog, &ticket).await {
        Ok(link) => see_other(&link),
        Err(error) => failed(error),
    }
}

/// Where a browser goes on: on this computer only, so that the page is nobody's open redirector.
fn return_address(control: &Control, asked: Option<&str>) -> Result<String, &'static str> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(format!("{}/", control.own));
    };
    let base = Url::parse(&control.own).map_err(|_| "this page has no usable address")?;
    let url = base
        .join(asked)
        .map_err(|_| "return_to is not an address")?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
        || url.host_str() == base.host_str();
    if local && matches!(url.scheme(), "http" | "https") {
        Ok(url.into())
    } else {
        Err("return_to must lead to this computer")
    }
}

#[derive(Deserialize)]
struct PhoneQuery {
    person: String,
    at: Option<String>,
    #[serde(default)]
    link: Option<String>,
}

/// `GET /phone?person=…&at=wog|techpass`: an enrolment link, opened in the Authenticator; with `link=text` as text.
async fn phone(State(control): State<Arc<Control>>, Query(query): Query<PhoneQuery>) -> Response {
    let officer = PEOPLE
        .iter()
        .any(|person: &Person| person.login_id == query.person && person.is_officer());
    let app = match query.at.as_deref() {
        Some("techpass") => &control.techpass,
        Some("wog") => &control.wog,
        _ if officer => &control.wog,
        _ => &control.techpass,
    };
    let made = async {
        let account = techpass_server::admin::account(app, &query.person).await?;
        let link = authenticator::enrol::link(app, &account.id, 600).await?;
        Ok::<_, Failure>(link)
    };
    match made.await {
        Ok(link) if query.link.is_some() => link.into_response(),
        Ok(link) => see_other(&link),
        Err(error) => bad(error.to_string()),
    }
}

async fn all_mails(control: &Control) -> Vec<mail::Mail> {
    let mut mails = mail::all(&control.techpass).await.unwrap_or_default();
    mails.extend(mail::all(&control.wog).await.unwrap_or_default());
    mails.sort_by_key(|mail| std::cmp::Reverse(mail.at));
    mails
}

/// `GET /mail`: every mail, newest first.
async fn mails(State(control): State<Arc<Control>>) -> Response {
    Json(json!(all_mails(&control).await)).into_response()
}

/// The seconds in `{"advance_s": N}`. Programs write whole numbers as `1` and as `1.0`.
fn advance_s(body: &[u8]) -> Option<i64> {
    /// From here on not every whole number is one of these.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let wanted = body.get("advance_s")?;
    let whole = |n: &f64| n.fract() == 0.0 && n.abs() <= WHOLE_MAX;
    let float = || wanted.as_f64().filter(whole);
    wanted.as_i64().or_else(|| float().map(|n| n as i64))
}

/// Whether a browser says that another site's page makes this request.
fn is_from_elsewhere(control: &Control, headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).map(HeaderValue::as_bytes);
    said(header::ORIGIN).is_some_and(|origin| origin != control.own.as_bytes())
        || said(HeaderName::from_static("sec-fetch-site"))
            .is_some_and(|site| !matches!(site, b"same-origin" | b"none"))
}

/// `GET /clock`: the product's time.
async fn clock_get(State(control): State<Arc<Control>>) -> Response {
    Json(json!({ "now": control.techpass.now() })).into_response()
}

/// `POST /clock {"advance_s": N}`, whatever type the body is said to be of: moves the product's clock. Only this page's own
/// scripts and programs may.
async fn clock(State(control): State<Arc<Control>>, headers: HeaderMap, body: Bytes) -> Response {
    if is_from_elsewhere(&control, &headers) {
        return (StatusCode::FORBIDDEN, "another site may not move the clock").into_response();
    }
    let Some(seconds) = advance_s(&body) else {
        return bad("send {\"advance_s\": SECONDS}, a whole number");
    };
    {
        let _alone = control.moving.lock().await;
        if let Err(failure) = moved::further(&control.data, seconds) {
            return match failure.exit {
                Exit::Refused => bad(failure.to_string()),
                _ => failed(failure),
            };
        }
        control.techpass.clock.advance(seconds);
    }
    for app in [&control.techpass, &control.wog] {
        app.wake.tell(Change::All);
    }
    Json(json!({ "now": control.techpass.now() })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_as_programs_write_them() {
        for (body, expected) in [
            (r#"{"advance_s": 60}"#, Some(60)),
            (r#"{"advance_s": -60, "more": true}"#, Some(-60)),
            (r#"{"advance_s": 1.0}"#, Some(1)),
            (r#"{"advance_s": -6e1}"#, Some(-60)),
            (r#"{"advance_s": 1.5}"#, None),
            (r#"{"advance_s": 1e300}"#, None),
            (r#"{"advance_s": "60"}"#, None),
            (r#"{"seconds": 60}"#, None),
            ("advance_s=60", None),
            ("", None),
        ] {
            assert_eq!(advance_s(body.as_bytes()), expected, "{body}");
        }
    }
}
