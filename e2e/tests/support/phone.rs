//! Phones: the command `techpass authenticator`, and a forger who holds a phone's keys.

use super::program;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;

/// A phone on the command line.
#[derive(Clone)]
pub struct CommandPhone {
    path: PathBuf,
    account: String,
}

impl CommandPhone {
    /// The phone of that file, used for that account.
    pub fn new(path: PathBuf, account: &str) -> CommandPhone {
        CommandPhone {
            path,
            account: account.to_owned(),
        }
    }

    fn arguments(&self, rest: &[&str]) -> Vec<String> {
        let first = [
            "authenticator",
            "--phone",
            self.path.to_str().expect("a path"),
        ];
        first
            .iter()
            .chain(rest)
            .map(|word| (*word).to_owned())
            .collect()
    }

    /// Runs a verb to its end, whatever comes of it.
    pub fn run(&self, rest: &[&str]) -> Output {
        program::run(&self.arguments(rest))
    }

    fn ok(&self, rest: &[&str]) -> String {
        program::ok(&self.arguments(rest)).trim().to_owned()
    }

    /// Types the number and says yes.
    pub fn approve(&self, number: &str) {
        self.ok(&["approve", "--account", &self.account, "--number", number]);
    }

    /// The same, refused; gives what the phone says.
    pub fn approve_in_vain(&self, number: &str) -> String {
        let output = self.run(&["approve", "--account", &self.account, "--number", number]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "an answer that must be refused"
        );
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// "No, it's not me", with or without a report.
    pub fn decline(&self, report: bool) {
        let mut rest = vec!["decline", "--account", self.account.as_str()];
        rest.extend(report.then_some("--report"));
        self.ok(&rest);
    }

    /// The verification code of a profile.
    pub fn code(&self, profile: &str) -> String {
        self.ok(&["code", "--account", &self.account, "--profile", profile])
    }

    /// The requests that wait.
    pub fn requests(&self) -> Vec<Value> {
        serde_json::from_str(&self.ok(&["requests", "--json"])).expect("a list")
    }

    /// The keys in the file, for messages that the command would never send.
    pub fn forger(&self, issuer: &str) -> Forger {
        let text = std::fs::read_to_string(&self.path).expect("a phone file");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        let profiles = file["profiles"].as_array().expect("profiles");
        let fits = |p: &&Value| p["issuer"] == issuer && p["account"] == self.account.as_str();
        let profile = profiles.iter().find(fits).expect("a profile there");
        let key = STANDARD
            .decode(profile["key"].as_str().expect("a key"))
            .expect("base64");
        Forger {
            issuer: issuer.to_owned(),
            id: profile["authenticator_id"]
                .as_str()
                .expect("an id")
                .to_owned(),
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key).expect("a key"),
        }
    }
}

/// Speaks the protocol of phones byte by byte.
pub struct Forger {
    issuer: String,
    /// The phone's id at the server.
    pub id: String,
    key: EcdsaKeyPair,
}

/// A compact JWS over any header and payload.
pub fn jws(key: &EcdsaKeyPair, header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(payload));
    let signature = key
        .sign(&SystemRandom::new(), message.as_bytes())
        .expect("a signature");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl Forger {
    /// Signs a payload as a message of that kind.
    pub fn sign(&self, typ: &str, payload: &Value) -> String {
        jws(&self.key, &json!({ "alg": "ES256", "typ": typ }), payload)
    }

    /// The waiting requests as the server sends them, nonce included.
    pub async fn list(&self, now: i64) -> Vec<Value> {
        let url = format!("{}/authenticator/v1/requests", self.issuer);
        let mut jti = [0_u8; 16];
        aws_lc_rs::rand::fill(&mut jti).expect("randomness");
        let payload = json!({
            "aud": self.issuer, "sub": self.id, "iat": now, "htm": "GET", "htu": url,
            "jti": URL_SAFE_NO_PAD.encode(jti),
        });
        let proof = format!("Phone {}", self.sign("techpass-phone+jwt", &payload));
        let request = super::demo::plain()
            .get(&url)
            .header("authorization", proof);
        let body: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        body["requests"]
            .as_array()
            .unwrap_or_else(|| panic!("no list: {body}"))
            .clone()
    }

    /// What an honest phone signs for this request.
    pub fn payload(&self, request: &Value, number: &str) -> Value {
        let mut payload = json!({
            "v": 1, "aud": self.issuer, "sub": self.id, "request": request["id"], "decision": "approve",
            "number": number, "iat": request["created_at"],
        });
        for name in [
            "nonce",
            "account",
            "app",
            "location",
            "device",
            "created_at",
            "expires_at",
        ] {
            payload[name] = request[name].clone();
        }
        payload
    }

    /// Signs a payload as an answer and sends it for the request `id`.
    pub async fn answer(&self, id: &str, payload: &Value) -> (u16, Value) {
        self.send(id, &self.sign("techpass-answer+jwt", payload))
            .await
    }

    /// Sends a finished message as the answer for the request `id`.
    pub async fn send(&self, id: &str, answer: &str) -> (u16, Value) {
        let url = format!("{}/authenticator/v1/requests/{id}/answer", self.issuer);
        let request = super::demo::plain()
            .post(url)
            .json(&json!({ "answer": answer }));
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }
}
