use super::{ISSUER, client};
use crate::client::{AuthMethod, Client};
use crate::oidc::authorization::{
    AuthorizationRequest, PageError, RedirectError, Trusted, check, identify, redirect_location,
    trust,
};
use crate::oidc::error::{AuthorizationError, AuthorizationErrorCode};
use crate::oidc::params::Params;
use crate::problem::Problem;

const CB: &str = "https://docs.example/cb?a=1";
const GOOD: &[(&str, &str)] = &[
    ("client_id", "docs"),
    ("redirect_uri", CB),
    ("response_type", "code"),
    ("scope", "openid"),
    ("state", "s t+1"),
    (
        "code_challenge",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    ),
    ("code_challenge_method", "S256"),
];

fn docs() -> Client {
    client("docs", &[CB])
}

fn urlencoded(pairs: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(pairs).finish()
}

/// The good request with these parameters in place of its own; an empty value takes one away.
fn with(changes: &[(&str, &str)]) -> Params {
    let kept = GOOD
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
    let pairs: Vec<_> = kept.chain(changes).copied().collect();
    Params::parse_repeated(&urlencoded(&pairs)).unwrap()
}

fn trusted(params: &Params, client: &Client) -> Trusted {
    trust(params, client).unwrap()
}

fn checked(
    changes: &[(&str, &str)],
    client: &Client,
) -> Result<AuthorizationRequest, RedirectError> {
    let params = with(changes);
    check(&params, client, &trusted(&params, client))
}

fn code_of(result: Result<AuthorizationRequest, RedirectError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(refused) => refused.error.code.as_str(),
    }
}

#[test]
fn stage_one_wants_one_client_id() {
    assert_eq!(identify(&with(&[])).unwrap().as_str(), "docs");
    let missing = identify(&with(&[("client_id", "")])).unwrap_err();
    assert_eq!(missing.problem, Problem::UnknownClient);
    let twice = identify(&with(&[("client_id", "docs"), ("client_id", "docs")])).unwrap_err();
    assert_eq!(twice.problem, Problem::Unsupported);
    assert_eq!(PageError::unknown_client().problem, Problem::UnknownClient);
}

#[test]
fn stage_two_trusts_only_a_registered_address_sent_once() {
    for (changes, problem) in [
        (&[("redirect_uri", "")][..], Problem::RedirectUri),
        (
            &[("redirect_uri", "https://docs.example/cb")],
            Problem::RedirectUri,
        ),
        (
            &[("redirect_uri", CB), ("redirect_uri", CB)],
            Problem::Unsupported,
        ),
        (
            &[
                ("redirect_uri", CB),
                ("redirect_uri", "https://evil.example"),
            ],
            Problem::Unsupported,
        ),
        (&[("state", "a"), ("state", "b")], Problem::Unsupported),
        (
            &[("response_mode", "query"), ("response_mode", "x")],
            Problem::Unsupported,
        ),
    ] {
        let error = trust(&with(changes), &docs()).unwrap_err();
        assert_eq!(error.problem, problem, "{changes:?}");
        assert_eq!(error.comparison, None);
    }
    let good = trusted(&with(&[]), &docs());
    assert_eq!((good.redirect_uri(), good.state()), (CB, Some("s t+1")));
}

#[test]
fn only_a_client_in_development_sees_the_comparison() {
    let params = with(&[("redirect_uri", "https://docs.example/cb")]);
    let mut client = docs();
    client.development = true;
    let comparison = trust(&params, &client).unwrap_err().comparison.unwrap();
    assert_eq!(comparison.sent, "https://docs.example/cb");
    assert_eq!(comparison.registered, [CB]);
}

#[test]
fn stage_three_refuses_by_the_code_of_each_rule() {
    for (changes, code) in [
        (&[][..], "ok"),
        (&[("unknown", "x")], "ok"),
        (&[("state", "")], "ok"),
        (&[("nonce", "a"), ("nonce", "a")], "invalid_request"),
        (&[("unknown", "a"), ("unknown", "b")], "invalid_request"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (
            &[("response_type", "code id_token")],
            "unsupported_response_type",
        ),
        (&[("response_type", "CODE")], "unsupported_response_type"),
        (&[("response_mode", "query")], "ok"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "form_post")], "invalid_request"),
        (&[("request", "x.y.z")], "request_not_supported"),
        (
            &[("request_uri", "https://docs.example/r")],
            "request_uri_not_supported",
        ),
        (&[("registration", "{}")], "registration_not_supported"),
        (&[("scope", "")], "invalid_scope"),
        (&[("scope", "email")], "invalid_scope"),
        (&[("scope", "openid \u{e9}")], "invalid_scope"),
        (&[("scope", "openid phone")], "invalid_scope"),
        (&[("scope", "openid email no_such")], "ok"),
        (&[("prompt", "none")], "ok"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("max_age", "0")], "ok"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("max_age", "+1")], "invalid_request"),
        (&[("max_age", "1.5")], "invalid_request"),
        (&[("max_age", "99999999999999999999")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "s256")], "invalid_request"),
        (&[("login_hint", "%%% \0 <script>")], "ok"),
        (&[("claims", "{not json")], "ok"),
        (&[("display", "hologram"), ("ui_locales", "xx yy")], "ok"),
    ] {
        assert_eq!(code_of(checked(changes, &docs())), code, "{changes:?}");
    }
}

