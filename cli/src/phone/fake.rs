//! A server for the tests: it speaks the protocol, checks every signature, and does what a test tells it to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use super::sign;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

/// The seed of RFC 6238, appendix B.
pub const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// What the server knows. Tests read and change it as they like.
pub struct Known {
    pub issuer: String,
    pub label: String,
    pub account: String,
    pub now: i64,
    /// Tokens that are good, once.
    pub tokens: HashSet<String>,
    /// Public keys by phone.
    pub phones: HashMap<String, Value>,
    /// Waiting requests and their numbers, newest first.
    pub waiting: Vec<(Value, String)>,
    /// Requests that start to wait after so many reads.
    pub later: Option<(usize, Value)>,
    /// Refusals to give before anything else, oldest first.
    pub refusals: VecDeque<(u16, Value)>,
    /// Every payload of an answer with a right signature.
    pub answers: Vec<Value>,
    /// Every answer as it came.
    pub raw: Vec<String>,
    pub names: Vec<String>,
    /// Results by answer: the same bytes get the same result.
    results: HashMap<String, Value>,
    jtis: HashSet<String>,
}

/// A running server.
#[derive(Clone)]
pub struct Fake(Arc<Mutex<Known>>);

impl Fake {
    /// Listens on a free port.
    pub async fn start(label: &str, account: &str) -> Fake {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let fake = Fake::new(issuer, label, account);
        let router = fake.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake
    }

    pub fn new(issuer: String, label: &str, account: &str) -> Fake {
        Fake(Arc::new(Mutex::new(Known {
            issuer,
            label: label.to_owned(),
            account: account.to_owned(),
            now: 1_790_000_000,
            tokens: HashSet::from(["token-1".to_owned()]),
            phones: HashMap::new(),
            waiting: Vec::new(),
            later: None,
            refusals: VecDeque::new(),
            answers: Vec::new(),
            raw: Vec::new(),
            names: Vec::new(),
            results: HashMap::new(),
            jtis: HashSet::new(),
        })))
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/authenticator/v1/enrolments", post(enrol))
            .route("/authenticator/v1/requests", get(list))
            .route("/authenticator/v1/requests/{id}/answer", post(answer))
            .with_state(self.clone())
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap()
    }

    /// An enrolment link with a token that is good once.
    pub fn link(&self, token: &str) -> String {
        let mut known = self.known();
        known.tokens.insert(token.to_owned());
        let issuer: String =
            url::form_urlencoded::byte_serialize(known.issuer.as_bytes()).collect();
        format!("https://phone.example/enrol#issuer={issuer}&token={token}")
    }

    /// A browser shows `number` and waits.
    pub fn ask(&self, id: &str, number: &str) {
        let mut known = self.known();
        let request = known.request(id);
        known.waiting.insert(0, (request, number.to_owned()));
    }
}

impl Known {
    pub fn request(&self, id: &str) -> Value {
        json!({
            "id": id, "nonce": format!("nonce-of-{id}"), "account": self.account, "issuer": self.issuer,
            "app": "TechPass", "location": "127.0.0.1", "device": "Linux · Chrome · non-SE GSIB",
            "created_at": self.now, "expires_at": self.now + 120,
        })
    }
}

/// A refusal: status and body.
struct No(u16, Value);

impl IntoResponse for No {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0).unwrap();
        (status, [("retry-after", "1")], Json(self.1)).into_response()
    }
}

type Answered = Result<Response, No>;

fn refuse(status: u16, error: &str) -> No {
    No(
        status,
        json!({ "error": error, "message": format!("sentence of {error}") }),
    )
}

fn due(known: &mut Known) -> Result<(), No> {
    known
        .refusals
        .pop_front()
        .map_or(Ok(()), |(status, body)| Err(No(status, body)))
}

/// The payload of a JWS whose signature is right.
pub fn opened(jws: &str, typ: &str, key: &Value) -> Option<Value> {
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return None;
    };
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let head: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if head != json!({ "alg": "ES256", "typ": typ }) {
        return None;
    }
    let mut point = vec![4];
    point.extend(decode(key["x"].as_str()?)?);
    point.extend(decode(key["y"].as_str()?)?);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(
            format!("{header}.{payload}").as_bytes(),
            &decode(signature)?,
        )
        .ok()?;
    serde_json::from_slice(&decode(payload)?).ok()
}

