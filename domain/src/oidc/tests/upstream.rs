use super::NOW;
use crate::oidc::upstream::{
    Expect, IdTokenError as E, UpstreamIdentity, answers, upstream_id_token, upstream_logout_token,
};
use crate::time::Timestamp;
use serde_json::{Value, json};

const EXPECT: Expect<'static> = Expect {
    issuer: "https://wog.example",
    client_id: "techpass",
    nonce: "n-1",
    now: NOW,
    skew_s: 10,
    max_age: None,
};

fn good() -> Value {
    json!({
        "iss": "https://wog.example", "sub": "w-1", "aud": "techpass", "nonce": "n-1",
        "iat": NOW.0, "exp": NOW.0 + 300, "auth_time": NOW.0 - 50,
        "acr": "urn:techpass:acr:number-match", "amr": ["pop", "swk"], "sid": "s-1",
    })
}

/// The good claims with one of them set, or taken away by null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    let members = claims.as_object_mut().unwrap();
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
    claims
}

fn outcome(claims: &Value) -> Result<UpstreamIdentity, E> {
    upstream_id_token(claims, &EXPECT)
}

#[test]
fn a_good_token_names_the_person_and_the_sign_in() {
    let identity = outcome(&good()).unwrap();
    assert_eq!(
        (identity.iss.as_str(), identity.sub.as_str()),
        ("https://wog.example", "w-1")
    );
    assert_eq!(identity.auth_time, Some(Timestamp(NOW.0 - 50)));
    assert_eq!(identity.amr, ["pop", "swk"]);
    assert_eq!(identity.sid.as_deref(), Some("s-1"));
    for optional in ["auth_time", "acr", "amr", "sid"] {
        assert!(outcome(&with(optional, Value::Null)).is_ok(), "{optional}");
    }
}

#[test]
fn each_rule_refuses_by_its_own_error() {
    let table = [
        ("iss", Value::Null, E::Missing("iss")),
        ("iss", json!(["https://wog.example"]), E::Malformed("iss")),
        ("iss", json!("https://wog.example/"), E::Issuer),
        ("iss", json!("https://WOG.example"), E::Issuer),
        ("aud", Value::Null, E::Missing("aud")),
        ("aud", json!(1), E::Malformed("aud")),
        ("aud", json!([1, "techpass"]), E::Malformed("aud")),
        ("aud", json!([]), E::Audience),
        ("aud", json!("other"), E::Audience),
        ("aud", json!(["techpass", "other"]), E::Audience),
        ("aud", json!(["techpass", "techpass"]), E::AuthorizedParty),
        ("azp", json!("other"), E::AuthorizedParty),
        ("azp", json!(["techpass"]), E::Malformed("azp")),
        ("exp", Value::Null, E::Missing("exp")),
        ("exp", json!((NOW.0 + 300).to_string()), E::Malformed("exp")),
        ("exp", json!(true), E::Malformed("exp")),
        ("exp", json!(1e300), E::Malformed("exp")),
        ("exp", json!(NOW.0 - 10), E::Expired),
        ("iat", Value::Null, E::Missing("iat")),
        ("iat", json!(NOW.0 + 11), E::NotNow),
        ("iat", json!(NOW.0 - 611), E::NotNow),
        ("nbf", json!(NOW.0 + 11), E::NotNow),
        ("nbf", json!("soon"), E::Malformed("nbf")),
        ("nonce", Value::Null, E::Missing("nonce")),
        ("nonce", json!("n-2"), E::Nonce),
        ("nonce", json!(""), E::Nonce),
        ("nonce", json!(["n-1"]), E::Malformed("nonce")),
        ("auth_time", json!(NOW.0 + 11), E::AuthTime),
        ("auth_time", json!("now"), E::Malformed("auth_time")),
        ("sub", Value::Null, E::Missing("sub")),
        ("sub", json!(""), E::Malformed("sub")),
        ("sub", json!(7), E::Malformed("sub")),
        ("sub", json!("é"), E::Malformed("sub")),
        ("sub", json!(" w-1"), E::Malformed("sub")),
        ("sub", json!("w\n1"), E::Malformed("sub")),
        ("sub", json!("x".repeat(256)), E::Malformed("sub")),
        ("acr", json!(2), E::Malformed("acr")),
        ("amr", json!("pwd"), E::Malformed("amr")),
        ("amr", json!(["pwd", 1]), E::Malformed("amr")),
        ("sid", json!({}), E::Malformed("sid")),
    ];
    for (name, value, error) in table {
        assert_eq!(
            outcome(&with(name, value.clone())),
            Err(error),
            "{name} {value}"
        );
    }
    assert_eq!(outcome(&json!([good()])), Err(E::NotAnObject));
}