#[test]
fn only_a_confidential_client_registered_for_it_comes_without_pkce() {
    let neither: &[(&str, &str)] = &[("code_challenge", ""), ("code_challenge_method", "")];
    for (optional, method, changes, code) in [
        (true, AuthMethod::ClientSecretBasic, neither, "ok"),
        (true, AuthMethod::None, neither, "invalid_request"),
        (
            false,
            AuthMethod::ClientSecretPost,
            neither,
            "invalid_request",
        ),
        (
            true,
            AuthMethod::ClientSecretBasic,
            &[("code_challenge", "")],
            "invalid_request",
        ),
        (
            true,
            AuthMethod::ClientSecretBasic,
            &[("code_challenge_method", "")],
            "invalid_request",
        ),
    ] {
        let mut client = docs();
        (client.pkce_optional, client.auth_method) = (optional, method);
        assert_eq!(
            code_of(checked(changes, &client)),
            code,
            "{optional} {method:?}"
        );
    }
    let refused = checked(neither, &docs()).unwrap_err();
    assert!(refused.error.description.as_str().starts_with("REQ-104"));
}

#[test]
fn a_checked_request_says_what_was_asked_and_survives_storage() {
    let request = checked(
        &[
            ("scope", "openid email unknown"),
            ("prompt", "login select_account"),
            ("max_age", "60"),
            ("acr_values", "a  b"),
            ("nonce", "n"),
            ("login_hint", "mei"),
        ],
        &docs(),
    )
    .unwrap();
    assert_eq!(request.scope.to_string(), "openid email");
    assert_eq!(request.acr_values, ["a", "b"]);
    assert_eq!(request.nonce.as_deref(), Some("n"));
    let asked = request.asked(true);
    assert!(asked.force_login && asked.select_account && asked.test_client);
    assert!(!asked.none && !asked.consent);
    assert_eq!(asked.max_age, Some(60));
    let json = serde_json::to_string(&request).unwrap();
    let read: AuthorizationRequest = serde_json::from_str(&json).unwrap();
    assert_eq!(read, request);
    assert_eq!(read.trusted(), trusted(&with(&[]), &docs()));
}

#[test]
fn answers_carry_state_exactly_and_the_issuer_behind_the_query_that_was_there() {
    let to = trusted(&with(&[]), &docs());
    assert_eq!(
        redirect_location(&to, ISSUER, Ok("tpc_x")),
        "https://docs.example/cb?a=1&code=tpc_x&state=s%20t%2B1&iss=https%3A%2F%2Ftechpass.example"
    );
    let denied = AuthorizationError::new(AuthorizationErrorCode::AccessDenied, "DEV-503: \"no\"");
    assert_eq!(
        redirect_location(&to, ISSUER, Err(&denied)),
        "https://docs.example/cb?a=1&error=access_denied&error_description=DEV-503%3A%20%27no%27\
         &state=s%20t%2B1&iss=https%3A%2F%2Ftechpass.example"
    );
    let stateless = trusted(&with(&[("state", "")]), &docs());
    assert!(!redirect_location(&stateless, ISSUER, Ok("c")).contains("state"));
}

#[test]
fn long_and_odd_states_come_back_as_they_were() {
    let ascii: String = (' '..='~').collect();
    for state in ["x".repeat(8000), "é\r\nLocation: /".into(), ascii] {
        let refused = checked(&[("state", &state), ("scope", "email")], &docs()).unwrap_err();
        let location = refused.location(ISSUER);
        let back = Params::parse(location.split_once('?').unwrap().1).unwrap();
        assert_eq!(back.get("state"), Some(state.as_str()));
        assert_eq!(back.get("error"), Some("invalid_scope"));
        assert_eq!(back.get("iss"), Some(ISSUER));
    }
}
