use super::client;
use crate::client::{Client, GrantType};
use crate::oidc::params::Params;
use crate::oidc::token::{TokenRequest, parse, permitted};

fn form(text: &str) -> Params {
    Params::parse(text).unwrap()
}

#[test]
fn what_may_be_asked_for() {
    let v = "v".repeat(43);
    let good = format!("grant_type=authorization_code&code=c&code_verifier={v}");
    for (text, expected) in [
        (good.as_str(), "authorization_code"),
        ("grant_type=authorization_code&code=c", "authorization_code"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=authorization_code&code=", "invalid_request"),
        (
            "grant_type=authorization_code&code=c&code_verifier=short",
            "invalid_grant",
        ),
        ("grant_type=refresh_token&refresh_token=r", "refresh_token"),
        (
            "grant_type=refresh_token&refresh_token=r&scope=openid",
            "refresh_token",
        ),
        ("grant_type=refresh_token", "invalid_request"),
        (
            "grant_type=refresh_token&refresh_token=r&scope=%22",
            "invalid_scope",
        ),
        (
            "grant_type=password&username=a&password=b",
            "unsupported_grant_type",
        ),
        ("grant_type=client_credentials", "client_credentials"),
        (
            "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=d",
            "urn:ietf:params:oauth:grant-type:device_code",
        ),
        (
            "grant_type=urn:ietf:params:oauth:grant-type:device_code",
            "invalid_request",
        ),
        ("code=c", "invalid_request"),
        ("", "invalid_request"),
    ] {
        let outcome = match parse(&form(text)) {
            Ok(request) => request.grant_type().as_str(),
            Err(error) => error.code.as_str(),
        };
        assert_eq!(outcome, expected, "{text}");
    }
    let Ok(TokenRequest::AuthorizationCode {
        code,
        redirect_uri,
        code_verifier,
    }) = parse(&form(&(good + "&redirect_uri=https://a.example")))
    else {
        panic!("not a code");
    };
    assert_eq!((code.as_str(), code_verifier), ("c", Some(v)));
    assert_eq!(redirect_uri.as_deref(), Some("https://a.example"));
}

#[test]
fn a_client_uses_only_what_it_is_registered_for() {
    let client = Client {
        grant_types: vec![GrantType::AuthorizationCode, GrantType::DeviceCode],
        ..client("docs", &[])
    };
    for (asked, device_grant, expected) in [
        (GrantType::AuthorizationCode, false, Ok(())),
        (GrantType::RefreshToken, true, Err("unauthorized_client")),
        (
            GrantType::ClientCredentials,
            true,
            Err("unauthorized_client"),
        ),
        (GrantType::DeviceCode, true, Ok(())),
        (GrantType::DeviceCode, false, Err("unsupported_grant_type")),
    ] {
        let outcome = permitted(asked, &client, device_grant);
        let outcome = outcome.map_err(|error| error.code.as_str());
        assert_eq!(outcome, expected, "{asked:?} {device_grant}");
    }
}

#[test]
fn debugging_shows_no_secret() {
    let request = parse(&form("grant_type=refresh_token&refresh_token=hush")).unwrap();
    assert!(!format!("{request:?}").contains("hush"));
}
