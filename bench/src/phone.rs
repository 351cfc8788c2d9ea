//! A robot phone: it signs with a key of its own, as docs/authenticator-protocol.md says.

use crate::http::Wire;
use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;
use techpass_domain::authenticator::PhoneKey;

/// A phone with one profile.
pub struct Phone {
    /// Its name at the server.
    pub id: String,
    pair: EcdsaKeyPair,
}

/// A request that waits for it, as the list gave it.
pub struct Waiting(Value);

impl Waiting {
    /// Its name.
    pub fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Phone {
    /// A new key.
    pub fn new(id: &str) -> Result<Phone> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Ok(Phone {
            id: id.to_owned(),
            pair: pair.map_err(|_| anyhow!("this computer cannot make a key"))?,
        })
    }

    /// The public half.
    pub fn public(&self) -> Result<PhoneKey> {
        let point = self.pair.public_key().as_ref();
        let coordinates = point
            .strip_prefix(&[4])
            .and_then(|xy| xy.split_at_checked(32));
        let (x, y) = coordinates.context("this key is not a P-256 key")?;
        Ok(PhoneKey {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }

    fn sign(&self, typ: &str, payload: &Value) -> Result<String> {
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"ES256\",\"typ\":\"{typ}\"}}")),
            URL_SAFE_NO_PAD.encode(payload.to_string())
        );
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes());
        let signature = signature.map_err(|_| anyhow!("this computer cannot sign"))?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Reads the list; the newest request in it.
    pub async fn look(&self, wire: &mut Wire) -> Result<Waiting> {
        const PATH: &str = "/authenticator/v1/requests";
        let issuer = wire.site.origin();
        let proof = self.sign(
            "techpass-phone+jwt",
            &json!({
                "aud": issuer, "sub": self.id, "iat": now_s(), "jti": crate::world::secret()?,
                "htm": "GET", "htu": format!("{issuer}{PATH}"),
            }),
        )?;
        let header = format!("Phone {proof}");
        let answer = wire
            .call("GET", PATH, &[("authorization", &header)], None)
            .await?;
        let mut list = answer.expect(200)?.json()?;
        let newest = list.pointer_mut("/requests/0").map(Value::take);
        Ok(Waiting(newest.context("no request waits for the phone")?))
    }

    /// The address and the body of a signed approval.
    pub fn approval(&self, waiting: &Waiting, number: &str) -> Result<(String, String)> {
        self.decision(waiting, "approve", Some(number))
    }

    /// The address and the body of a signed answer.
    pub fn decision(
        &self,
        waiting: &Waiting,
        decision: &str,
        number: Option<&str>,
    ) -> Result<(String, String)> {
        let part = |name: &str| waiting.0.get(name).cloned().unwrap_or_default();
        let id = part("id");
        let answer = self.sign(
            "techpass-answer+jwt",
            &json!({
                "v": 1, "aud": part("issuer"), "sub": self.id, "request": id, "nonce": part("nonce"),
                "account": part("account"), "app": part("app"), "location": part("location"),
                "device": part("device"), "created_at": part("created_at"),
                "expires_at": part("expires_at"), "decision": decision, "number": number,
                "iat": now_s(),
            }),
        )?;
        let id = id.as_str().unwrap_or_default();
        let path = format!("/authenticator/v1/requests/{id}/answer");
        Ok((path, json!({ "answer": answer }).to_string()))
    }

    /// Types the number and sends the approval.
    pub async fn approve(&self, wire: &mut Wire, waiting: &Waiting, number: &str) -> Result<()> {
        let (path, body) = self.approval(waiting, number)?;
        let kind = [("content-type", "application/json")];
        let answer = wire.call("POST", &path, &kind, Some(&body)).await?;
        answer.expect(200)?;
        Ok(())
    }
}

/// How far this world's time is from the true one, in seconds.
static CLOCK_S: AtomicI64 = AtomicI64::new(0);

/// Sets every phone's clock to so many seconds from the true time.
pub fn set_clock(seconds: i64) {
    CLOCK_S.store(seconds, Ordering::Relaxed);
}

/// Unix time: a generator lives in the real world.
#[allow(clippy::disallowed_methods)]
pub fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    let true_s = since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
    true_s + CLOCK_S.load(Ordering::Relaxed)
}
