//! RFC 7517.

use crate::oidc::jwk::{JwksError, check_set, choose};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

fn rsa(kid: &str, bits: usize) -> Value {
    let n = URL_SAFE_NO_PAD.encode(vec![0xff; bits / 8]);
    json!({ "kty": "RSA", "kid": kid, "n": n, "e": "AQAB" })
}

fn ec(kid: &str) -> Value {
    let half = URL_SAFE_NO_PAD.encode([1; 32]);
    json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": half, "y": half })
}

fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

#[test]
fn a_set_holds_public_keys_that_are_strong_and_told_apart() {
    let okp =
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "o", "x": URL_SAFE_NO_PAD.encode([2; 32]) });
    let p384 = json!({ "kty": "EC", "crv": "P-384", "kid": "a", "x": "AA", "y": "AA" });
    for (keys, expected) in [
        (vec![rsa("a", 2048), ec("b"), okp], Ok(())),
        (vec![rsa("a", 8192)], Ok(())),
        (vec![p384], Ok(())),
        (vec![json!({ "kty": "something new" })], Ok(())),
        (vec![rsa("a", 2048), ec("a")], Ok(())),
        (vec![], Err(JwksError::Empty)),
        (vec![rsa("a", 2040)], Err(JwksError::Weak)),
        (vec![rsa("a", 8200)], Err(JwksError::Weak)),
        (vec![with(ec("a"), "d", "AA")], Err(JwksError::Private)),
        (
            vec![with(rsa("a", 2048), "p", "AA")],
            Err(JwksError::Private),
        ),
        (
            vec![json!({ "kty": "oct", "k": "AA" })],
            Err(JwksError::Private),
        ),
        (vec![with(ec("a"), "x", "AA")], Err(JwksError::Malformed)),
        (vec![with(ec("a"), "y", 1)], Err(JwksError::Malformed)),
        (vec![json!({ "kid": "a" })], Err(JwksError::Malformed)),
        (vec![json!("key")], Err(JwksError::Malformed)),
        (vec![ec("a"), ec("a")], Err(JwksError::Ambiguous)),
        (vec![ec("a"); 51], Err(JwksError::TooMany)),
    ] {
        assert_eq!(check_set(&json!({ "keys": keys })), expected, "{keys:?}");
    }
    for set in [json!({}), json!([]), json!({ "keys": {} }), json!("keys")] {
        assert_eq!(check_set(&set), Err(JwksError::Shape), "{set}");
    }
}

#[test]
fn one_key_fits_or_none() {
    let set = json!({ "keys": [
        with(ec("enc"), "use", "enc"),
        with(ec("sig"), "use", "sig"),
        with(rsa("ps"), "alg", "PS256"),
        with(with(rsa("ops"), "alg", "RS256"), "key_ops", json!(["verify"])),
        with(with(rsa("wrap"), "alg", "RS256"), "key_ops", json!(["wrapKey"])),
        rsa("weak"),
    ]});
    fn rsa(kid: &str) -> Value {
        super::jwk::rsa(kid, if kid == "weak" { 1024 } else { 2048 })
    }
    for (alg, kid, expected) in [
        ("ES256", None, Some("sig")),
        ("ES256", Some("sig"), Some("sig")),
        ("ES256", Some("enc"), None),
        ("ES256", Some("ps"), None),
        ("ES256", Some("other"), None),
        ("PS256", None, Some("ps")),
        ("RS256", None, Some("ops")),
        ("RS256", Some("ps"), None),
        ("RS256", Some("wrap"), None),
        ("RS256", Some("weak"), None),
        ("EdDSA", None, None),
        ("HS256", None, None),
        ("none", None, None),
    ] {
        let found = choose(&set, alg, kid).and_then(|key| key["kid"].as_str());
        assert_eq!(found, expected, "{alg} {kid:?}");
    }
    let twins = json!({ "keys": [ec("a"), ec("b")] });
    assert_eq!(choose(&twins, "ES256", None), None);
    let private = json!({ "keys": [with(ec("a"), "d", "AA")] });
    assert_eq!(choose(&private, "ES256", Some("a")), None);
}
