//! The whole URL space on one screen.

use crate::app::App;
use crate::authenticator::{self, allow_app};
use crate::login::{advance, post, status};
use crate::oidc::{
    authorize, device, device_routes, end_session, introspect, metadata, registration, revoke,
    token, userinfo,
};
use crate::web::form::Form;
use crate::web::page::{Fault, Outcome};
use crate::web::{doors, shell};
use crate::{applications, assets, devices, home, upstream};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, options, post};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};
use techpass_domain::oidc::discovery::path;
use techpass_domain::problem::Problem;

/// Everything an instance answers on its public address.
pub fn router(app: &App) -> Router {
    let pages = Router::new()
        .route("/", get(home_page))
        .route("/s/{address}", get(login_get).post(login_post))
        .route("/logout/confirm", post(logout_confirm))
        .route("/devices/enrol/{token}", get(device_get).post(device_post))
        .route(
            device::PAGE,
            get(device_routes::code_get).post(device_routes::code_post),
        )
        .route(
            "/device/{id}",
            get(device_routes::ask_get).post(device_routes::ask_post),
        )
        .route(
            applications::PATH,
            get(applications_get).post(applications_post),
        )
        .route("/help", get(info_help))
        .route("/privacy", get(info_privacy))
        .route("/terms", get(info_terms))
        .route("/e/{code}", get(problem_page))
        .layer(middleware::map_request_with_state(
            app.clone(),
            shell::same_origin,
        ));
    // Endpoints of protocols: other sites and programs call them, each with its own proof.
    let protocols = Router::new()
        .route(path::DISCOVERY, get(metadata::discovery))
        .route(path::OAUTH, get(metadata::discovery))
        .route(path::JWKS, get(metadata::jwks))
        .route(path::AUTHORIZE, get(authorize_get).post(sent_on))
        .route(path::TOKEN, post(token_post).merge(options(any_origin)))
        .route(path::USERINFO, userinfo_routes())
        .route(path::INTROSPECT, post(introspect_post))
        .route(path::REVOKE, post(revoke_post).merge(options(any_origin)))
        .route(
            path::DEVICE_AUTHORIZATION,
            post(device_routes::authorization),
        )
        .route(path::END_SESSION, get(logout_get).post(sent_on))
        .route("/upstream/{id}/callback", get(upstream_callback))
        .route("/upstream/{id}/backchannel-logout", post(upstream_logout))
        .route("/s/{address}/events", get(login_events))
        .route("/s/{address}/status", get(login_status))
        .route("/assets/{file}", get(assets::get));
    Router::new()
        .merge(pages)
        .merge(protocols)
        .merge(registrations())
        .merge(phones())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), doors::pass))
        // Before the doors: load balancers ask by address, and a name that is not ours learns nothing here.
        .route("/healthz", get(crate::management::alive))
        .with_state(app.clone())
}

/// Clients register themselves and look after what they registered.
fn registrations() -> Router<App> {
    Router::new()
        .route(
            path::REGISTER,
            post(register_post).options(registration::preflight),
        )
        .route(
            "/register/{client_id}",
            get(register_get)
                .put(register_put)
                .delete(register_delete)
                .options(registration::preflight),
        )
}

async fn register_post(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    registration::post(&app, &headers, &body).await
}

async fn register_get(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    registration::get(&app, &headers, &id).await
}

async fn register_put(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    registration::put(&app, &headers, &id, &body).await
}

async fn register_delete(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    registration::delete(&app, &headers, &id).await
}

fn phones() -> Router<App> {
    let v1 = "/authenticator/v1";
    Router::new()
        .route(
            &format!("{v1}/enrolments"),
            post(phone_enrol).options(preflight),
        )
        .route(
            &format!("{v1}/requests"),
            get(phone_requests).options(preflight),
        )
        .route(
            &format!("{v1}/requests/{{id}}/answer"),
            post(phone_answer).options(preflight),
        )
        .route(
            &format!("{v1}/events"),
            get(phone_events).options(preflight),
        )
        .layer(DefaultBodyLimit::max(authenticator::BODY_MAX))
}

fn userinfo_routes() -> MethodRouter<App> {
    get(userinfo_get)
        .post(userinfo_post)
        .merge(options(any_origin))
}

