use super::ISSUER;
use crate::oidc::discovery::{Options, metadata};
use serde_json::json;

#[test]
fn discovery_lists_what_works() {
    let document = metadata(ISSUER, &Options::default());
    for (name, value) in [
        ("issuer", json!(ISSUER)),
        (
            "authorization_endpoint",
            json!("https://techpass.example/authorize"),
        ),
        ("token_endpoint", json!("https://techpass.example/token")),
        (
            "userinfo_endpoint",
            json!("https://techpass.example/userinfo"),
        ),
        ("jwks_uri", json!("https://techpass.example/jwks.json")),
        (
            "end_session_endpoint",
            json!("https://techpass.example/logout"),
        ),
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query", "form_post"])),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", "client_credentials"]),
        ),
        ("subject_types_supported", json!(["public", "pairwise"])),
        (
            "id_token_signing_alg_values_supported",
            json!(["ES256", "RS256", "PS256", "EdDSA"]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "prompt_values_supported",
            json!(["none", "login", "select_account", "consent"]),
        ),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
        ("backchannel_logout_supported", json!(true)),
        ("backchannel_logout_session_supported", json!(true)),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    let scopes = document["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&json!("openid")));
}

#[test]
fn both_channels_of_log_out_are_named() {
    let document = metadata(ISSUER, &Options::default());
    for name in ["frontchannel", "backchannel"] {
        assert_eq!(document[format!("{name}_logout_supported")], true);
        assert_eq!(document[format!("{name}_logout_session_supported")], true);
    }
}

#[test]
fn discovery_says_how_clients_authenticate_and_whether_they_register() {
    let document = metadata(ISSUER, &Options::default());
    let methods = [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "none",
    ];
    let algorithms = json!(["HS256", "RS256", "PS256", "ES256", "EdDSA"]);
    for endpoint in [
        "token_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
    ] {
        // Who asks about tokens must authenticate (RFC 7662 §2.1).
        let asking = endpoint == "introspection_endpoint";
        let count = if asking { 4 } else { 5 };
        assert_eq!(
            document[format!("{endpoint}_auth_methods_supported")],
            json!(methods[..count])
        );
        assert_eq!(
            document[format!("{endpoint}_auth_signing_alg_values_supported")],
            algorithms
        );
    }
    for (name, path) in [
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
    ] {
        assert_eq!(document[name], json!(format!("{ISSUER}{path}")));
    }
    assert_eq!(document.get("registration_endpoint"), None);
    let open = metadata(
        ISSUER,
        &Options {
            registration: true,
            ..Options::default()
        },
    );
    assert_eq!(
        open["registration_endpoint"],
        json!("https://techpass.example/register")
    );
}

#[test]
fn discovery_says_what_requests_may_hold() {
    let document = metadata(ISSUER, &Options::default());
    for (name, value) in [
        ("request_parameter_supported", json!(true)),
        ("request_uri_parameter_supported", json!(true)),
        ("require_request_uri_registration", json!(true)),
        (
            "request_object_signing_alg_values_supported",
            json!(["RS256", "PS256", "ES256", "EdDSA", "none"]),
        ),
        ("claims_parameter_supported", json!(true)),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
}

#[test]
fn every_member_has_a_registered_name() {
    let registered = include_str!("registered_metadata.txt");
    let options = Options {
        device_grant: true,
        ..Options::default()
    };
    let document = metadata(ISSUER, &options);
    assert_eq!(
        document["device_authorization_endpoint"],
        "https://techpass.example/device_authorization"
    );
    for name in document.as_object().unwrap().keys() {
        assert!(registered.lines().any(|line| line == name), "{name}");
    }
}
