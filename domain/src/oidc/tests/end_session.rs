use super::{ISSUER, client};
use crate::id::{ClientId, Sid};
use crate::oidc::end_session::{
    EndSessionRequest, Hint, Hinted, client_of, hint, return_location, return_of,
};
use crate::oidc::params::Params;
use serde_json::json;

fn request(text: &str) -> EndSessionRequest {
    EndSessionRequest::parse(&Params::parse(text).unwrap())
}

fn hinted(client: &str) -> Hint {
    Hint::Valid(Hinted {
        client: ClientId::new(client),
        subject: "acc_1".into(),
        sid: Some(Sid::new("sid_1")),
    })
}

#[test]
fn a_hint_is_one_of_ours_even_when_expired() {
    let good = json!({"iss": ISSUER, "aud": "docs", "sub": "acc_1", "sid": "sid_1", "exp": 1});
    assert_eq!(hint(&good, ISSUER), hinted("docs"));
    for bad in [
        json!({"iss": "https://other.example", "aud": "docs", "sub": "acc_1", "exp": 1}),
        json!({"iss": ISSUER, "aud": "docs", "exp": 1}),
        json!({"iss": ISSUER, "sub": "acc_1", "exp": 1}),
        json!({"iss": ISSUER, "aud": ["docs", "x"], "sub": "acc_1", "exp": 1}),
        // A signed UserInfo answer.
        json!({"iss": ISSUER, "aud": "docs", "sub": "acc_1", "name": "Mei Tan"}),
        json!({"iss": ISSUER, "aud": "docs", "sub": "acc_1", "exp": "1"}),
        json!([]),
    ] {
        assert_eq!(hint(&bad, ISSUER), Hint::Invalid, "{bad}");
    }
}

#[test]
fn hint_and_client_id_must_agree() {
    for (named, hint, expected) in [
        ("", Hint::Absent, None),
        ("client_id=docs", Hint::Absent, Some("docs")),
        ("", hinted("docs"), Some("docs")),
        ("client_id=docs", hinted("docs"), Some("docs")),
        ("client_id=other", hinted("docs"), None),
        ("", Hint::Invalid, None),
        ("client_id=docs", Hint::Invalid, None),
    ] {
        let client = client_of(&request(named), &hint);
        assert_eq!(
            client.as_ref().map(ClientId::as_str),
            expected,
            "{named} {hint:?}"
        );
    }
}

#[test]
fn only_a_registered_address_is_gone_back_to() {
    let mut docs = client("docs", &["https://docs.example/cb"]);
    docs.post_logout_redirect_uris = vec!["https://docs.example/bye?a=1".into()];
    for (text, expected) in [
        (
            "post_logout_redirect_uri=https://docs.example/bye?a%3D1",
            Some("https://docs.example/bye?a=1"),
        ),
        (
            "post_logout_redirect_uri=https://docs.example/bye?a%3D1&state=x+%26",
            Some("https://docs.example/bye?a=1&state=x%20%26"),
        ),
        ("post_logout_redirect_uri=https://docs.example/bye", None),
        (
            "post_logout_redirect_uri=https://docs.example/bye?a%3D1%26b",
            None,
        ),
        (
            "post_logout_redirect_uri=https://docs.example/bye?a%3D1%23",
            None,
        ),
        ("post_logout_redirect_uri=https://docs.example/cb", None),
        ("post_logout_redirect_uri=https://evil.example/", None),
        ("state=x", None),
        ("", None),
    ] {
        let back = return_of(&request(text), &docs);
        assert_eq!(
            back.as_ref().map(return_location).as_deref(),
            expected,
            "{text}"
        );
    }
}
