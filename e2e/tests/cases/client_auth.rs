//! How clients authenticate: each method, and every way to cheat at it.

use crate::support::application::text;
use crate::support::demo::Demo;
use crate::support::elsewhere::Elsewhere;
use crate::support::phone::jws;
use crate::support::registered::Registered;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A client that is known, and asks for nothing that there is.
const KNOWN: (u16, &str) = (400, "invalid_grant");
const UNKNOWN: (u16, &str) = (401, "invalid_client");

fn key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")
}

fn public(key: &EcdsaKeyPair, kid: &str) -> Value {
    let point = key.public_key().as_ref();
    let text = |half: &[u8]| URL_SAFE_NO_PAD.encode(half);
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": text(&point[1..33]), "y": text(&point[33..]) })
}

fn with_hmac(secret: &[u8], header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        message.as_bytes(),
    );
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn jti() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Claims that are right.
async fn claims(demo: &Demo, app: &Registered) -> Value {
    let (id, now) = (app.text("client_id"), demo.now().await);
    json!({ "iss": id, "sub": id, "aud": demo.techpass(), "iat": now, "exp": now + 60, "jti": jti() })
}

/// What the token endpoint says of somebody who shows this.
async fn says(
    app: &Registered,
    header: Option<(&str, &str)>,
    fields: &[(&str, &str)],
) -> (u16, String) {
    let mut all = vec![("grant_type", "refresh_token"), ("refresh_token", "none")];
    all.extend_from_slice(fields);
    let (status, body, challenged) = app.token(header, &all).await;
    assert_eq!(challenged, status == 401 && header.is_some(), "{body}");
    (status, text(&body, "error").to_owned())
}