/// A handler's page, or the page of what went wrong.
pub(crate) fn page(app: &App, outcome: Outcome) -> Response {
    outcome.unwrap_or_else(|fault| fault.into_page(app))
}

async fn home_page(State(app): State<App>, headers: HeaderMap) -> Response {
    page(&app, home::get(&app, &headers).await)
}

async fn applications_get(State(app): State<App>, headers: HeaderMap) -> Response {
    page(&app, applications::get(&app, &headers).await)
}

async fn applications_post(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let outcome = match form(&headers, &body) {
        Ok(form) => applications::post(&app, &headers, &form).await,
        Err(fault) => Err(fault),
    };
    page(&app, outcome)
}

async fn info_help(State(app): State<App>) -> Response {
    page(&app, home::info(&app, crate::views::Topic::Help))
}

async fn info_privacy(State(app): State<App>) -> Response {
    page(&app, home::info(&app, crate::views::Topic::Privacy))
}

async fn info_terms(State(app): State<App>) -> Response {
    page(&app, home::info(&app, crate::views::Topic::Terms))
}

async fn problem_page(State(app): State<App>, Path(code): Path<String>) -> Response {
    page(&app, home::problem(&app, &code))
}

async fn login_get(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    page(&app, advance::get(&app, &headers, &address, &query).await)
}

async fn login_post(
    State(app): State<App>,
    Path(address): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let outcome = match form(&headers, &body) {
        Ok(form) => post::post(&app, &headers, &address, form).await,
        Err(fault) => Err(fault),
    };
    page(&app, outcome)
}

async fn login_events(
    State(app): State<App>,
    Path(address): Path<String>,
    headers: HeaderMap,
) -> Response {
    page(&app, status::events(&app, &headers, &address).await)
}

async fn login_status(
    State(app): State<App>,
    Path(address): Path<String>,
    headers: HeaderMap,
) -> Response {
    let gone = |_| crate::oidc::json(404, &serde_json::json!({ "state": "gone" }));
    status::status(&app, &headers, &address)
        .await
        .unwrap_or_else(gone)
}

async fn authorize_get(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let encoded = parts.uri.query().unwrap_or_default();
    page(&app, authorize::authorize(&app, &parts, encoded).await)
}

async fn logout_get(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let encoded = parts.uri.query().unwrap_or_default();
    page(&app, end_session::ask(&app, &parts.headers, encoded).await)
}

/// A request that another site posts comes without our cookies (`SameSite=Lax`), so nobody would seem to be signed in.
/// Sent on as GET it comes with them, and means the same.
async fn sent_on(State(app): State<App>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    page(&app, as_get(&app, &uri, &headers, &body))
}

fn as_get(app: &App, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Outcome {
    let encoded = text_form(headers, body)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"%+&=-._~!*'(),;:@/?$".contains(&b);
    if !encoded.bytes().all(plain) {
        return Err(Fault::Problem(
            Problem::Unsupported,
            StatusCode::BAD_REQUEST,
        ));
    }
    if encoded.len() > shell::TARGET_MAX - 100 {
        return Err(Fault::Problem(
            Problem::Unsupported,
            StatusCode::PAYLOAD_TOO_LARGE,
        ));
    }
    Ok(crate::web::page::see_other(&format!(
        "{}{}?{encoded}",
        app.issuer,
        uri.path()
    )))
}

async fn logout_confirm(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let outcome = match text_form(&headers, &body) {
        Ok(encoded) => end_session::confirm(&app, &headers, encoded).await,
        Err(fault) => Err(fault),
    };
    page(&app, outcome)
}

async fn upstream_callback(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    page(&app, upstream::callback(&app, &headers, &id, &query).await)
}

async fn upstream_logout(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match text_form(&headers, &body) {
        Ok(encoded) => upstream::ended::post(&app, &id, encoded).await,
        Err(_) => not_a_form(),
    }
}

/// 400: the body is of another kind.
pub(crate) fn not_a_form() -> Response {
    let body = serde_json::json!({
        "error": "invalid_request",
        "error_description": "The body must be application/x-www-form-urlencoded.",
    });
    crate::oidc::json(400, &body)
}

/// A request with its body.
pub(crate) async fn read(request: Request) -> Result<(Parts, Bytes), Fault> {
    let (parts, body) = request.into_parts();
    let too_large = |_| Fault::Problem(Problem::Unsupported, StatusCode::PAYLOAD_TOO_LARGE);
    let body = axum::body::to_bytes(body, shell::BODY_MAX).await;
    Ok((parts, body.map_err(too_large)?))
}

/// The form of a page, with the request around it.
pub(crate) async fn with_form(request: Request) -> Result<(Parts, Form), Fault> {
    let (parts, body) = read(request).await?;
    let form = form(&parts.headers, &body)?;
    Ok((parts, form))
}

async fn device_get(
    State(app): State<App>,
    Path(token): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    page(&app, devices::get(&app, &method, &headers, &token).await)
}

async fn device_post(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    page(&app, devices::post(&app, &headers, &token).await)
}

async fn token_post(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    // Applications in browsers redeem their codes themselves.
    crate::oidc::for_any_origin(match text_form(&headers, &body) {
        Ok(encoded) => {
            let response = token::post(&app, &headers, encoded).await;
            app.metrics.token(encoded, response.status());
            response
        }
        Err(_) => not_a_form(),
    })
}

async fn introspect_post(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    match text_form(&headers, &body) {
        Ok(encoded) => introspect::post(&app, &headers, encoded).await,
        Err(_) => not_a_form(),
    }
}

async fn revoke_post(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    // Applications in browsers give their tokens back themselves.
    crate::oidc::for_any_origin(match text_form(&headers, &body) {
        Ok(encoded) => revoke::post(&app, &headers, encoded).await,
        Err(_) => not_a_form(),
    })
}

async fn userinfo_get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    userinfo::answer(&app, &headers, query.as_deref(), None).await
}

