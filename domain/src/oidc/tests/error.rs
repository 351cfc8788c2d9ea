use crate::oidc::bearer::{BearerError, access_token};
use crate::oidc::error::{
    AuthorizationErrorCode, BearerErrorCode, Description, TokenError, TokenErrorCode,
};
use crate::oidc::params::Params;
use proptest::prelude::*;

#[test]
fn a_description_keeps_to_the_permitted_characters() {
    for (text, kept) in [
        ("Plain text, ok!", "Plain text, ok!"),
        ("say \"hi\"", "say 'hi'"),
        ("a\\b", "a/b"),
        ("a\r\nb\té", "a??b??"),
        ("", ""),
    ] {
        assert_eq!(Description::new(text).as_str(), kept);
    }
    assert_eq!(Description::new(&"x".repeat(1000)).as_str().len(), 400);
    let read: Description = serde_json::from_str(r#""a\"b""#).unwrap();
    assert_eq!(read.as_str(), "a'b");
}

#[test]
fn the_codes_are_the_registered_words() {
    for code in AuthorizationErrorCode::ALL {
        let json = serde_json::to_value(code).unwrap();
        assert_eq!(json, code.as_str());
    }
    assert!(
        AuthorizationErrorCode::ALL
            .iter()
            .any(|c| c.as_str() == "login_required")
    );
}

#[test]
fn statuses() {
    for code in TokenErrorCode::ALL {
        let expected = if code.as_str() == "invalid_client" {
            401
        } else {
            400
        };
        assert_eq!(code.status(), expected, "{code:?}");
    }
    let statuses = BearerErrorCode::ALL.iter().map(|c| c.status());
    assert_eq!(statuses.collect::<Vec<_>>(), [400, 401, 403]);
}

#[test]
fn a_challenge_is_shown_to_who_tried_the_header_and_failed() {
    let error = |code, header_tried| TokenError {
        header_tried,
        ..TokenError::new(code, "No.")
    };
    let challenge = |e: TokenError| e.www_authenticate("https://techpass.example");
    assert_eq!(
        challenge(error(TokenErrorCode::InvalidClient, true)).unwrap(),
        "Basic realm=\"https://techpass.example\""
    );
    assert_eq!(challenge(error(TokenErrorCode::InvalidClient, false)), None);
    assert_eq!(challenge(error(TokenErrorCode::InvalidRequest, true)), None);
    let body = error(TokenErrorCode::InvalidGrant, false).body();
    assert_eq!(
        body,
        serde_json::json!({"error": "invalid_grant", "error_description": "No."})
    );
}

#[test]
fn where_an_access_token_may_stand() {
    let form = |text: &str| Params::parse(text).unwrap();
    for (header, body, expected) in [
        (None, None, Err(BearerError::Missing)),
        (Some("Bearer abc.d-e_f"), None, Ok("abc.d-e_f")),
        (Some("bearer abc"), None, Ok("abc")),
        (Some("BEARER  abc"), None, Ok("abc")),
        (Some("Basic abc"), None, Err(BearerError::Missing)),
        (Some("Bearer"), None, Err(BearerError::Missing)),
        (Some("Bearer "), None, Err(BearerError::Malformed)),
        (Some("Bearer a b"), None, Err(BearerError::Malformed)),
        (Some("Bearer a\"b"), None, Err(BearerError::Malformed)),
        (None, Some("access_token=abc"), Ok("abc")),
        (None, Some("other=abc"), Err(BearerError::Missing)),
        (
            Some("Bearer abc"),
            Some("access_token=abc"),
            Err(BearerError::Malformed),
        ),
        (Some("Bearer abc"), Some("x=1"), Ok("abc")),
    ] {
        let body = body.map(form);
        assert_eq!(
            access_token(header, body.as_ref(), None),
            expected,
            "{header:?} {body:?}"
        );
    }
    let long = format!("Bearer {}", "a".repeat(8193));
    assert_eq!(
        access_token(Some(&long), None, None),
        Err(BearerError::Malformed)
    );
    let query = Params::parse("access_token=t").unwrap();
    let in_the_query = access_token(Some("Bearer t"), None, Some(&query));
    assert_eq!(in_the_query, Err(BearerError::Malformed));
}

#[test]
fn a_resources_refusal_names_no_error_when_nothing_was_sent() {
    for (error, status, header) in [
        (BearerError::Missing, 401, "Bearer realm=\"r\""),
        (
            BearerError::Invalid,
            401,
            "Bearer realm=\"r\", error=\"invalid_token\", error_description=\"the access token is not valid\"",
        ),
    ] {
        assert_eq!(error.status(), status);
        assert_eq!(error.www_authenticate("r"), header);
    }
    assert_eq!(BearerError::Scope.status(), 403);
    assert_eq!(BearerError::Malformed.status(), 400);
}

proptest! {
    #[test]
    fn every_description_is_permitted(text in ".{0,500}") {
        let description = Description::new(&text);
        let permitted = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        prop_assert!(description.as_str().bytes().all(permitted));
    }
}
