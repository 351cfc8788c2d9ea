use super::NOW;
use super::client;
use crate::client::{AuthMethod, Client, GrantType};
use crate::oidc::params::Params;
use crate::oidc::token::{Presented, TokenRequest, client_authentication, parse, permitted};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use proptest::prelude::*;

fn form(text: &str) -> Params {
    Params::parse(text).unwrap()
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
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
fn how_a_client_may_authenticate() {
    let good = basic("docs:s3cret");
    let escaped = basic("do%3Acs:s%2B%25+x");
    let unpadded = format!("basic {}", STANDARD_NO_PAD.encode("docs:s3cret"));
    for (header, body, expected) in [
        (
            Some(good.as_str()),
            "",
            Ok(("docs", "client_secret_basic", Some("s3cret"))),
        ),
        (
            Some(&unpadded),
            "",
            Ok(("docs", "client_secret_basic", Some("s3cret"))),
        ),
        (
            Some(&escaped),
            "",
            Ok(("do:cs", "client_secret_basic", Some("s+% x"))),
        ),
        (
            Some(&good),
            "client_id=docs",
            Ok(("docs", "client_secret_basic", Some("s3cret"))),
        ),
        (Some(&good), "client_id=other", Err("invalid_request")),
        (Some(&good), "client_secret=s3cret", Err("invalid_request")),
        (
            Some(&good),
            "client_id=docs&client_secret=s3cret",
            Err("invalid_request"),
        ),
        (Some("Basic !!!"), "", Err("invalid_client")),
        (Some("Basic"), "", Err("invalid_client")),
        (Some("Bearer abc"), "client_id=docs", Err("invalid_client")),
        (Some(&basic("docs")), "", Err("invalid_client")),
        (Some(&basic(":secret")), "", Err("invalid_client")),
        (Some(&basic("docs:%zz")), "", Err("invalid_client")),
        (
            None,
            "client_id=docs&client_secret=x",
            Ok(("docs", "client_secret_post", Some("x"))),
        ),
        (None, "client_id=docs", Ok(("docs", "none", None))),
        (
            None,
            "client_id=docs&client_secret=",
            Ok(("docs", "none", None)),
        ),
        (None, "client_secret=x", Err("invalid_client")),
        (None, "", Err("invalid_client")),
        (None, "client_assertion=a.b.c", Err("invalid_client")),
    ] {
        let presented = client_authentication(header, &form(body));
        let outcome = match &presented {
            Ok(p) => Ok((p.client_id.as_str(), p.method.as_str(), p.secret.as_deref())),
            Err(error) => {
                assert_eq!(error.header_tried, header.is_some(), "{header:?} {body}");
                Err(error.code.as_str())
            }
        };
        assert_eq!(outcome, expected, "{header:?} {body}");
    }
}

#[test]
fn a_client_authenticates_by_its_registered_method_and_no_other() {
    let methods = [
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
        AuthMethod::None,
    ];
    let hash = "ab".repeat(32);
    for registered in methods {
        for used in methods {
            let mut docs = client("docs", &[]);
            docs.auth_method = registered;
            docs.secrets = vec![super::secret(&hash)];
            let presented = Presented {
                client_id: docs.id.clone(),
                method: used,
                secret: (used != AuthMethod::None).then(|| "s".to_owned()),
            };
            let sent = presented.secret.as_ref().map(|_| hash.as_str());
            let verified = presented.verify(&docs, sent, NOW);
            assert_eq!(
                verified.is_ok(),
                registered == used,
                "{registered:?} {used:?}"
            );
            if let Err(error) = verified {
                assert_eq!(
                    (error.status(), error.code.as_str()),
                    (401, "invalid_client")
                );
                assert_eq!(error.header_tried, used == AuthMethod::ClientSecretBasic);
            }
        }
    }
}

#[test]
fn a_wrong_secret_another_client_and_a_missing_secret_are_refused_alike() {
    let hash = "ab".repeat(32);
    let wrong = "ac".repeat(32);
    let mut docs = client("docs", &[]);
    docs.secrets = vec![super::secret(&hash)];
    let presented = |id: &str| Presented {
        client_id: crate::id::ClientId::new(id),
        method: AuthMethod::ClientSecretBasic,
        secret: Some("s".into()),
    };
    let refused = presented("docs").refused();
    assert_eq!(presented("docs").verify(&docs, Some(&hash), NOW), Ok(()));
    assert_eq!(
        presented("docs").verify(&docs, Some(&wrong), NOW),
        Err(refused.clone())
    );
    assert_eq!(
        presented("docs").verify(&docs, None, NOW),
        Err(refused.clone())
    );
    assert_eq!(
        presented("other").verify(&docs, Some(&hash), NOW),
        Err(refused.clone())
    );
    docs.secrets.clear();
    assert_eq!(
        presented("docs").verify(&docs, Some(&hash), NOW),
        Err(refused)
    );
}

#[test]
fn debugging_shows_no_secret() {
    let presented = client_authentication(Some(&basic("docs:hush")), &form("")).unwrap();
    let request = parse(&form("grant_type=refresh_token&refresh_token=hush")).unwrap();
    assert!(!format!("{presented:?} {request:?}").contains("hush"));
}

proptest! {
    #[test]
    fn any_header_is_read_or_refused(header in ".{0,80}", credentials in ".{0,40}") {
        let _ = client_authentication(Some(&header), &Params::default());
        let _ = client_authentication(Some(&basic(&credentials)), &Params::default());
    }
}
