use super::{ISSUER, NOW, client};
use crate::client::Client;
use crate::oidc::params::Params;
use crate::oidc::request_object::{Expect, Form, Source, algorithms, form, merged, source};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

fn docs() -> Client {
    Client {
        request_uris: vec![
            "https://docs.example/r.jwt#old".into(),
            "https://docs.example/s".into(),
        ],
        ..client("docs", &["https://docs.example/cb"])
    }
}

fn outside(changes: &[(&str, &str)]) -> Params {
    let usual = [
        ("client_id", "docs"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "outside"),
        ("nonce", "outside"),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(kept.chain(changes));
    Params::parse_repeated(&text.finish()).unwrap()
}

fn object(claims: Value) -> Map<String, Value> {
    claims.as_object().unwrap().clone()
}

fn compact(header: Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(&header), part(claims))
}

#[test]
fn an_object_comes_in_one_way_and_only_from_a_registered_address() {
    let long = format!("https://docs.example/s?{}", "x".repeat(512));
    for (changes, expected) in [
        (&[][..], "none"),
        (&[("request", "a.b.c")], "value"),
        (&[("request_uri", "https://docs.example/s")], "reference"),
        (
            &[("request_uri", "https://docs.example/r.jwt")],
            "reference",
        ),
        (
            &[("request_uri", "https://docs.example/r.jwt#new")],
            "reference",
        ),
        (
            &[("request_uri", "https://docs.example/S")],
            "invalid_request_uri",
        ),
        (
            &[("request_uri", "https://docs.example/s?x")],
            "invalid_request_uri",
        ),
        (
            &[("request_uri", "https://evil.example/s")],
            "invalid_request_uri",
        ),
        (&[("request_uri", long.as_str())], "invalid_request_uri"),
        (
            &[
                ("request", "a.b.c"),
                ("request_uri", "https://docs.example/s"),
            ],
            "invalid_request",
        ),
        (
            &[("request", "a.b.c"), ("request", "a.b.c")],
            "invalid_request",
        ),
    ] {
        let found = match source(&outside(changes), &docs()) {
            Ok(None) => "none",
            Ok(Some(Source::Value(_))) => "value",
            Ok(Some(Source::Reference(_))) => "reference",
            Err(error) => error.code.as_str(),
        };
        assert_eq!(found, expected, "{changes:?}");
    }
}

#[test]
fn the_registration_says_how_an_object_is_signed() {
    let claims = json!({"state": "s"});
    let of = |alg: &str| compact(json!({"alg": alg}), &claims, "c2ln");
    let typed = |typ: &str| compact(json!({"alg": "ES256", "typ": typ}), &claims, "c2ln");
    let unsigned = compact(json!({"alg": "none"}), &claims, "");
    for (registered, token, expected) in [
        (None, of("RS256"), "signed"),
        (None, of("PS256"), "signed"),
        (None, of("ES256"), "signed"),
        (None, of("EdDSA"), "signed"),
        (None, unsigned.clone(), "unsigned"),
        (Some("none"), unsigned.clone(), "unsigned"),
        (Some("RS256"), unsigned, "refused"),
        (Some("RS256"), of("RS256"), "signed"),
        (Some("RS256"), of("ES256"), "refused"),
        (Some("none"), of("RS256"), "refused"),
        (None, of("HS256"), "refused"),
        (None, typed("JWT"), "signed"),
        (None, typed("oauth-authz-req+jwt"), "signed"),
        (None, typed("at+jwt"), "refused"),
        // A signature behind `none`, no signature behind an algorithm, an unknown spelling of it.
        (
            None,
            compact(json!({"alg": "none"}), &claims, "c2ln"),
            "refused",
        ),
        (
            None,
            compact(json!({"alg": "RS256"}), &claims, ""),
            "refused",
        ),
        (
            None,
            compact(json!({"alg": "NONE"}), &claims, ""),
            "refused",
        ),
        (
            None,
            compact(json!({"alg": "none", "crit": ["x"]}), &claims, ""),
            "refused",
        ),
        (
            None,
            compact(json!({"alg": "RS256", "crit": ["x"]}), &claims, "c2ln"),
            "refused",
        ),
        (None, "a.b.c.d.e".into(), "refused"),
        (None, "not a token".into(), "refused"),
    ] {
        let mut client = docs();
        client.request_object_signing_alg = registered.map(str::to_owned);
        let found = match form(&token, &client) {
            Ok(Form::Signed) => "signed",
            Ok(Form::Unsigned(read)) => {
                assert_eq!(Value::Object(read), claims);
                "unsigned"
            }
            Err(error) => {
                assert_eq!(error.code.as_str(), "invalid_request_object");
                "refused"
            }
        };
        assert_eq!(found, expected, "{registered:?} {token}");
    }
    assert_eq!(algorithms(&docs()).len(), 5);
}

