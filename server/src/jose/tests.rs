#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding,
};
use serde_json::json;

enum Signer {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(aws_lc_rs::rsa::KeyPair, &'static dyn RsaEncoding),
    Secret(Vec<u8>),
}

impl Signer {
    fn sign(&self, header: Value, claims: Value) -> String {
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let (random, message) = (SystemRandom::new(), input.as_bytes());
        let signature = match self {
            Signer::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Signer::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Signer::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Signer::Secret(secret) => {
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
                aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
            }
        };
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn public(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Signer::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": text(&point[1..33]), "y": text(&point[33..]) })
            }
            Signer::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": text(pair.public_key().as_ref()) })
            }
            Signer::Rsa(pair, _) => {
                let key = pair.public_key();
                let n = text(key.modulus().big_endian_without_leading_zero());
                let e = text(key.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": kid, "n": n, "e": e })
            }
            Signer::Secret(_) => json!({ "kty": "oct", "kid": kid }),
        }
    }
}

fn rsa(size: aws_lc_rs::rsa::KeySize, encoding: &'static dyn RsaEncoding) -> Signer {
    Signer::Rsa(aws_lc_rs::rsa::KeyPair::generate(size).unwrap(), encoding)
}

fn ec() -> Signer {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
    Signer::Ec(pair.unwrap())
}

fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

const ALL: [&str; 4] = jwk::ALGORITHMS;

#[test]
fn each_algorithm_verifies_with_its_own_key_and_no_other() {
    let size = aws_lc_rs::rsa::KeySize::Rsa2048;
    let signers = [
        ("RS256", rsa(size, &RSA_PKCS1_SHA256)),
        ("PS256", rsa(size, &RSA_PSS_SHA256)),
        ("ES256", ec()),
        ("EdDSA", Signer::Ed(Ed25519KeyPair::generate().unwrap())),
    ];
    let keys: Vec<Value> = signers.iter().map(|(alg, s)| s.public(alg)).collect();
    for (alg, signer) in &signers {
        let token = signer.sign(json!({ "alg": alg, "kid": alg }), json!({ "a": 1 }));
        let jwks = set(&keys);
        assert_eq!(by_jwks(&token, &jwks, &ALL), Ok(json!({ "a": 1 })), "{alg}");
        let others: Vec<&str> = ALL.into_iter().filter(|other| other != alg).collect();
        assert_eq!(by_jwks(&token, &jwks, &others), Err(JoseError::Algorithm));
        let stranger = signer.sign(json!({ "alg": alg, "kid": "other" }), json!({}));
        assert_eq!(by_jwks(&stranger, &jwks, &ALL), Err(JoseError::NoKey));
        let (head, _) = token.rsplit_once('.').unwrap();
        let forged = format!("{head}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
        assert_eq!(
            by_jwks(&forged, &jwks, &ALL),
            Err(JoseError::Signature),
            "{alg}"
        );
    }
}

#[test]
fn a_header_cannot_choose_the_algorithm_or_bring_a_key() {
    let signer = ec();
    let public = signer.public("a");
    let jwks = set(std::slice::from_ref(&public));
    // RFC 8725 §2.1: the public key taken for the secret of an HMAC.
    for bytes in [
        public.to_string().into_bytes(),
        public["x"].as_str().unwrap().into(),
    ] {
        let confused = Signer::Secret(bytes).sign(json!({ "alg": "HS256", "kid": "a" }), json!({}));
        assert_eq!(
            by_jwks(&confused, &jwks, &["ES256"]),
            Err(JoseError::Algorithm)
        );
        assert_eq!(by_jwks(&confused, &jwks, &["HS256"]), Err(JoseError::NoKey));
    }
    for alg in ["none", "NONE", "nOnE"] {
        let unsigned = signer.sign(json!({ "alg": alg }), json!({}));
        let refused = by_jwks(&unsigned, &jwks, &ALL);
        assert!(matches!(refused, Err(JoseError::Malformed(_))), "{alg}");
    }
    let own = ec();
    let header = json!({ "alg": "ES256", "kid": "a", "jwk": own.public("a") });
    let refused = by_jwks(&own.sign(header, json!({})), &jwks, &ALL);
    assert_eq!(refused, Err(JoseError::Signature));
    let header = json!({ "alg": "ES256", "kid": "a", "crit": ["b64"] });
    let refused = by_jwks(&signer.sign(header, json!({})), &jwks, &ALL);
    assert!(matches!(refused, Err(JoseError::Malformed(_))));
}

#[test]
fn without_a_kid_the_only_key_is_taken_and_two_are_too_many() {
    let (signer, other) = (ec(), ec());
    let token = signer.sign(json!({ "alg": "ES256" }), json!({}));
    let one = set(&[signer.public("a")]);
    let two = set(&[signer.public("a"), other.public("b")]);
    assert!(by_jwks(&token, &one, &ALL).is_ok());
    assert_eq!(by_jwks(&token, &two, &ALL), Err(JoseError::NoKey));
}

#[test]
fn a_secret_verifies_its_own_hmac_only() {
    let secret = Signer::Secret(b"secret".to_vec());
    let token = secret.sign(json!({ "alg": "HS256" }), json!({ "a": 1 }));
    assert_eq!(by_secret(&token, b"secret"), Ok(json!({ "a": 1 })));
    assert_eq!(by_secret(&token, b"other"), Err(JoseError::Signature));
    for alg in ["HS384", "ES256", "RS256"] {
        let token = secret.sign(json!({ "alg": alg }), json!({}));
        assert_eq!(
            by_secret(&token, b"secret"),
            Err(JoseError::Algorithm),
            "{alg}"
        );
    }
}

#[test]
fn a_token_of_another_type_is_none_of_ours() {
    for (typ, expected) in [
        (None, true),
        (Some("JWT"), true),
        (Some("client-authentication+jwt"), true),
        (Some("application/client-authentication+jwt"), true),
        (Some("at+jwt"), false),
        (Some("logout+jwt"), false),
    ] {
        let mut header = json!({ "alg": "HS256" });
        if let Some(typ) = typ {
            header["typ"] = typ.into();
        }
        let token = Signer::Secret(vec![1]).sign(header, json!({}));
        assert_eq!(
            may_be_typ(&token, "client-authentication+jwt"),
            expected,
            "{typ:?}"
        );
    }
}
