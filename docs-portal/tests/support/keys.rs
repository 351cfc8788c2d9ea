//! Signing keys of the provider.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>, &'static str),
}

/// A key with a name.
pub struct Key {
    pub kid: String,
    pair: Pair,
}

impl Key {
    pub fn es256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::Ec(pair),
        }
    }

    /// An RSA key for `RS256` or `RS512`.
    pub fn rsa(kid: &str, alg: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::Rsa(Box::new(pair), alg),
        }
    }

    pub fn alg(&self) -> &'static str {
        match self.pair {
            Pair::Ec(_) => "ES256",
            Pair::Rsa(_, alg) => alg,
        }
    }

    /// The public half as a JSON Web Key.
    pub fn public(&self) -> Value {
        match &self.pair {
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
                    "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..65]),
                })
            }
            Pair::Rsa(pair, alg) => {
                // DER of RSAPublicKey: two lengths of two bytes and a leading zero, then 256 bytes.
                let modulus = &pair.public_key().as_ref()[9..265];
                json!({
                    "kty": "RSA", "use": "sig", "alg": alg, "kid": self.kid,
                    "n": B64.encode(modulus), "e": "AQAB",
                })
            }
        }
    }

    /// A compact JWS.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ec(pair) => pair
                .sign(&random, message.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
            Pair::Rsa(pair, alg) => {
                let padding = if *alg == "RS512" {
                    &RSA_PKCS1_SHA512
                } else {
                    &RSA_PKCS1_SHA256
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("{message}.{}", B64.encode(signature))
    }

    pub fn header(&self, typ: &str) -> Value {
        json!({ "alg": self.alg(), "kid": self.kid, "typ": typ })
    }
}

/// A part of a compact JWS.
pub fn part(value: &Value) -> String {
    B64.encode(value.to_string())
}
