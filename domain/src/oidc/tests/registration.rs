//! Dynamic Client Registration §2 and §5, RFC 7591, RFC 7592.

use super::NOW;
use crate::client::{AuthMethod, Client, GrantType, SigningAlg};
use crate::id::ClientId;
use crate::oidc::error::RegistrationError;
use crate::oidc::registration::{MEMBERS, Policy, metadata, read, sector_permits};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

const CB: &str = "https://app.example/cb";

fn base() -> Client {
    Client::new(ClientId::new("c1"), String::new(), NOW)
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The least there is, and these members.
fn register(policy: &Policy, further: Value) -> Result<Client, RegistrationError> {
    let mut all = members(json!({ "redirect_uris": [CB] }));
    all.extend(members(further));
    read(&all, base(), policy)
}

fn dynamic(further: Value) -> Result<Client, RegistrationError> {
    register(&Policy::dynamic(false), further)
}

/// Whether it is taken, and otherwise the code and the member that the description names.
fn outcome(outcome: Result<Client, RegistrationError>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            let text = error.description.to_string();
            let member = text.split(' ').next().unwrap_or_default();
            format!("{} {member}", error.code.as_str())
        }
    }
}

fn check(cases: Vec<(Value, &str)>) {
    for (further, expected) in cases {
        let found = outcome(dynamic(further.clone()));
        let expected = match expected {
            "ok" => "ok".to_owned(),
            member if member.contains(' ') => member.to_owned(),
            member => format!("invalid_client_metadata {member}"),
        };
        assert_eq!(found, expected, "{further}");
    }
}

fn key() -> Value {
    let half = URL_SAFE_NO_PAD.encode([1; 32]);
    json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": half, "y": half })
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_specification() {
    let client =
        dynamic(json!({ "unknown": 1, "client_name#ja": "名前", "client_uri": null })).unwrap();
    assert_eq!(client.name, "app.example");
    assert_eq!(client.auth_method, AuthMethod::ClientSecretBasic);
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(client.id_token_signed_response_alg, SigningAlg::RS256);
    let own = register(&Policy::administrator(false), json!({})).unwrap();
    assert_eq!(own.id_token_signed_response_alg, SigningAlg::ES256);
    assert!(own.may(GrantType::RefreshToken));
    let shown = metadata(&client);
    for (name, value) in [
        ("redirect_uris", json!([CB])),
        ("response_types", json!(["code"])),
        ("grant_types", json!(["authorization_code"])),
        ("application_type", json!("web")),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("id_token_signed_response_alg", json!("RS256")),
        ("subject_type", json!("public")),
        ("require_auth_time", json!(false)),
        (
            "scope",
            json!("openid profile email address phone offline_access"),
        ),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert!(!shown.contains_key("unknown") && !shown.contains_key("client_name#ja"));
}

#[test]
fn everything_that_is_registered_is_echoed_and_reads_back() {
    let all = members(json!({
        "client_name": "Example", "redirect_uris": [CB], "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"], "application_type": "web",
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
        "jwks": { "keys": [key()] }, "id_token_signed_response_alg": "EdDSA",
        "userinfo_signed_response_alg": "PS256", "request_object_signing_alg": "ES256",
        "request_uris": ["https://app.example/request#hash"], "subject_type": "pairwise",
        "sector_identifier_uri": "https://app.example/uris", "default_max_age": 3600,
        "require_auth_time": true, "default_acr_values": ["a", "b"], "contacts": ["ops@app.example"],
        "client_uri": "https://app.example/", "logo_uri": "https://app.example/logo",
        "policy_uri": "https://app.example/policy", "tos_uri": "https://app.example/terms",
        "initiate_login_uri": "https://app.example/login", "scope": "openid profile",
        "post_logout_redirect_uris": ["https://app.example/out"],
        "backchannel_logout_uri": "https://app.example/back", "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://app.example/front", "frontchannel_logout_session_required": true,
    }));
    let client = read(&all, base(), &Policy::dynamic(false)).unwrap();
    assert_eq!(metadata(&client), all);
    assert_eq!(
        read(&metadata(&client), base(), &Policy::dynamic(false)),
        Ok(client)
    );
    let mut named: Vec<&str> = all.keys().map(String::as_str).chain(["jwks_uri"]).collect();
    let mut known = MEMBERS.to_vec();
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known);
}

