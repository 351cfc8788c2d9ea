//! A home organisation that answers wrongly in every way it is told to.

use super::phone::jws;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Our client's secret there.
pub const SECRET: &str = "a-secret-between-two-servers-of-the-tests";
/// The officer that it names.
pub const SUBJECT: &str = "officer-1";

/// What it does differently from an honest provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// Nothing.
    Honest,
    /// Another `iss` in the ID token.
    Issuer,
    /// An issuer that begins alike.
    IssuerSlash,
    /// Another `aud`.
    Audience,
    /// A second `aud`, and another one's `azp`.
    AuthorizedParty,
    /// Another `nonce`.
    Nonce,
    /// None.
    NoNonce,
    /// An `exp` of an hour ago.
    Expired,
    /// An `iat` in an hour.
    Future,
    /// An `auth_time` of yesterday, though a fresh sign-in was asked for.
    Stale,
    /// No `sub`.
    NoSubject,
    /// A `sub` that is a number.
    NumberSubject,
    /// Somebody who has no account.
    Stranger,
    /// An access token that is not the one named.
    AccessToken,
    /// Signed by another key under the known name.
    Key,
    /// Signed by a key that nobody published.
    UnknownKey,
    /// `alg` `none`.
    None,
    /// `alg` `HS256`, with our own secret.
    Hs256,
    /// `alg` `HS256`, with its public key for a secret.
    Confused,
    /// No ID token at all.
    NoIdToken,
    /// Not JSON.
    Text,
    /// 500.
    Broken,
    /// 302 to somewhere else.
    Moved,
    /// Ten megabytes.
    Huge,
    /// Silence at the token endpoint.
    Silent,
    /// Silence everywhere.
    Mute,
    /// `iss` of another in the authorization answer (RFC 9207).
    AnswerIssuer,
    /// None, though its metadata promises one.
    NoAnswerIssuer,
    /// Neither code nor error.
    NoCode,
    /// `error=server_error`.
    ServerError,
    /// `error=access_denied`.
    Denied,
}

struct State {
    issuer: String,
    key: EcdsaKeyPair,
    trick: Mutex<Trick>,
    nonce: Mutex<String>,
    stalled: tokio::sync::Notify,
}

/// A running one. It ends with the test's runtime.
pub struct Provider {
    state: Arc<State>,
}

impl Provider {
    /// Starts one on that port.
    pub async fn start(port: u16) -> Provider {
        let state = Arc::new(State {
            issuer: format!("http://localhost:{port}"),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"),
            trick: Mutex::new(Trick::Honest),
            nonce: Mutex::default(),
            stalled: tokio::sync::Notify::new(),
        });
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a port");
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&shared), stream));
            }
        });
        Provider { state }
    }

    /// Waits until somebody asks who gets silence for an answer.
    pub async fn asked(&self) {
        self.state.stalled.notified().await;
    }

    /// Does this from now on.
    pub fn play(&self, trick: Trick) {
        *self.state.trick.lock().expect("a lock") = trick;
    }
}

async fn serve(state: Arc<State>, mut stream: TcpStream) -> Option<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    let head = loop {
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length(head)
        {
            break head.to_owned();
        }
    };
    let target = head.split(' ').nth(1)?.to_owned();
    let trick = *state.trick.lock().expect("a lock");
    let token = target.starts_with("/token");
    if trick == Trick::Mute || (token && trick == Trick::Silent) {
        state.stalled.notify_one();
        // Reads on until the other side has lost patience.
        while stream.read(&mut chunk).await.ok()? > 0 {}
        return None;
    }
    let answer = match token {
        true => tokens(&state, trick),
        false => other(&state, trick, &target),
    };
    stream.write_all(answer.as_bytes()).await.ok()
}

fn length(head: &str) -> usize {
    let lower = head.to_lowercase();
    let value = lower
        .split("content-length:")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0)
}

fn answer(status: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n{body}",
        body.len()
    )
}

/// Discovery, keys, and the authorization endpoint, which signs the officer in unasked.
fn other(state: &State, trick: Trick, target: &str) -> String {
    let issuer = &state.issuer;
    let url = url::Url::parse(&format!("{issuer}{target}")).expect("an address");
    match url.path() {
        "/.well-known/openid-configuration" => {
            let document = json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/jwks"),
                "authorization_response_iss_parameter_supported": true,
            });
            answer("200 OK", "", &document.to_string())
        }
        "/jwks" => answer(
            "200 OK",
            "",
            &json!({ "keys": [public(&state.key)] }).to_string(),
        ),
        "/authorize" => authorize(state, trick, &url),
        _ => answer("404 Not Found", "", "{}"),
    }
}

