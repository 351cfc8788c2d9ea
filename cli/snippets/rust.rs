//! An application that signs people in with {issuer}, in one file.
//!
//! Cargo.toml:
//!   [dependencies]
//!   axum = "0.8"
//!   openidconnect = { version = "4", default-features = false }
//!   reqwest = "0.13"
//!   tokio = { version = "1", features = ["full"] }
//!
//! Start it (the secret comes from a file that only the application reads):
//!   ISSUER={issuer} \
//!   CLIENT_ID={client_id} \
//!   CLIENT_SECRET_FILE=client.secret \
//!   REDIRECT_URI={redirect_uri} \
//!   LISTEN=127.0.0.1:3000 cargo run
//!
//! One browser signs in at a time here: keep attempts and sessions in your own session store instead of in `Memory`.

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, http::StatusCode, routing::get};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse,
};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

type Failure = Box<dyn Error + Send + Sync>;

/// What an attempt to sign in has to remember until the answer comes.
struct Attempt {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

#[derive(Default)]
struct Memory {
    attempt: Option<Attempt>,
    person: Option<String>,
}

struct App {
    metadata: CoreProviderMetadata,
    id: ClientId,
    secret: ClientSecret,
    redirect_uri: RedirectUrl,
    http: reqwest::Client,
    memory: Mutex<Memory>,
}

/// Calls to the provider follow no redirect: one could carry the secret to an address nobody configured.
async fn call(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

async fn home(State(app): State<Arc<App>>) -> Html<String> {
    let person = app
        .memory
        .lock()
        .ok()
        .and_then(|memory| memory.person.clone());
    Html(match person {
        Some(person) => format!("<p>Signed in as {person}</p>"),
        None => "<p><a href=\"/login\">Log in</a></p>".to_owned(),
    })
}

async fn login(State(app): State<Arc<App>>) -> Redirect {
    let client = CoreClient::from_provider_metadata(app.metadata.clone(), app.id.clone(), None)
        .set_redirect_uri(app.redirect_uri.clone());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    if let Ok(mut memory) = app.memory.lock() {
        memory.attempt = Some(Attempt {
            state,
            nonce,
            verifier,
        });
    }
    Redirect::to(url.as_str())
}

async fn callback(
    State(app): State<Arc<App>>,
    Query(answer): Query<HashMap<String, String>>,
) -> Response {
    match signed_in(&app, &answer).await {
        Ok(person) => {
            if let Ok(mut memory) = app.memory.lock() {
                memory.person = Some(person);
            }
            Redirect::to("/").into_response()
        }
        Err(error) => {
            // The description may come from outside: show it as text, never as HTML, and do not try again by itself.
            (
                StatusCode::BAD_REQUEST,
                format!("The sign-in did not work: {error}"),
            )
                .into_response()
        }
    }
}

async fn signed_in(app: &App, answer: &HashMap<String, String>) -> Result<String, Failure> {
    let attempt = app
        .memory
        .lock()
        .ok()
        .and_then(|mut memory| memory.attempt.take());
    let attempt = attempt.ok_or("nobody began to sign in here")?;
    if answer.get("state") != Some(attempt.state.secret()) {
        return Err("the answer belongs to another attempt".into());
    }
    if answer.get("iss").map(String::as_str) != Some(app.metadata.issuer().as_str()) {
        return Err("the answer is another provider's".into());
    }
    if let Some(error) = answer.get("error") {
        let description = answer.get("error_description").cloned().unwrap_or_default();
        return Err(format!("{error} {description}").into());
    }
    let code = answer
        .get("code")
        .cloned()
        .ok_or("the answer holds no code")?;
    let http = |request| call(app.http.clone(), request);
    let client = CoreClient::from_provider_metadata(
        app.metadata.clone(),
        app.id.clone(),
        Some(app.secret.clone()),
    )
    .set_redirect_uri(app.redirect_uri.clone());
    let tokens = client
        .exchange_code(AuthorizationCode::new(code))?
        .set_pkce_verifier(attempt.verifier)
        .request_async(&http)
        .await?;
    let id_token = tokens.id_token().ok_or("there is no ID token")?;
    // Signature, issuer, audience, expiry and nonce.
    let claims = id_token.claims(&client.id_token_verifier(), &attempt.nonce)?;
    let subject = claims.subject().clone();
    let info: CoreUserInfoClaims = client
        .user_info(tokens.access_token().clone(), Some(subject.clone()))?
        .request_async(&http)
        .await?;
    let name = info
        .name()
        .and_then(|name| name.get(None))
        .map_or_else(|| subject.to_string(), |name| name.to_string());
    Ok(format!("{} ({})", escaped(&name), escaped(&subject)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("set {name}"));
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let issuer = IssuerUrl::new(setting("ISSUER")?)?;
    let metadata =
        CoreProviderMetadata::discover_async(issuer, &|request| call(http.clone(), request))
            .await?;
    let app = App {
        metadata,
        id: ClientId::new(setting("CLIENT_ID")?),
        secret: ClientSecret::new(
            std::fs::read_to_string(setting("CLIENT_SECRET_FILE")?)?
                .trim()
                .to_owned(),
        ),
        redirect_uri: RedirectUrl::new(setting("REDIRECT_URI")?)?,
        http: http.clone(),
        memory: Mutex::default(),
    };
    let path = app.redirect_uri.url().path().to_owned();
    let router = Router::new()
        .route("/", get(home))
        .route("/login", get(login))
        .route(&path, get(callback))
        .with_state(Arc::new(app));
    let listener = tokio::net::TcpListener::bind(setting("LISTEN")?).await?;
    Ok(axum::serve(listener, router).await?)
}
