//! An OpenID Provider that does what it is told, wrong things included.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::State as AxumState;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::keys::{Key, part};
use super::{PORTAL, encode};

pub const CLIENT_ID: &str = "docs-portal";
pub const SECRET: &str = "s3cret value&=+";
pub const SUB: &str = "account-1";

type Change = Box<dyn Fn(&mut Value, &mut Value) + Send>;

/// How the provider behaves.
pub struct State {
    pub key: Arc<Key>,
    pub published: Vec<Value>,
    pub sid: String,
    /// Changes the header and the claims of the next ID tokens.
    pub id_token: Change,
    /// Signs with this key instead, or with none (`alg` is then what the change says).
    pub forged_by: Option<Arc<Key>>,
    pub unsigned: bool,
    pub user_info: Value,
    pub user_info_status: u16,
    pub token_error: Option<(u16, Value)>,
    /// Answers discovery otherwise, given the right document.
    pub discovery: Option<fn(Value) -> Response>,
    pub has_end_session: bool,
    pub keys_read: usize,
    codes: HashMap<String, HashMap<String, String>>,
    used: usize,
}

struct Shared {
    issuer: String,
    clock: Arc<AtomicI64>,
    state: Mutex<State>,
}

/// The running provider.
pub struct Provider {
    pub issuer: String,
    shared: Arc<Shared>,
}

impl Provider {
    pub async fn start(clock: Arc<AtomicI64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Arc::new(Key::es256("k1"));
        let state = State {
            published: vec![key.public()],
            key,
            sid: "sid-1".to_owned(),
            id_token: Box::new(|_, _| ()),
            forged_by: None,
            unsigned: false,
            user_info: json!({
                "sub": SUB, "name": "Mei Tan", "email": "mei.tan@agency.example",
                "organisation": "AGENCY",
            }),
            user_info_status: 200,
            token_error: None,
            discovery: None,
            has_end_session: true,
            keys_read: 0,
            codes: HashMap::new(),
            used: 0,
        };
        let shared = Arc::new(Shared {
            issuer: issuer.clone(),
            clock,
            state: Mutex::new(state),
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/elsewhere", get(elsewhere))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { issuer, shared }
    }

    pub fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock().unwrap());
    }

    pub fn keys_read(&self) -> usize {
        self.shared.state.lock().unwrap().keys_read
    }

    /// Signs in at once, and gives the address that the browser is sent back to.
    pub fn authorize(&self, location: &str) -> String {
        let url = Url::parse(location).unwrap();
        assert!(
            location.starts_with(&format!("{}/authorize?", self.issuer)),
            "{location}"
        );
        let params: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let state = params["state"].clone();
        let mut own = self.shared.state.lock().unwrap();
        own.used += 1;
        let code = format!("code-{}", own.used);
        own.codes.insert(code.clone(), params);
        format!(
            "{PORTAL}/auth/callback?code={code}&state={state}&iss={}",
            encode(&self.shared.issuer)
        )
    }

    /// A right logout token, changed as told.
    pub fn logout_token(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let key = Arc::clone(&self.shared.state.lock().unwrap().key);
        let (header, claims) = self.logout_parts(&key, change);
        key.sign(&header, &claims)
    }

    /// The header and claims of a logout token for a key.
    pub fn logout_parts(
        &self,
        key: &Key,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> (Value, Value) {
        let now = self.shared.clock.load(Ordering::SeqCst);
        let mut state = self.shared.state.lock().unwrap();
        state.used += 1;
        let mut header = key.header("logout+jwt");
        let mut claims = json!({
            "iss": self.shared.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120,
            "jti": format!("jti-{}", state.used), "sub": SUB, "sid": "sid-1",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        change(&mut header, &mut claims);
        (header, claims)
    }
}

async fn discovery(AxumState(shared): AxumState<Arc<Shared>>) -> Response {
    let change = shared.state.lock().unwrap().discovery;
    let document = document(&shared);
    match change {
        Some(change) => change(document),
        None => Json(document).into_response(),
    }
}

/// The right document at an address where nobody should look for it.
async fn elsewhere(AxumState(shared): AxumState<Arc<Shared>>) -> Json<Value> {
    Json(document(&shared))
}

fn document(shared: &Shared) -> Value {
    let issuer = &shared.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if shared.state.lock().unwrap().has_end_session {
        document["end_session_endpoint"] = json!(format!("{issuer}/end-session"));
    }
    document
}

async fn jwks(AxumState(shared): AxumState<Arc<Shared>>) -> Json<Value> {
    let mut state = shared.state.lock().unwrap();
    state.keys_read += 1;
    Json(json!({ "keys": state.published }))
}

async fn token(
    AxumState(shared): AxumState<Arc<Shared>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut state = shared.state.lock().unwrap();
    if let Some((status, error)) = &state.token_error {
        return (StatusCode::from_u16(*status).unwrap(), Json(error.clone())).into_response();
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let basic = format!("{}:{}", encode(CLIENT_ID), encode(SECRET));
    assert_eq!(
        headers[header::AUTHORIZATION].to_str().unwrap(),
        format!("Basic {}", STANDARD.encode(basic)),
        "client_secret_basic with both parts encoded (RFC 6749 §2.3.1)"
    );
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], format!("{PORTAL}/auth/callback"));
    let Some(asked) = state.codes.remove(&form["code"]) else {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalid_grant" })),
        )
            .into_response();
    };
    let challenge = B64.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
    assert_eq!(challenge, asked["code_challenge"]);
    let access_token = "access-token-1";
    let id_token = id_token(&shared, &state, &asked["nonce"], access_token);
    Json(json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": 600,
        "id_token": id_token,
    }))
    .into_response()
}

fn id_token(shared: &Shared, state: &State, nonce: &str, access_token: &str) -> String {
    let now = shared.clock.load(Ordering::SeqCst);
    let hash = digest(&SHA256, access_token.as_bytes());
    let mut header = state.key.header("JWT");
    let mut claims = json!({
        "iss": shared.issuer, "sub": SUB, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
        "nonce": nonce, "sid": state.sid, "at_hash": B64.encode(&hash.as_ref()[..16]),
    });
    (state.id_token)(&mut header, &mut claims);
    if state.unsigned {
        return format!("{}.{}.", part(&header), part(&claims));
    }
    state
        .forged_by
        .as_ref()
        .unwrap_or(&state.key)
        .sign(&header, &claims)
}

async fn user_info(AxumState(shared): AxumState<Arc<Shared>>, headers: HeaderMap) -> Response {
    let state = shared.state.lock().unwrap();
    assert_eq!(headers[header::AUTHORIZATION], "Bearer access-token-1");
    let status = StatusCode::from_u16(state.user_info_status).unwrap();
    (status, Json(state.user_info.clone())).into_response()
}