fn public(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
    json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256", "x": part(1..33), "y": part(33..65) })
}

fn authorize(state: &State, trick: Trick, url: &url::Url) -> String {
    let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(asked["code_challenge_method"], "S256");
    *state.nonce.lock().expect("a lock") = asked["nonce"].clone();
    let mut back = url::Url::parse(&asked["redirect_uri"]).expect("an address");
    {
        let mut query = back.query_pairs_mut();
        query.append_pair("state", &asked["state"]);
        match trick {
            Trick::NoCode => {}
            Trick::ServerError => drop(query.append_pair("error", "server_error")),
            Trick::Denied => drop(query.append_pair("error", "access_denied")),
            _ => drop(query.append_pair("code", "a-code")),
        }
        match trick {
            Trick::NoAnswerIssuer => {}
            Trick::AnswerIssuer => drop(query.append_pair("iss", "https://evil.example")),
            _ => drop(query.append_pair("iss", &state.issuer)),
        }
    }
    answer("303 See Other", &format!("location: {back}\r\n"), "")
}

#[allow(
    clippy::disallowed_methods,
    reason = "the server under test goes by the system's clock"
)]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a time").as_secs()
}

fn claims(state: &State, trick: Trick) -> Value {
    let mut claims = json!({
        "iss": state.issuer, "sub": SUBJECT, "aud": "techpass", "iat": now(), "exp": now() + 300,
        "auth_time": now(), "nonce": *state.nonce.lock().expect("a lock"), "amr": ["pop", "swk", "mfa"],
        "acr": "urn:techpass:acr:number-match",
    });
    match trick {
        Trick::Issuer => claims["iss"] = json!("https://evil.example"),
        Trick::IssuerSlash => claims["iss"] = json!(format!("{}/", state.issuer)),
        Trick::Audience => claims["aud"] = json!("another-client"),
        Trick::AuthorizedParty => {
            claims["aud"] = json!(["techpass", "another-client"]);
            claims["azp"] = json!("another-client");
        }
        Trick::Nonce => claims["nonce"] = json!("another-nonce"),
        Trick::NoNonce => drop(claims.as_object_mut().expect("an object").remove("nonce")),
        Trick::Expired => claims["exp"] = json!(now() - 3_600),
        Trick::Future => claims["iat"] = json!(now() + 3_600),
        Trick::Stale => claims["auth_time"] = json!(now() - 86_400),
        Trick::NoSubject => drop(claims.as_object_mut().expect("an object").remove("sub")),
        Trick::NumberSubject => claims["sub"] = json!(1),
        Trick::Stranger => claims["sub"] = json!("officer-2"),
        Trick::AccessToken => claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"),
        _ => {}
    }
    claims
}

fn id_token(state: &State, trick: Trick) -> String {
    let claims = claims(state, trick);
    let stranger = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid, "typ": "JWT" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let hs256 = |secret: &[u8]| {
        let message = format!("{}.{}", part(&header("HS256", "k1")), part(&claims));
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            message.as_bytes(),
        );
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    match trick {
        Trick::Key => jws(&stranger(), &header("ES256", "k1"), &claims),
        Trick::UnknownKey => jws(&stranger(), &header("ES256", "k2"), &claims),
        Trick::None => format!("{}.{}.", part(&header("none", "k1")), part(&claims)),
        Trick::Hs256 => hs256(SECRET.as_bytes()),
        Trick::Confused => hs256(state.key.public_key().as_ref()),
        _ => jws(&state.key, &header("ES256", "k1"), &claims),
    }
}

fn tokens(state: &State, trick: Trick) -> String {
    let mut body =
        json!({ "access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300 });
    if trick != Trick::NoIdToken {
        body["id_token"] = json!(id_token(state, trick));
    }
    match trick {
        Trick::Text => answer("200 OK", "", "this is no JSON"),
        Trick::Broken => answer("500 Internal Server Error", "", &body.to_string()),
        Trick::Moved => {
            let elsewhere = format!("location: {}/elsewhere\r\n", state.issuer);
            answer("307 Temporary Redirect", &elsewhere, &body.to_string())
        }
        Trick::Huge => {
            body["padding"] = json!("x".repeat(10_000_000));
            answer("200 OK", "", &body.to_string())
        }
        _ => answer("200 OK", "", &body.to_string()),
    }
}
