//! RFC 6749 §2.3, OpenID Connect Core §9, RFC 7523 §3.

use super::{ISSUER, NOW, client};
use crate::client::AuthMethod;
use crate::id::ClientId;
use crate::oidc::client_auth::{
    AssertionError, Expect, Presented, Proof, assertion_algorithms, check_assertion, living_secret,
    presented,
};
use crate::oidc::jwk::ALGORITHMS;
use crate::oidc::params::Params;
use crate::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

const TYPE: &str =
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

fn form(text: &str) -> Params {
    Params::parse(text).unwrap()
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn assertion(sub: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "alg": "ES256" }));
    format!("{header}.{}.AAAA", part(json!({ "sub": sub })))
}

fn shown(presented: &Presented) -> (&str, &'static str, &str) {
    let id = presented.client_id.as_str();
    match &presented.proof {
        Proof::Basic(secret) => (id, "basic", secret),
        Proof::Post(secret) => (id, "post", secret),
        Proof::Assertion(_) => (id, "assertion", ""),
        Proof::None => (id, "none", ""),
    }
}

/// Header, body, and who shows what, or the error.
type Case<'a> = (
    Option<&'a str>,
    &'a str,
    Result<(&'a str, &'static str, &'a str), &'a str>,
);

fn check(cases: &[Case<'_>]) {
    for (header, body, expected) in cases {
        let presented = presented(*header, &form(body));
        let outcome = match &presented {
            Ok(presented) => Ok(shown(presented)),
            Err(error) => {
                assert_eq!(error.header_tried, header.is_some(), "{header:?} {body}");
                Err(error.code.as_str())
            }
        };
        assert_eq!(outcome, *expected, "{header:?} {body}");
    }
}

#[test]
fn a_client_may_authenticate_in_the_header() {
    let good = basic("docs:s3cret");
    let jwt = format!("{TYPE}&client_assertion={}", assertion("docs"));
    check(&[
        (Some(&good), "", Ok(("docs", "basic", "s3cret"))),
        (
            Some(&format!("basic {}", STANDARD_NO_PAD.encode("docs:s3cret"))),
            "",
            Ok(("docs", "basic", "s3cret")),
        ),
        (
            Some(&basic("do%3Acs:s%2B%25+x")),
            "",
            Ok(("do:cs", "basic", "s+% x")),
        ),
        (
            Some(&good),
            "client_id=docs",
            Ok(("docs", "basic", "s3cret")),
        ),
        (Some(&good), "client_id=other", Err("invalid_request")),
        (Some(&good), "client_secret=s3cret", Err("invalid_request")),
        (Some(&good), &jwt, Err("invalid_request")),
        (Some("Basic !!!"), "", Err("invalid_client")),
        (Some("Basic"), "", Err("invalid_client")),
        (Some("Bearer abc"), "client_id=docs", Err("invalid_client")),
        (Some(&basic("docs")), "", Err("invalid_client")),
        (Some(&basic(":secret")), "", Err("invalid_client")),
        (Some(&basic("docs:%zz")), "", Err("invalid_client")),
    ]);
}

#[test]
fn a_client_may_authenticate_in_the_body() {
    let jwt = format!("{TYPE}&client_assertion={}", assertion("docs"));
    let with = |further: &str| format!("{jwt}&{further}");
    let broken = format!("{TYPE}&client_assertion=a.b.c");
    let saml = "client_assertion_type=saml&client_assertion=a.b.c";
    check(&[
        (
            None,
            "client_id=docs&client_secret=x",
            Ok(("docs", "post", "x")),
        ),
        (None, "client_id=docs", Ok(("docs", "none", ""))),
        (
            None,
            "client_id=docs&client_secret=",
            Ok(("docs", "none", "")),
        ),
        (None, "client_secret=x", Err("invalid_client")),
        (None, "", Err("invalid_client")),
        (None, &jwt, Ok(("docs", "assertion", ""))),
        (None, &with("client_id=docs"), Ok(("docs", "assertion", ""))),
        (None, &with("client_id=other"), Err("invalid_client")),
        (None, &with("client_secret=x"), Err("invalid_request")),
        (None, TYPE, Err("invalid_client")),
        (
            None,
            "client_assertion=a.b.c&client_id=docs",
            Err("invalid_client"),
        ),
        (None, saml, Err("invalid_client")),
        (None, &broken, Err("invalid_client")),
    ]);
}

#[test]
fn a_client_authenticates_by_its_registered_method_and_no_other() {
    let text = || "s".to_owned();
    for (proof, methods) in [
        (Proof::Basic(text()), vec![AuthMethod::ClientSecretBasic]),
        (Proof::Post(text()), vec![AuthMethod::ClientSecretPost]),
        (
            Proof::Assertion(text()),
            vec![AuthMethod::ClientSecretJwt, AuthMethod::PrivateKeyJwt],
        ),
        (Proof::None, vec![AuthMethod::None]),
    ] {
        for registered in AuthMethod::ALL {
            let mut docs = client("docs", &[]);
            docs.auth_method = registered;
            let presented = Presented {
                client_id: docs.id.clone(),
                proof: proof.clone(),
            };
            let expected = methods.contains(&registered);
            assert_eq!(presented.method_fits(&docs), expected, "{registered:?}");
            docs.id = ClientId::new("other");
            assert!(!presented.method_fits(&docs));
            let refused = presented.refused();
            assert_eq!(
                (refused.status(), refused.code.as_str()),
                (401, "invalid_client")
            );
            assert_eq!(refused.header_tried, matches!(proof, Proof::Basic(_)));
        }
    }
}

#[test]
fn two_secrets_are_good_side_by_side_until_one_ends() {
    let (old, new) = ("ab".repeat(32), "cd".repeat(32));
    let mut docs = client("docs", &[]);
    docs.secrets = vec![super::secret(&old), super::secret(&new)];
    docs.secrets[0].expires_at = Some(NOW.plus(10));
    for (sent, after_s, good) in [
        (&old, 0, true),
        (&new, 0, true),
        (&old, 9, true),
        (&old, 10, false),
        (&new, 10, true),
        (&"ef".repeat(32), 0, false),
    ] {
        let found = living_secret(&docs, sent, NOW.plus(after_s));
        assert_eq!(found, good.then_some(sent.as_str()), "{sent} {after_s}");
    }
}

#[test]
fn algorithms_come_from_the_registration() {
    for (method, registered, expected) in [
        (AuthMethod::ClientSecretJwt, None, vec!["HS256"]),
        (AuthMethod::ClientSecretJwt, Some("HS256"), vec!["HS256"]),
        (AuthMethod::ClientSecretJwt, Some("ES256"), vec![]),
        (AuthMethod::PrivateKeyJwt, None, ALGORITHMS.to_vec()),
        (AuthMethod::PrivateKeyJwt, Some("PS256"), vec!["PS256"]),
        (AuthMethod::PrivateKeyJwt, Some("HS256"), vec![]),
        (AuthMethod::PrivateKeyJwt, Some("none"), vec![]),
        (AuthMethod::ClientSecretBasic, None, vec![]),
    ] {
        let mut docs = client("docs", &[]);
        docs.auth_method = method;
        docs.token_endpoint_auth_signing_alg = registered.map(str::to_owned);
        let found = assertion_algorithms(&docs, &ALGORITHMS);
        assert_eq!(found, expected, "{method:?} {registered:?}");
    }
}

#[test]
fn an_assertion_is_for_us_for_now_and_for_once() {
    let id = ClientId::new("docs");
    let audiences = [ISSUER.to_owned(), format!("{ISSUER}/token")];
    let expect = Expect {
        client_id: &id,
        audiences: &audiences,
        lifetime_max_s: 300,
        skew_s: 60,
        now: NOW,
    };
    let good =
        json!({ "iss": "docs", "sub": "docs", "aud": ISSUER, "exp": NOW.0 + 60, "jti": "1" });
    let now = NOW.0;
    use AssertionError::*;
    for (name, value, expected) in [
        ("aud", json!(ISSUER), Ok(())),
        ("aud", json!(format!("{ISSUER}/token")), Ok(())),
        ("aud", json!([format!("{ISSUER}/token"), ISSUER]), Ok(())),
        (
            "aud",
            json!([ISSUER, "https://other.example"]),
            Err(Audience),
        ),
        ("aud", json!([]), Err(Audience)),
        ("aud", json!([1]), Err(Audience)),
        ("aud", json!("https://other.example"), Err(Audience)),
        ("aud", json!(format!("{ISSUER}/")), Err(Audience)),
        ("aud", json!(null), Err(Audience)),
        ("iss", json!("other"), Err(Subject)),
        ("iss", json!(null), Err(Subject)),
        ("sub", json!("other"), Err(Subject)),
        ("sub", json!(["docs"]), Err(Subject)),
        ("exp", json!(now + 360), Ok(())),
        ("exp", json!(now + 361), Err(Expiry)),
        ("exp", json!(now - 59), Ok(())),
        ("exp", json!(now - 60), Err(Expiry)),
        ("exp", json!(now as f64 + 0.5), Ok(())),
        ("exp", json!(1e300), Err(Expiry)),
        ("exp", json!("soon"), Err(Expiry)),
        ("exp", json!(null), Err(Expiry)),
        ("iat", json!(now + 60), Ok(())),
        ("iat", json!(now + 61), Err(TooEarly)),
        ("iat", json!("now"), Err(TooEarly)),
        ("nbf", json!(now + 60), Ok(())),
        ("nbf", json!(now + 61), Err(TooEarly)),
        ("jti", json!("x".repeat(512)), Ok(())),
        ("jti", json!("x".repeat(513)), Err(Jti)),
        ("jti", json!(""), Err(Jti)),
        ("jti", json!(7), Err(Jti)),
        ("jti", json!(null), Err(Jti)),
    ] {
        let mut claims = good.clone();
        claims[name] = value.clone();
        let outcome = check_assertion(&claims, expect).map(|_| ());
        assert_eq!(outcome, expected, "{name} {value}");
    }
    let once = check_assertion(&good, expect).unwrap();
    assert_eq!((once.jti.as_str(), once.until), ("1", Timestamp(now + 121)));
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("exp");
    assert_eq!(check_assertion(&missing, expect), Err(Expiry));
}

#[test]
fn debugging_shows_no_secret() {
    let presented = presented(Some(&basic("docs:hush")), &form("")).unwrap();
    assert!(!format!("{presented:?}").contains("hush"));
}

proptest! {
    #[test]
    fn any_header_is_read_or_refused(header in ".{0,80}", credentials in ".{0,40}") {
        let _ = presented(Some(&header), &Params::default());
        let _ = presented(Some(&basic(&credentials)), &Params::default());
    }
}