async fn asserts(app: &Registered, assertion: &str) -> (u16, String) {
    let fields = [
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    says(app, None, &fields).await
}

fn is(found: &(u16, String), expected: (u16, &str)) -> bool {
    (found.0, found.1.as_str()) == expected
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_known_by_its_registered_method_and_no_other() {
    let demo = Demo::start();
    let own = key();
    let header = json!({ "alg": "ES256", "kid": "a" });
    let methods = [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "none",
    ];
    for registered in methods {
        let app = Registered::new(
            &demo.techpass(),
            json!({
                "token_endpoint_auth_method": registered, "jwks": { "keys": [public(&own, "a")] },
                "grant_types": ["authorization_code", "refresh_token"],
            }),
        )
        .await;
        let id = app.text("client_id");
        let secret = app.body["client_secret"].as_str().unwrap_or("none");
        for used in methods {
            let claims = claims(&demo, &app).await;
            let found = match used {
                "client_secret_basic" => says(&app, Some((id, secret)), &[]).await,
                "client_secret_post" => {
                    says(&app, None, &[("client_id", id), ("client_secret", secret)]).await
                }
                "client_secret_jwt" => {
                    let header = json!({ "alg": "HS256" });
                    asserts(&app, &with_hmac(secret.as_bytes(), &header, &claims)).await
                }
                "private_key_jwt" => asserts(&app, &jws(&own, &header, &claims)).await,
                _ => says(&app, None, &[("client_id", id)]).await,
            };
            let expected = if used == registered { KNOWN } else { UNKNOWN };
            assert!(is(&found, expected), "{registered} {used} {found:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_for_this_server_for_now_and_for_once() {
    let demo = Demo::start();
    let own = key();
    let app = Registered::new(
        &demo.techpass(),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [public(&own, "a")] },
                "grant_types": ["authorization_code", "refresh_token"] }),
    )
    .await;
    let header = json!({ "alg": "ES256", "kid": "a" });
    let good = jws(&own, &header, &claims(&demo, &app).await);
    assert!(is(&asserts(&app, &good).await, KNOWN));
    assert!(
        is(&asserts(&app, &good).await, UNKNOWN),
        "it was used twice"
    );
    demo.advance(59).await;
    assert!(
        is(&asserts(&app, &good).await, UNKNOWN),
        "it was used twice"
    );
    let now = demo.now().await;
    for (name, value, expected) in [
        ("aud", json!(format!("{}/token", demo.techpass())), KNOWN),
        ("aud", json!([demo.techpass()]), KNOWN),
        ("aud", json!("https://other.example"), UNKNOWN),
        (
            "aud",
            json!([demo.techpass(), "https://other.example"]),
            UNKNOWN,
        ),
        ("iss", json!("other"), UNKNOWN),
        ("exp", json!(now - 61), UNKNOWN),
        // What libraries write by themselves is an hour.
        ("exp", json!(now + 3600), KNOWN),
        ("exp", json!(now + 3700), UNKNOWN),
        ("exp", Value::Null, UNKNOWN),
        ("nbf", json!(now + 3600), UNKNOWN),
        ("jti", Value::Null, UNKNOWN),
    ] {
        let mut claims = claims(&demo, &app).await;
        claims[name] = value.clone();
        let found = asserts(&app, &jws(&own, &header, &claims)).await;
        assert!(is(&found, expected), "{name} {value} {found:?}");
    }
    // It survives a power cut that it was used.
    let mut demo = demo;
    let last = jws(&own, &header, &claims(&demo, &app).await);
    assert!(is(&asserts(&app, &last).await, KNOWN));
    demo.cut_and_start_again();
    assert!(
        is(&asserts(&app, &last).await, UNKNOWN),
        "it was used twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_of_one_assertion_one_succeeds() {
    let demo = Demo::start();
    let own = key();
    let app = Registered::new(
        &demo.techpass(),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [public(&own, "a")] },
                "grant_types": ["authorization_code", "refresh_token"] }),
    )
    .await;
    let app = std::sync::Arc::new(app);
    let assertion = jws(&own, &json!({ "alg": "ES256" }), &claims(&demo, &app).await);
    let tries = (0..30).map(|_| {
        let (app, assertion) = (app.clone(), assertion.clone());
        tokio::spawn(async move { asserts(&app, &assertion).await })
    });
    let mut known = 0;
    for tried in tries.collect::<Vec<_>>() {
        known += usize::from(is(&tried.await.expect("an answer"), KNOWN));
    }
    assert_eq!(known, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_algorithm_nor_key_is_the_callers_to_choose() {
    let demo = Demo::start();
    let (own, stranger) = (key(), key());
    let jwk = public(&own, "a");
    let app = Registered::new(
        &demo.techpass(),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk] },
                "token_endpoint_auth_signing_alg": "ES256" }),
    )
    .await;
    let claims = claims(&demo, &app).await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| format!("{}.{}.", part(&json!({ "alg": alg })), part(&claims));
    let hs256 = json!({ "alg": "HS256", "kid": "a" });
    let point = own.public_key().as_ref();
    let by_stranger = |header: Value| jws(&stranger, &header, &claims);
    for (name, assertion) in [
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("no signature", unsigned("ES256")),
        (
            "HMAC under the JWK",
            with_hmac(jwk.to_string().as_bytes(), &hs256, &claims),
        ),
        ("HMAC under the point", with_hmac(point, &hs256, &claims)),
        ("HMAC under nothing", with_hmac(b"", &hs256, &claims)),
        (
            "a stranger",
            by_stranger(json!({ "alg": "ES256", "kid": "a" })),
        ),
        (
            "an unknown key",
            by_stranger(json!({ "alg": "ES256", "kid": "b" })),
        ),
        (
            "a key of its own",
            by_stranger(json!({ "alg": "ES256", "jwk": public(&stranger, "a") })),
        ),
        (
            "another algorithm's name",
            jws(&own, &json!({ "alg": "RS256", "kid": "a" }), &claims),
        ),
        (
            "a critical extension",
            jws(
                &own,
                &json!({ "alg": "ES256", "kid": "a", "crit": ["x"] }),
                &claims,
            ),
        ),
        (
            "another type",
            jws(
                &own,
                &json!({ "alg": "ES256", "kid": "a", "typ": "at+jwt" }),
                &claims,
            ),
        ),
    ] {
        let found = asserts(&app, &assertion).await;
        assert!(is(&found, UNKNOWN), "{name} {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hmac_is_under_the_clients_own_secret_and_hs256() {
    let demo = Demo::start();
    let secret = Registered::new(
        &demo.techpass(),
        json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
    )
    .await;
    let claims = claims(&demo, &secret).await;
    let wrong = with_hmac(b"another secret", &json!({ "alg": "HS256" }), &claims);
    assert!(is(&asserts(&secret, &wrong).await, UNKNOWN));
    let hs512 = json!({ "alg": "HS512" });
    let other = with_hmac(secret.text("client_secret").as_bytes(), &hs512, &claims);
    assert!(is(&asserts(&secret, &other).await, UNKNOWN));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_kept_elsewhere_follow_each_other() {
    let demo = Demo::start();
    let (old, new) = (key(), key());
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string();
    let elsewhere = Elsewhere::start(set(&[public(&old, "old")])).await;
    let app = Registered::new(
        &demo.techpass(),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": elsewhere.url,
                "grant_types": ["authorization_code", "refresh_token"] }),
    )
    .await;
    let by = async |key: &EcdsaKeyPair, kid: &str| {
        let claims = claims(&demo, &app).await;
        asserts(
            &app,
            &jws(key, &json!({ "alg": "ES256", "kid": kid }), &claims),
        )
        .await
    };
    assert!(is(&by(&old, "old").await, KNOWN));
    assert!(is(&by(&old, "old").await, KNOWN));
    assert_eq!(elsewhere.asked(), 1);
    elsewhere.put(set(&[public(&new, "new")]));
    assert!(is(&by(&new, "new").await, KNOWN));
    assert!(is(&by(&old, "old").await, UNKNOWN));
    assert_eq!(elsewhere.asked(), 2);
    // Within a minute nobody can make the server ask once more.
    elsewhere.put(set(&[public(&old, "old")]));
    assert!(is(&by(&old, "old").await, UNKNOWN));
    assert_eq!(elsewhere.asked(), 2);
    demo.advance(60).await;
    assert!(is(&by(&old, "old").await, KNOWN));
    assert_eq!(elsewhere.asked(), 3);
}