#[test]
fn an_object_twice_over_in_one_member_is_none() {
    let twice = URL_SAFE_NO_PAD.encode(r#"{"state":"a","state":"b"}"#);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    assert!(form(&format!("{header}.{twice}."), &docs()).is_err());
}

#[test]
fn claims_are_checked_rule_by_rule() {
    for (changes, claims, expected) in [
        (&[][..], json!({}), "ok"),
        (
            &[],
            json!({"iss": "docs", "aud": ISSUER, "exp": NOW.0 + 60, "nbf": NOW.0, "iat": NOW.0}),
            "ok",
        ),
        (&[], json!({"aud": [ISSUER, "https://other.example"]}), "ok"),
        (&[], json!({"exp": NOW.0 - 59}), "ok"),
        (
            &[("response_type", "")],
            json!({"response_type": "code"}),
            "invalid_request",
        ),
        (
            &[("scope", "")],
            json!({"scope": "openid"}),
            "invalid_request",
        ),
        (
            &[("scope", "email")],
            json!({"scope": "openid"}),
            "invalid_request",
        ),
        (&[], json!({"request": "a.b.c"}), "invalid_request_object"),
        (
            &[],
            json!({"request_uri": "https://docs.example/s"}),
            "invalid_request_object",
        ),
        (&[], json!({"iss": "other"}), "invalid_request_object"),
        (&[], json!({"sub": "docs"}), "invalid_request_object"),
        (
            &[],
            json!({"aud": "https://other.example"}),
            "invalid_request_object",
        ),
        (&[], json!({"aud": []}), "invalid_request_object"),
        (&[], json!({"exp": NOW.0 - 60}), "invalid_request_object"),
        (&[], json!({"exp": "soon"}), "invalid_request_object"),
        (&[], json!({"nbf": NOW.0 + 61}), "invalid_request_object"),
        (&[], json!({"client_id": "other"}), "invalid_request_object"),
        (
            &[],
            json!({"client_id": "docs", "response_type": "code"}),
            "ok",
        ),
        (
            &[],
            json!({"response_type": "code id_token"}),
            "invalid_request_object",
        ),
        (&[], json!({"response_type": 7}), "invalid_request_object"),
        (&[], json!({"state": ["s"]}), "invalid_request_object"),
        (&[], json!({"prompt": true}), "invalid_request_object"),
        (&[], json!({"unknown": [1]}), "ok"),
    ] {
        let client = docs();
        let expect = Expect {
            client: &client,
            issuer: ISSUER,
            skew_s: 60,
            now: NOW,
        };
        let found = merged(&outside(changes), &object(claims.clone()), &expect);
        let found = found.map_or_else(|error| error.code.as_str(), |_| "ok");
        assert_eq!(found, expected, "{changes:?} {claims}");
    }
}

#[test]
fn what_is_inside_takes_the_place_of_what_is_outside() {
    let client = docs();
    let expect = Expect {
        client: &client,
        issuer: ISSUER,
        skew_s: 60,
        now: NOW,
    };
    let inside = object(json!({
        "iss": "docs", "aud": ISSUER, "state": "inside", "redirect_uri": "https://docs.example/cb", "max_age": 60,
        "claims": {"id_token": {"email": null}}, "scope": "openid email", "login_hint": null, "prompt": "",
    }));
    let outside = outside(&[
        ("request", "a.b.c"),
        ("prompt", "login"),
        ("display", "page"),
    ]);
    let merged = merged(&outside, &inside, &expect).unwrap();
    for (name, value) in [
        ("client_id", Some("docs")),
        ("response_type", Some("code")),
        ("state", Some("inside")),
        ("nonce", Some("outside")),
        ("display", Some("page")),
        ("redirect_uri", Some("https://docs.example/cb")),
        ("max_age", Some("60")),
        ("claims", Some(r#"{"id_token":{"email":null}}"#)),
        ("scope", Some("openid email")),
        ("prompt", None),
        ("request", None),
        ("iss", None),
        ("aud", None),
    ] {
        assert_eq!(merged.get(name), value, "{name}");
    }
    // The effective request as a query says the same.
    let again = Params::parse(&merged.to_query()).unwrap();
    assert_eq!(again, merged);
}