#[test]
fn what_the_rules_leave_room_for_is_accepted() {
    for (name, value) in [
        ("aud", json!(["techpass"])),
        ("azp", json!("techpass")),
        ("exp", json!(NOW.0 - 9)),
        ("exp", json!(NOW.0 as f64 + 1.5)),
        ("iat", json!(NOW.0 + 10)),
        ("iat", json!(NOW.0 - 610)),
        ("sub", json!("x".repeat(255))),
        ("auth_time", json!(0)),
        ("extra", json!({"a": [1]})),
    ] {
        assert!(
            outcome(&with(name, value.clone())).is_ok(),
            "{name} {value}"
        );
    }
}

#[test]
fn max_age_needs_a_recent_auth_time() {
    let expect = Expect {
        max_age: Some(60),
        ..EXPECT
    };
    for (auth_time, expected) in [
        (json!(NOW.0), None),
        (json!(NOW.0 - 70), None),
        (json!(NOW.0 - 71), Some(E::AuthTime)),
        (Value::Null, Some(E::Missing("auth_time"))),
    ] {
        let result = upstream_id_token(&with("auth_time", auth_time), &expect);
        assert_eq!(result.err(), expected);
    }
    let forever = Expect {
        max_age: Some(i64::MAX),
        ..EXPECT
    };
    assert!(upstream_id_token(&good(), &forever).is_ok());
}

#[test]
fn an_empty_nonce_fits_nothing() {
    let expect = Expect {
        nonce: "",
        ..EXPECT
    };
    assert_eq!(
        upstream_id_token(&with("nonce", json!("")), &expect),
        Err(E::Nonce)
    );
}

#[test]
fn an_answer_names_the_provider_that_was_asked() {
    let wog = "https://wog.example";
    for (iss, required, good) in [
        (Some(wog), true, true),
        (Some(wog), false, true),
        (Some("https://evil.example"), false, false),
        (Some("https://wog.example/"), false, false),
        (None, true, false),
        (None, false, true),
    ] {
        assert_eq!(answers(iss, wog, required), good, "{iss:?} {required}");
    }
}

/// Back-Channel Logout §2.4 and §2.6, a row per rule.
#[test]
fn logout_tokens_are_believed_only_whole() {
    let good = serde_json::json!({
        "iss": "https://wog.example", "aud": "techpass", "sub": "s1", "jti": "j1", "iat": 1_000, "exp": 1_100,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let expect = Expect {
        issuer: "https://wog.example",
        client_id: "techpass",
        nonce: "",
        now: Timestamp(1_010),
        skew_s: 5,
        max_age: None,
    };
    let read = |claims: &serde_json::Value| upstream_logout_token(claims, &expect);
    assert_eq!(
        read(&good).map(|token| (token.sub, token.jti)),
        Ok(("s1".into(), "j1".into()))
    );
    let changes: [(&str, serde_json::Value, E); 8] = [
        ("iss", "https://evil.example".into(), E::Issuer),
        ("aud", "other".into(), E::Audience),
        ("exp", 1_000.into(), E::Expired),
        ("iat", 2_000.into(), E::NotNow),
        ("nonce", "n".into(), E::Nonce),
        ("events", serde_json::json!({}), E::Missing("events")),
        ("jti", "".into(), E::Missing("jti")),
        ("sub", "".into(), E::Malformed("sub")),
    ];
    for (name, value, error) in changes {
        let mut claims = good.clone();
        if let Some(members) = claims.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
        assert_eq!(read(&claims).err(), Some(error), "{name}");
    }
}