#[test]
fn an_update_replaces_everything() {
    let with =
        dynamic(json!({ "client_uri": "https://app.example/", "default_max_age": 1 })).unwrap();
    let without = read(
        &members(json!({ "redirect_uris": [CB] })),
        with,
        &Policy::dynamic(false),
    );
    let without = without.unwrap();
    assert_eq!((without.client_uri, without.default_max_age), (None, None));
}

#[test]
fn which_redirect_uris_may_be_registered() {
    let long = format!("https://app.example/{}", "x".repeat(2000));
    for (uri, web, web_http, native) in [
        ("https://app.example/cb", true, true, true),
        ("https://app.example/cb?a=b&c=d", true, true, true),
        ("https://app.example:8443", true, true, true),
        ("http://localhost:8080/cb", true, true, true),
        ("http://127.0.0.1/cb", true, true, true),
        ("http://[::1]:1/cb", true, true, true),
        ("http://app.example/cb", false, true, false),
        ("http://localhost.example/cb", false, true, false),
        ("com.example.app:/cb", false, false, true),
        ("com.example.app://cb", false, false, true),
        ("myapp://cb", false, false, false),
        ("https://app.example/cb#", false, false, false),
        ("https://app.example/cb#x", false, false, false),
        ("https://*.example/cb", false, false, false),
        ("https://me@app.example/cb", false, false, false),
        ("https://app.example/c b", false, false, false),
        ("https://app.example\\@evil.example", false, false, false),
        ("https://äpp.example/", false, false, false),
        ("javascript:alert(1)", false, false, false),
        ("data:text/html,x", false, false, false),
        ("/cb", false, false, false),
        ("app.example/cb", false, false, false),
        ("", false, false, false),
        (&long, false, false, false),
    ] {
        for (kind, policy, expected) in [
            ("web", Policy::dynamic(false), web),
            ("web", Policy::dynamic(true), web_http),
            ("native", Policy::dynamic(false), native),
            ("native", Policy::dynamic(true), native),
        ] {
            let asked = json!({ "redirect_uris": [CB, uri], "application_type": kind });
            let found = outcome(register(&policy, asked));
            let expected = match expected {
                true => "ok",
                false => "invalid_redirect_uri redirect_uris",
            };
            assert_eq!(found, expected, "{uri} {kind} {}", policy.allow_http);
        }
    }
    for uris in [
        json!([]),
        json!(null),
        json!("https://app.example"),
        json!([1]),
        json!(vec![CB; 101]),
    ] {
        let found = outcome(dynamic(json!({ "redirect_uris": uris })));
        assert_eq!(found, "invalid_redirect_uri redirect_uris", "{uris}");
    }
}

#[test]
fn grant_and_response_types_fit_each_other() {
    check(vec![
        (
            json!({ "grant_types": ["authorization_code"], "response_types": ["code"] }),
            "ok",
        ),
        (
            json!({ "grant_types": ["refresh_token", "authorization_code"] }),
            "ok",
        ),
        (json!({ "response_types": [] }), "response_types"),
        (json!({ "response_types": ["id_token"] }), "response_types"),
        (
            json!({ "response_types": ["code id_token"] }),
            "response_types",
        ),
        (json!({ "response_types": "code" }), "response_types"),
        (json!({ "grant_types": ["refresh_token"] }), "grant_types"),
        (json!({ "grant_types": ["implicit"] }), "grant_types"),
        (
            json!({ "grant_types": ["client_credentials"] }),
            "grant_types",
        ),
        (
            json!({ "grant_types": ["implicit", "refresh_token"] }),
            "grant_types",
        ),
        (json!({ "grant_types": [] }), "grant_types"),
        (json!({ "grant_types": [7] }), "grant_types"),
    ]);
    let machine = members(
        json!({ "client_name": "Job", "grant_types": ["client_credentials"], "scope": "orders.read" }),
    );
    let policy = Policy::administrator(false);
    let client = read(&machine, base(), &policy).unwrap();
    assert_eq!(client.scopes, ["orders.read"]);
    assert_eq!(metadata(&client)["response_types"], json!([]));
    let public =
        json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none" });
    assert_eq!(
        outcome(register(&policy, public)),
        "invalid_client_metadata grant_types"
    );
}

