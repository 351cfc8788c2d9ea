use super::{ISSUER, client};
use crate::client::{AuthMethod, Client, GrantType};
use crate::oidc::answer::{Answer, RedirectError, ResponseMode, Trusted, answer};
use crate::oidc::authorization::{
    AuthorizationRequest, PageError, check, identify, refused_early, trust,
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

fn redirect(answer: Answer) -> String {
    match answer {
        Answer::Redirect(location) => location,
        Answer::Form { .. } => panic!("a form"),
    }
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
        (&[("response_mode", "form_post")], "ok"),
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
        (&[("claims", "{not json")], "invalid_request"),
        (&[("claims", "{}")], "ok"),
        (
            &[
                ("claims_locales", "xx"),
                ("acr_values", "nobody knows these"),
            ],
            "ok",
        ),
        (
            &[(
                "claims",
                r#"{"id_token":{"acr":{"essential":true,"values":["loa9"]}}}"#,
            )],
            "unmet_authentication_requirements",
        ),
        (
            &[(
                "claims",
                r#"{"id_token":{"acr":{"essential":true,"values":["loa9","urn:techpass:acr:number-match"]}}}"#,
            )],
            "ok",
        ),
        (
            &[("claims", r#"{"id_token":{"acr":{"values":["loa9"]}}}"#)],
            "ok",
        ),
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
    let mut tests = docs();
    tests.test = true;
    let asked = request.asked(&tests, None);
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
        redirect(answer(&to, ISSUER, Ok("tpc_x"))),
        "https://docs.example/cb?a=1&code=tpc_x&state=s%20t%2B1&iss=https%3A%2F%2Ftechpass.example"
    );
    let denied = AuthorizationError::new(AuthorizationErrorCode::AccessDenied, "DEV-503: \"no\"");
    assert_eq!(
        redirect(answer(&to, ISSUER, Err(&denied))),
        "https://docs.example/cb?a=1&error=access_denied&error_description=DEV-503%3A%20%27no%27\
         &state=s%20t%2B1&iss=https%3A%2F%2Ftechpass.example"
    );
    let explained = denied.about(Some(Problem::DeviceFailed));
    let told = redirect(answer(&to, ISSUER, Err(&explained)));
    let told = Params::parse(told.split_once('?').unwrap().1).unwrap();
    let page = "https://techpass.example/e/DEV-503";
    assert_eq!(told.get("error_uri"), Some(page));
    let stateless = trusted(&with(&[("state", "")]), &docs());
    assert!(!redirect(answer(&stateless, ISSUER, Ok("c"))).contains("state"));
}

#[test]
fn long_and_odd_states_come_back_as_they_were() {
    let ascii: String = (' '..='~').collect();
    for state in ["x".repeat(8000), "é\r\nLocation: /".into(), ascii] {
        let refused = checked(&[("state", &state), ("scope", "email")], &docs()).unwrap_err();
        let location = redirect(refused.answer(ISSUER));
        let back = Params::parse(location.split_once('?').unwrap().1).unwrap();
        assert_eq!(back.get("state"), Some(state.as_str()));
        assert_eq!(back.get("error"), Some("invalid_scope"));
        assert_eq!(back.get("iss"), Some(ISSUER));
    }
}

#[test]
fn a_client_without_the_grant_type_gets_no_code() {
    let mut machine = docs();
    machine.grant_types = vec![GrantType::ClientCredentials];
    assert_eq!(code_of(checked(&[], &machine)), "unauthorized_client");
}

#[test]
fn what_the_client_registered_counts_where_the_request_says_nothing() {
    let mut client = docs();
    client.default_max_age = Some(300);
    client.default_acr_values = vec!["a".into()];
    let silent = checked(&[], &client).unwrap();
    assert_eq!(
        (silent.max_age, silent.acr_values),
        (Some(300), vec!["a".to_owned()])
    );
    let said = checked(&[("max_age", "0"), ("acr_values", "b")], &client).unwrap();
    assert_eq!(
        (said.max_age, said.acr_values),
        (Some(0), vec!["b".to_owned()])
    );
}

#[test]
fn a_form_holds_the_answer_as_it_is() {
    let state = "s \"<é>\r\n";
    let params = with(&[("response_mode", "form_post"), ("state", state)]);
    let to = trusted(&params, &docs());
    assert_eq!(to.response_mode(), ResponseMode::FormPost);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = |fields: Vec<(String, String)>| Answer::Form {
        action: CB.to_owned(),
        fields,
    };
    let given = [pair("code", "c"), pair("state", state), pair("iss", ISSUER)];
    assert_eq!(answer(&to, ISSUER, Ok("c")), form(given.to_vec()));
    let denied = AuthorizationError::new(AuthorizationErrorCode::AccessDenied, "no");
    let refused = [
        pair("error", "access_denied"),
        pair("error_description", "no"),
        pair("state", state),
        pair("iss", ISSUER),
    ];
    assert_eq!(answer(&to, ISSUER, Err(&denied)), form(refused.to_vec()));
}

#[test]
fn an_early_refusal_goes_only_where_the_request_itself_may_be_answered() {
    let error = AuthorizationError::new(AuthorizationErrorCode::InvalidRequestObject, "no");
    let to = |changes: &[(&str, &str)]| refused_early(&with(changes), &docs(), error.clone());
    let told = to(&[]).unwrap();
    assert_eq!(
        (told.to.redirect_uri(), told.to.state()),
        (CB, Some("s t+1"))
    );
    for (changes, problem) in [
        (&[("redirect_uri", "")][..], Problem::Unsupported),
        (
            &[("redirect_uri", "https://evil.example")],
            Problem::RedirectUri,
        ),
    ] {
        assert_eq!(to(changes).unwrap_err().problem, problem, "{changes:?}");
    }
}

#[test]
fn a_client_in_development_sees_what_was_sent_beside_what_is_registered() {
    let mut client = docs();
    let of = |client: &Client| {
        let refused = checked(&[("scope", "openid phone")], client).unwrap_err();
        refused.error.description.as_str().to_owned()
    };
    assert!(!of(&client).contains("Sent"));
    client.development = true;
    let text = of(&client);
    assert!(text.contains("Sent: openid phone."), "{text}");
    assert!(
        text.contains("Registered: openid profile email offline_access."),
        "{text}"
    );
}
