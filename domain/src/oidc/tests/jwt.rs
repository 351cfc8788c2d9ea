use crate::oidc::jwt::{
    Header, JwtError, TOKEN_BYTES_MAX, Unverified, is_typ, may_be_id_token, object,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

fn token(header: &str, payload: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(header), part(payload), part("signature"))
}

#[test]
fn a_token_is_taken_apart() {
    let text = token(
        r#"{"alg":"ES256","typ":"JWT","kid":"k1","jku":"https://evil.example"}"#,
        r#"{"a":1}"#,
    );
    let parsed = Unverified::parse(&text).unwrap();
    let header = Header {
        alg: "ES256".into(),
        typ: Some("JWT".into()),
        kid: Some("k1".into()),
    };
    assert_eq!(parsed.header, header);
    assert_eq!(parsed.signature, b"signature");
    assert_eq!(parsed.signing_input, text.rsplit_once('.').unwrap().0);
    assert_eq!(parsed.claims().unwrap(), serde_json::json!({"a": 1}));
    assert!(!format!("{parsed:?}").contains("signature"));
}

#[test]
fn malformed_and_unsigned_tokens_are_refused() {
    let good = r#"{"alg":"ES256"}"#;
    let header = |text: &str| token(text, "{}");
    let parts: Vec<String> = header(good).split('.').map(str::to_owned).collect();
    for (text, error) in [
        (String::new(), JwtError::NotCompact),
        ("a.b".into(), JwtError::NotCompact),
        (format!("{}.x", header(good)), JwtError::NotCompact),
        (
            format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
            JwtError::NotCompact,
        ),
        (
            format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
            JwtError::NotCompact,
        ),
        (
            format!("{}.{}.a+b/", parts[0], parts[1]),
            JwtError::NotCompact,
        ),
        (
            format!("{}.{}.aZ", parts[0], parts[1]),
            JwtError::NotCompact,
        ),
        (format!(" {}", header(good)), JwtError::NotCompact),
        (format!("{}\n", header(good)), JwtError::NotCompact),
        (format!("{}.{}.", parts[0], parts[1]), JwtError::NotSigned),
        (header("[]"), JwtError::NotAnObject),
        (header("{"), JwtError::NotAnObject),
        (header(r#"{"alg":"ES256"} x"#), JwtError::NotAnObject),
        (
            header(r#"{"alg":"ES256","alg":"none"}"#),
            JwtError::NotAnObject,
        ),
        (header(r#"{"alg":"none"}"#), JwtError::NotSigned),
        (header(r#"{"alg":"NoNe"}"#), JwtError::NotSigned),
        (header("{}"), JwtError::Header),
        (header(r#"{"alg":1}"#), JwtError::Header),
        (header(r#"{"alg":"ES256","kid":1}"#), JwtError::Header),
        (header(r#"{"alg":"ES256","typ":null}"#), JwtError::Header),
        (
            header(r#"{"alg":"ES256","crit":["b64"]}"#),
            JwtError::Critical,
        ),
        (header(r#"{"alg":"ES256","crit":[]}"#), JwtError::Critical),
        ("a".repeat(TOKEN_BYTES_MAX + 1), JwtError::TooLong),
    ] {
        assert_eq!(
            Unverified::parse(&text).map(|_| ()),
            Err(error),
            "{text:.60}"
        );
    }
}

#[test]
fn no_object_has_a_member_twice_at_any_depth() {
    for (json, good) in [
        (
            r#"{"a":1,"b":{"a":2},"c":[{"a":null},-1.5,true,"x"]}"#,
            true,
        ),
        (r#"{"a":1,"a":1}"#, false),
        (r#"{"a":1,"\u0061":2}"#, false),
        (r#"{"b":{"a":1,"a":2}}"#, false),
        (r#"{"b":[{"a":1,"a":2}]}"#, false),
        ("1", false),
        ("", false),
    ] {
        assert_eq!(object(json.as_bytes()).is_ok(), good, "{json}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(object(deep.as_bytes()), Err(JwtError::NotAnObject));
    assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(JwtError::NotAnObject));
}

#[test]
fn one_kind_of_token_never_passes_for_another() {
    for (typ, access, id) in [
        (Some("at+jwt"), true, false),
        (Some("AT+JWT"), true, false),
        (Some("application/at+jwt"), true, false),
        (Some("Application/At+Jwt"), true, false),
        (Some("text/at+jwt"), false, false),
        (Some("logout+jwt"), false, false),
        (Some("JWT"), false, true),
        (Some("jwt"), false, true),
        (Some(""), false, false),
        (None, false, true),
    ] {
        let header = Header {
            alg: "ES256".into(),
            typ: typ.map(str::to_owned),
            kid: None,
        };
        assert_eq!(is_typ(&header, "at+jwt"), access, "{typ:?}");
        assert_eq!(may_be_id_token(&header), id, "{typ:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}", parts in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,9}") {
        let _ = Unverified::parse(&text);
        let _ = Unverified::parse(&parts);
        let _ = object(text.as_bytes());
    }
}