#[test]
fn what_is_not_given_here_is_left_out_while_something_remains() {
    // What mod_auth_openidc sends.
    let all = json!({
        "client_name": "x", "redirect_uris": [CB], "token_endpoint_auth_method": "client_secret_basic",
        "response_types":
            ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"],
        "grant_types": ["authorization_code", "implicit", "refresh_token"],
    });
    let shown = metadata(&dynamic(all.clone()).unwrap());
    assert_eq!(shown["response_types"], json!(["code"]));
    let given = json!(["authorization_code", "refresh_token"]);
    assert_eq!(shown["grant_types"], given);
    // An administrator learns what is not given.
    let strict = Policy::administrator(false);
    for (name, refused) in [
        ("response_types", json!(["code", "id_token"])),
        ("grant_types", json!(["authorization_code", "implicit"])),
    ] {
        let found = outcome(register(&strict, json!({ name: refused })));
        assert_eq!(found, format!("invalid_client_metadata {name}"));
    }
}

#[test]
fn a_name_holds_nothing_that_cannot_be_seen() {
    for (name, expected) in [
        ("Docs portal", "ok"),
        ("名前", "ok"),
        ("TechPass\u{200b}", "invalid_client_metadata client_name"),
        ("\u{202e}latrop scoD", "invalid_client_metadata client_name"),
        ("Docs\nportal", "invalid_client_metadata client_name"),
    ] {
        assert_eq!(
            outcome(dynamic(json!({ "client_name": name }))),
            expected,
            "{name:?}"
        );
    }
    let refused = dynamic(json!({ "client_name": "TechPass\u{200b}" })).unwrap_err();
    assert!(refused.description.to_string().contains("U+200B"));
}

#[test]
fn keys_are_public_and_fit_the_method() {
    let set = json!({ "keys": [key()] });
    let mut private = key();
    private["d"] = json!("AA");
    let method = "token_endpoint_auth_method";
    let alg = "token_endpoint_auth_signing_alg";
    check(vec![
        (json!({ "jwks": set }), "ok"),
        (json!({ "jwks_uri": "https://app.example/jwks" }), "ok"),
        (
            json!({ "jwks": set, "jwks_uri": "https://app.example/jwks" }),
            "jwks",
        ),
        (json!({ "jwks": { "keys": [private] } }), "jwks"),
        (json!({ "jwks": "keys" }), "jwks"),
        (json!({ "jwks_uri": "http://app.example/jwks" }), "jwks_uri"),
        (json!({ "jwks_uri": "jwks" }), "jwks_uri"),
        (json!({ method: "private_key_jwt", "jwks": set }), "ok"),
        (
            json!({ method: "private_key_jwt", "jwks": set, alg: "ES256" }),
            "ok",
        ),
        (
            json!({ method: "private_key_jwt", "jwks": set, alg: "RS256" }),
            "jwks",
        ),
        (
            json!({ method: "private_key_jwt", "jwks": set, alg: "HS256" }),
            alg,
        ),
        (
            json!({ method: "private_key_jwt", "jwks": set, alg: "none" }),
            alg,
        ),
        (
            json!({ method: "private_key_jwt", "jwks_uri": "https://app.example/jwks", alg: "RS256" }),
            "ok",
        ),
        (json!({ method: "private_key_jwt" }), "jwks"),
        (json!({ method: "client_secret_jwt" }), "ok"),
        (json!({ method: "client_secret_jwt", alg: "HS256" }), "ok"),
        (json!({ method: "client_secret_jwt", alg: "RS256" }), alg),
        (json!({ method: "client_secret_post" }), "ok"),
        (json!({ method: "none" }), "ok"),
        (json!({ method: "tls_client_auth" }), method),
        (json!({ method: 1 }), method),
    ]);
}

#[test]
fn algorithms_are_those_of_this_server() {
    check(vec![
        (json!({ "id_token_signed_response_alg": "PS256" }), "ok"),
        (
            json!({ "id_token_signed_response_alg": "none" }),
            "id_token_signed_response_alg",
        ),
        (
            json!({ "id_token_signed_response_alg": "HS256" }),
            "id_token_signed_response_alg",
        ),
        (json!({ "userinfo_signed_response_alg": "RS256" }), "ok"),
        (
            json!({ "userinfo_signed_response_alg": "none" }),
            "userinfo_signed_response_alg",
        ),
        (json!({ "request_object_signing_alg": "EdDSA" }), "ok"),
        (json!({ "request_object_signing_alg": "none" }), "ok"),
        (
            json!({ "request_object_signing_alg": "HS256" }),
            "request_object_signing_alg",
        ),
        (
            json!({ "id_token_encrypted_response_alg": "RSA-OAEP" }),
            "id_token_encrypted_response_alg",
        ),
        (
            json!({ "dpop_bound_access_tokens": true }),
            "dpop_bound_access_tokens",
        ),
        (json!({ "dpop_bound_access_tokens": false }), "ok"),
    ]);
}

