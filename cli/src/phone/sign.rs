//! The key of a profile and the messages signed with it: compact JWS (RFC 7515), `ES256` and nothing else.

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;

/// `typ` of the proof that comes with an enrolment.
pub const ENROL: &str = "techpass-enrol+jwt";
/// `typ` of the proof that comes with a read.
pub const PHONE: &str = "techpass-phone+jwt";
/// `typ` of an answer.
pub const ANSWER: &str = "techpass-answer+jwt";

/// One byte that says "both coordinates follow" (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Length of a coordinate of P-256, in bytes.
const COORDINATE: usize = 32;

/// A P-256 key that belongs to one profile.
pub struct Key(EcdsaKeyPair);

/// The public half as a JWK (RFC 7517, RFC 7518 section 6.2.1).
#[derive(Debug, Serialize)]
pub struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
}

impl Key {
    /// A new key.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn generate() -> Result<Key> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map(Key)
            .map_err(|_| anyhow!("this computer cannot make a key"))
    }

    /// The key of a phone file, PKCS#8 (RFC 5208) in base64.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn read(pkcs8_base64: &str) -> Result<Key> {
        let damaged = || anyhow!("the phone file is damaged: a key in it does not parse");
        let pkcs8 = STANDARD.decode(pkcs8_base64).map_err(|_| damaged())?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
            .map(Key)
            .map_err(|_| damaged())
    }

    /// The key for the phone file, PKCS#8 in base64. A secret.
    ///
    /// # Errors
    /// When the key cannot be written down.
    pub fn write(&self) -> Result<String> {
        let pkcs8 = self.0.to_pkcs8v1();
        let pkcs8 = pkcs8.map_err(|_| anyhow!("this computer cannot write a key down"))?;
        Ok(STANDARD.encode(pkcs8.as_ref()))
    }

    /// The public half.
    ///
    /// # Errors
    /// When the key is not a point of P-256, which cannot be.
    pub fn public(&self) -> Result<PublicKey> {
        let coordinates = match self.0.public_key().as_ref().split_first() {
            Some((&UNCOMPRESSED, rest)) => rest.split_at_checked(COORDINATE),
            _ => None,
        };
        let (x, y) = coordinates.context("this key is not a P-256 key")?;
        Ok(PublicKey {
            kty: "EC",
            crv: "P-256",
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }

    /// A signed message. Its `typ` keeps one kind of message from standing for another.
    ///
    /// # Errors
    /// When the payload is no JSON or the machine has no randomness.
    pub fn sign(&self, typ: &str, payload: &impl Serialize) -> Result<String> {
        let header = serde_json::json!({ "alg": "ES256", "typ": typ });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(payload)?);
        let message = format!("{header}.{payload}");
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes());
        let signature = signature.map_err(|_| anyhow!("this computer cannot sign"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A message's own name, accepted by a server once: 128 random bits.
///
/// # Errors
/// When the machine has no randomness.
pub fn jti() -> Result<String> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).map_err(|_| anyhow!("this computer has no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What an enrolment's proof says of its token: base64url of SHA-256 over the token's text.
pub fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}