fn unverified(jws: &str) -> Value {
    let payload = jws.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

impl Known {
    fn fresh(&mut self, payload: &Value) -> Result<(), No> {
        if (self.now - payload["iat"].as_i64().unwrap()).abs() > 300 {
            let body = json!({ "error": "clock_skew", "message": "clock", "now": self.now });
            return Err(No(401, body));
        }
        let jti = payload["jti"].as_str().unwrap().to_owned();
        if jti.len() < 16 || !self.jtis.insert(jti) {
            return Err(refuse(401, "invalid_phone"));
        }
        Ok(())
    }

    fn phone(&self, jws: &str, typ: &str) -> Result<Value, No> {
        let claimed = unverified(jws);
        let key = self.phones.get(claimed["sub"].as_str().unwrap());
        let key = key.ok_or_else(|| refuse(401, "invalid_phone"))?;
        let payload = opened(jws, typ, key).ok_or_else(|| refuse(403, "bad_signature"))?;
        if payload["aud"] != self.issuer.as_str() {
            return Err(refuse(403, "bad_signature"));
        }
        Ok(payload)
    }
}

async fn enrol(State(fake): State<Fake>, Json(body): Json<Value>) -> Answered {
    let mut known = fake.known();
    due(&mut known)?;
    let token = body["token"].as_str().unwrap();
    let payload = opened(body["proof"].as_str().unwrap(), sign::ENROL, &body["key"]);
    let payload = payload.ok_or_else(|| refuse(400, "invalid_proof"))?;
    if payload["aud"] != known.issuer.as_str() {
        return Err(refuse(400, "invalid_proof"));
    }
    assert_eq!(payload["token_hash"], sign::token_hash(token));
    known.fresh(&payload)?;
    if !known.tokens.remove(token) {
        return Err(refuse(404, "invalid_token"));
    }
    let id = format!("phn_{}", known.phones.len() + 1);
    known.phones.insert(id.clone(), body["key"].clone());
    known.names.push(body["name"].as_str().unwrap().to_owned());
    let answer = json!({
        "authenticator_id": id, "issuer": known.issuer, "account": known.account, "name": "Mei Tan",
        "label": known.label, "organisation": "Agency", "now": known.now, "later_member": 1,
        "code": { "otpauth": "", "secret": SEED, "period": 30, "digits": 6, "algorithm": "SHA1" },
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn list(State(fake): State<Fake>, headers: HeaderMap) -> Answered {
    let mut known = fake.known();
    due(&mut known)?;
    let header = headers["authorization"].to_str().unwrap().to_owned();
    let payload = known.phone(header.strip_prefix("Phone ").unwrap(), sign::PHONE)?;
    assert_eq!(payload["htm"], "GET");
    let here = format!("{}/authenticator/v1/requests", known.issuer);
    assert_eq!(payload["htu"], here.as_str());
    known.fresh(&payload)?;
    match known.later.take() {
        Some((0, request)) => known.waiting.push((request, "99".to_owned())),
        Some((reads, request)) => known.later = Some((reads - 1, request)),
        None => {}
    }
    let requests: Vec<Value> = known
        .waiting
        .iter()
        .map(|(request, _)| request.clone())
        .collect();
    let body = json!({
        "now": known.now, "account": known.account, "issuer": known.issuer, "organisation": "Agency",
        "label": known.label, "several": requests.len() > 1, "requests": requests,
    });
    Ok(Json(body).into_response())
}

async fn answer(
    State(fake): State<Fake>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Answered {
    let mut known = fake.known();
    let jws = body["answer"].as_str().unwrap();
    known.raw.push(jws.to_owned());
    if known.results.contains_key(jws) {
        return Ok(Json(known.results[jws].clone()).into_response());
    }
    due(&mut known)?;
    let payload = known.phone(jws, sign::ANSWER)?;
    let place = known
        .waiting
        .iter()
        .position(|(one, _)| one["id"] == id.as_str());
    let (shown, number) =
        known.waiting[place.ok_or_else(|| refuse(404, "unknown_request"))?].clone();
    for name in [
        "nonce",
        "account",
        "app",
        "location",
        "device",
        "created_at",
        "expires_at",
    ] {
        assert_eq!(payload[name], shown[name], "{name}");
    }
    assert_eq!(
        (&payload["v"], &payload["request"]),
        (&json!(1), &shown["id"])
    );
    known.waiting.remove(place.unwrap());
    known.answers.push(payload.clone());
    let result = match payload["decision"].as_str().unwrap() {
        "approve" if payload["number"] == number.as_str() => "approved",
        "approve" => return Err(refuse(409, "wrong_number")),
        other => {
            assert_eq!(payload.get("number"), None);
            if other == "decline" {
                "declined"
            } else {
                "reported"
            }
        }
    };
    let result = json!({ "result": result });
    known.results.insert(jws.to_owned(), result.clone());
    Ok(Json(result).into_response())
}