#[test]
fn addresses_are_addresses() {
    let app = "https://app.example/x";
    for (name, http) in [
        ("client_uri", true),
        ("logo_uri", true),
        ("policy_uri", true),
        ("tos_uri", true),
        ("initiate_login_uri", false),
        ("backchannel_logout_uri", false),
        ("frontchannel_logout_uri", false),
        ("sector_identifier_uri", false),
    ] {
        let http = if http { "ok" } else { name };
        check(vec![
            (json!({ name: app }), "ok"),
            (json!({ name: "http://app.example/x" }), http),
            (json!({ name: "javascript:alert(1)" }), name),
            (json!({ name: "x" }), name),
            (json!({ name: [app] }), name),
        ]);
    }
    check(vec![
        (
            json!({ "initiate_login_uri": "https://app.example/x#y" }),
            "initiate_login_uri",
        ),
        (
            json!({ "frontchannel_logout_uri": "https://other.example/x" }),
            "frontchannel_logout_uri",
        ),
        (
            json!({ "frontchannel_logout_uri": "https://app.example:1/x" }),
            "frontchannel_logout_uri",
        ),
        (
            json!({ "post_logout_redirect_uris": ["https://app.example/x"] }),
            "ok",
        ),
        (
            json!({ "post_logout_redirect_uris": ["http://app.example/x"] }),
            "post_logout_redirect_uris",
        ),
        (json!({ "request_uris": ["https://app.example/x#y"] }), "ok"),
        (
            json!({ "request_uris": ["http://app.example/x"] }),
            "request_uris",
        ),
    ]);
}

#[test]
fn the_rest_has_its_types() {
    check(vec![
        (json!({ "client_name": "x".repeat(100) }), "ok"),
        (json!({ "client_name": "x".repeat(101) }), "client_name"),
        (json!({ "client_name": "a\nb" }), "client_name"),
        (json!({ "client_name": " " }), "client_name"),
        (json!({ "default_max_age": 0 }), "ok"),
        (json!({ "default_max_age": -1 }), "default_max_age"),
        (json!({ "default_max_age": 1.5 }), "default_max_age"),
        (json!({ "default_max_age": "60" }), "default_max_age"),
        (json!({ "require_auth_time": "true" }), "require_auth_time"),
        (json!({ "default_acr_values": "a" }), "default_acr_values"),
        (json!({ "contacts": ["a@app.example"] }), "ok"),
        (json!({ "contacts": "a@app.example" }), "contacts"),
        (json!({ "application_type": "mobile" }), "application_type"),
        (json!({ "subject_type": "secret" }), "subject_type"),
        (json!({ "scope": "openid \"" }), "scope"),
        (json!({ "scope": "openid unknown" }), "ok"),
        (
            json!({ "software_statement": "x" }),
            "invalid_software_statement software_statement",
        ),
        (
            json!({ "software_statement": "e30.e30.AA" }),
            "invalid_software_statement software_statement",
        ),
        (
            json!({ "software_statement": "eyJhbGciOiJFUzI1NiJ9.e30.AAAA" }),
            "unapproved_software_statement software_statement",
        ),
    ]);
}

#[test]
fn a_sector_is_one_host_or_a_list_that_holds_all() {
    let other = "https://other.example/cb";
    let sector = "sector_identifier_uri";
    check(vec![
        (json!({ "subject_type": "pairwise" }), "ok"),
        (
            json!({ "subject_type": "pairwise", "redirect_uris": [CB, "https://app.example:1/"] }),
            "ok",
        ),
        (
            json!({ "subject_type": "pairwise", "redirect_uris": [CB, other] }),
            sector,
        ),
        (
            json!({ "subject_type": "public", "redirect_uris": [CB, other] }),
            "ok",
        ),
        (
            json!({ "subject_type": "pairwise", "redirect_uris": [CB, other], sector: "https://app.example/list" }),
            "ok",
        ),
    ]);
    let client = dynamic(json!({ "redirect_uris": [CB, other] })).unwrap();
    for (document, good) in [
        (json!([CB, other]).to_string(), true),
        (
            json!([other, "https://third.example", CB]).to_string(),
            true,
        ),
        (json!([CB]).to_string(), false),
        (json!([]).to_string(), false),
        (json!({ "redirect_uris": [CB, other] }).to_string(), false),
        ("not JSON".to_owned(), false),
    ] {
        let found = sector_permits(document.as_bytes(), &client);
        assert_eq!(found.is_ok(), good, "{document}");
    }
}