async fn userinfo_post(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = text_form(&headers, &body).ok();
    userinfo::answer(&app, &headers, query.as_deref(), form).await
}

/// What a browser asks before a script calls an endpoint that reads no cookies.
async fn any_origin() -> Response {
    let allowed = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST"),
        (
            "access-control-allow-headers",
            "authorization, content-type",
        ),
        ("access-control-max-age", "600"),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

async fn preflight(State(app): State<App>, headers: HeaderMap) -> Response {
    for_app(&app, &headers, StatusCode::NO_CONTENT.into_response())
}

async fn phone_enrol(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let response = match authenticator::enrol::post(&app, &body).await {
        Ok((status, answer)) => crate::oidc::json(status, &answer),
        Err(refused) => refused.into_response(&app),
    };
    for_app(&app, &headers, response)
}

async fn phone_requests(State(app): State<App>, headers: HeaderMap) -> Response {
    let response = match authenticator::requests::get(&app, &headers).await {
        Ok(answer) => crate::oidc::json(200, &answer),
        Err(refused) => refused.into_response(&app),
    };
    for_app(&app, &headers, response)
}

async fn phone_events(State(app): State<App>, headers: HeaderMap) -> Response {
    let response = match authenticator::requests::events(&app, &headers).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(&app),
    };
    for_app(&app, &headers, response)
}

async fn phone_answer(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = match authenticator::answer::post(&app, &id, &body).await {
        Ok(answer) => crate::oidc::json(200, &answer),
        Err(refused) => refused.into_response(&app),
    };
    for_app(&app, &headers, response)
}

fn for_app(app: &App, headers: &HeaderMap, mut response: Response) -> Response {
    allow_app(app, headers, &mut response);
    response
}

async fn not_found(State(app): State<App>) -> Response {
    crate::web::page::refused(&app, Problem::Unsupported, StatusCode::NOT_FOUND)
}

async fn wrong_method(State(app): State<App>) -> Response {
    crate::web::page::refused(&app, Problem::Unsupported, StatusCode::METHOD_NOT_ALLOWED)
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<Form, Fault> {
    let text = text_form(headers, body)?;
    Form::parse(text.as_bytes())
        .map_err(|_| Fault::Problem(Problem::Unsupported, StatusCode::BAD_REQUEST))
}

/// The body of a form post as text.
pub(crate) fn text_form<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<&'a str, Fault> {
    let unsupported = || Fault::Problem(Problem::Unsupported, StatusCode::BAD_REQUEST);
    let kind = headers.get(http::header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let bare = kind.split(';').next().unwrap_or_default().trim();
    if !bare.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(unsupported());
    }
    std::str::from_utf8(body).map_err(|_| unsupported())
}
