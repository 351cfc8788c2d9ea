use super::client;
use crate::client::{Client, GrantType};
use crate::oidc::params::{Params, with_query};
use crate::oidc::prompt::Prompts;
use crate::oidc::scope::{Scope, ScopeSyntax};
use crate::oidc::{authorization, device, pkce};
use proptest::prelude::*;

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

#[test]
fn a_scope_is_a_set_in_order() {
    for (text, written) in [
        ("openid email", "openid email"),
        ("email openid", "email openid"),
        ("  openid   email ", "openid email"),
        ("openid openid", "openid"),
        ("OpenID", "OpenID"),
        ("https://x.example/read", "https://x.example/read"),
        ("", ""),
    ] {
        assert_eq!(scope(text).to_string(), written);
    }
    for text in ["openid \"x\"", "a\\b", "a\tb", "é", "a\u{7f}", "a\nb"] {
        assert_eq!(Scope::parse(text), Err(ScopeSyntax), "{text:?}");
    }
}

#[test]
fn offline_access_is_for_clients_that_get_refresh_tokens() {
    let mut docs = client("docs", &[]);
    let asked = scope("openid offline_access email");
    assert_eq!(asked.clone().given_to(&docs), asked);
    docs.grant_types = vec![GrantType::AuthorizationCode, GrantType::DeviceCode];
    assert_eq!(asked.clone().given_to(&docs), scope("openid email"));
    for path in [
        requested(&docs),
        device::scope_of(&docs, Some(&asked)).unwrap(),
    ] {
        assert_eq!(path, scope("openid email"));
    }
}

/// What an authorization request of these scopes comes to.
fn requested(client: &Client) -> Scope {
    let cb = "https://docs.example/cb";
    let client = Client {
        redirect_uris: vec![cb.to_owned()],
        pkce_optional: true,
        ..client.clone()
    };
    let params = [
        ("client_id", client.id.as_str()),
        ("redirect_uri", cb),
        ("response_type", "code"),
        ("scope", "openid offline_access email"),
    ];
    let query = with_query("", &params);
    let params = Params::parse(query.trim_start_matches('?')).unwrap();
    let trusted = authorization::trust(&params, &client).unwrap();
    authorization::check(&params, &client, &trusted)
        .unwrap()
        .scope
}

#[test]
fn a_scope_is_stored_as_one_text() {
    let json = serde_json::to_string(&scope("openid email")).unwrap();
    assert_eq!(json, r#""openid email""#);
    assert_eq!(
        serde_json::from_str::<Scope>(&json).unwrap(),
        scope("openid email")
    );
    assert!(serde_json::from_str::<Scope>(r#""a\"b""#).is_err());
}

#[test]
fn unknown_values_are_ignored_and_only_whole_values_count() {
    let asked = scope("openid emails mail email x");
    assert_eq!(asked.supported(), scope("openid email"));
    assert!(!scope("openid2 xopenid").contains("openid"));
    let permitted = ["email".to_owned()];
    assert_eq!(scope("openid email").beyond(&permitted), None);
    assert_eq!(
        scope("openid email phone").beyond(&permitted),
        Some("phone")
    );
}

#[test]
fn a_refresh_narrows_and_never_widens() {
    let granted = scope("openid email profile");
    for (asked, gives) in [
        (None, Some("openid email profile")),
        (Some(""), Some("openid email profile")),
        (Some("openid"), Some("openid")),
        (Some("profile email"), Some("profile email")),
        (Some("openid phone"), None),
        (Some("openid unknown"), None),
    ] {
        let asked = asked.map(scope);
        let given = granted.narrowed(asked.as_ref());
        match gives {
            Some(text) => assert_eq!(given.unwrap(), scope(text)),
            None => assert_eq!(given.unwrap_err().code.as_str(), "invalid_scope"),
        }
    }
}

#[test]
fn prompt_values() {
    let none = Prompts::default();
    for (text, expected) in [
        ("", Some(none)),
        ("none", Some(Prompts { none: true, ..none })),
        (
            "login",
            Some(Prompts {
                login: true,
                ..none
            }),
        ),
        (
            "login  consent select_account",
            Some(Prompts {
                login: true,
                consent: true,
                select_account: true,
                ..none
            }),
        ),
        (
            "login login",
            Some(Prompts {
                login: true,
                ..none
            }),
        ),
        ("none login", None),
        ("consent none", None),
        ("none select_account", None),
        ("create", None),
        ("Login", None),
        ("login,consent", None),
    ] {
        let parsed = Prompts::parse(text);
        match expected {
            Some(prompts) => assert_eq!(parsed.unwrap(), prompts, "{text}"),
            None => assert_eq!(parsed.unwrap_err().code.as_str(), "invalid_request"),
        }
    }
}

/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn challenge_and_verifier_syntax() {
    assert!(pkce::is_challenge(CHALLENGE) && pkce::is_verifier(VERIFIER));
    let x = |n: usize| "x".repeat(n);
    for (text, challenge, verifier) in [
        (x(42), false, false),
        (x(43), true, true),
        (x(44), false, true),
        (x(128), false, true),
        (x(129), false, false),
        (x(42) + "~", false, true),
        (x(42) + ".", false, true),
        (x(42) + "=", false, false),
        (x(42) + "+", false, false),
        (x(42) + " ", false, false),
        (x(41) + "é", false, false),
        (String::new(), false, false),
    ] {
        assert_eq!(pkce::is_challenge(&text), challenge, "{text}");
        assert_eq!(pkce::is_verifier(&text), verifier, "{text}");
    }
}

#[test]
fn a_challenge_needs_its_verifier_and_none_needs_none() {
    let other = CHALLENGE.replace('E', "F");
    for (challenge, computed, redeems) in [
        (Some(CHALLENGE), Some(CHALLENGE), true),
        (Some(CHALLENGE), Some(other.as_str()), false),
        (Some(CHALLENGE), Some(""), false),
        (Some(CHALLENGE), CHALLENGE.strip_suffix('M'), false),
        (Some(CHALLENGE), None, false),
        (None, Some(CHALLENGE), false),
        (None, None, true),
    ] {
        assert_eq!(pkce::redeems(challenge, computed), redeems, "{computed:?}");
    }
}

proptest! {
    #[test]
    fn comparing_is_equality(a in "[ab]{0,4}", b in "[ab]{0,4}") {
        prop_assert_eq!(pkce::matches(&a, &b), a == b);
    }

    #[test]
    fn any_scope_is_read_or_refused_and_written_back(text in ".{0,60}") {
        if let Ok(scope) = Scope::parse(&text) {
            prop_assert_eq!(Scope::parse(&scope.to_string()).unwrap(), scope);
        }
    }
}
