use crate::client::{AuthMethod, Client};
use crate::id::ClientId;
use crate::oidc::client_credentials::{self, MachineTokenInput};
use crate::oidc::error::TokenErrorCode;
use crate::oidc::introspection::{self, Kind, RefreshFacts};
use crate::oidc::scope::Scope;
use crate::time::Timestamp;
use serde_json::{Value, json};

fn client(id: &str, scopes: &[&str]) -> Client {
    Client {
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        ..Client::new(ClientId::new(id), id.into(), Timestamp(0))
    }
}

#[test]
fn tokens_are_told_by_their_form() {
    for (token, kind) in [
        ("tp_rt_abc", Kind::Refresh),
        ("a.b.c", Kind::Jwt),
        ("a.b", Kind::Unknown),
        ("a.b.c.d.e", Kind::Unknown),
        ("tp_ac_abc", Kind::Unknown),
        ("", Kind::Unknown),
    ] {
        assert_eq!(introspection::kind(token), kind, "{token}");
    }
}

#[test]
fn who_may_ask_and_learn_and_revoke() {
    let (docs, mut api) = (client("docs", &[]), client("api", &[]));
    assert!(introspection::may_know(&docs, &docs.id));
    assert!(!introspection::may_know(&api, &docs.id));
    api.introspects_all = true;
    assert!(introspection::may_know(&api, &docs.id));
    assert!(!introspection::may_revoke(&api, &docs.id));
    assert!(introspection::may_revoke(&docs, &docs.id));
    assert!(introspection::may_ask(&docs));
    let public = Client {
        auth_method: AuthMethod::None,
        ..docs
    };
    assert!(!introspection::may_ask(&public));
}

#[test]
fn an_answer_has_the_tokens_own_facts_and_the_name_only_with_its_scope() {
    let claims = json!({
        "iss": "https://techpass.example", "sub": "acc_1", "aud": "https://techpass.example", "exp": 700, "iat": 100,
        "jti": "j", "client_id": "docs", "scope": "openid profile", "auth_time": 90, "acr": "strong", "secret": "x",
    });
    let scope = |text: &str| Scope::parse(text).unwrap();
    let answer = introspection::access_token(&claims, &scope("openid profile"), Some("mei"));
    let mut expected = claims.clone();
    expected.as_object_mut().unwrap().remove("secret");
    expected["active"] = json!(true);
    expected["token_type"] = json!("Bearer");
    expected["username"] = json!("mei");
    assert_eq!(answer, expected);
    let answer = introspection::access_token(&claims, &scope("openid"), Some("mei"));
    assert_eq!(answer.get("username"), None);
    let docs = ClientId::new("docs");
    let facts = RefreshFacts {
        issuer: "https://techpass.example",
        client: &docs,
        sub: "acc_1",
        scope: &scope("openid"),
        issued_at: Timestamp(100),
        expires_at: Timestamp(900),
    };
    let answer = introspection::refresh_token(&facts, Some("mei"));
    assert_eq!(
        answer,
        json!({
            "active": true, "scope": "openid", "client_id": "docs", "exp": 900, "iat": 100, "sub": "acc_1",
            "aud": "https://techpass.example", "iss": "https://techpass.example",
        })
    );
    assert_eq!(introspection::inactive(), json!({ "active": false }));
}

#[test]
fn machines_get_what_they_are_registered_for_and_nothing_about_people() {
    let client = client("batch", &["profile", "reports.read", "reports.write"]);
    for (asked, expected) in [
        (None, Some("reports.read reports.write")),
        (Some(""), Some("reports.read reports.write")),
        (Some("reports.read"), Some("reports.read")),
        (Some("reports.delete"), None),
        (Some("profile"), None),
        (Some("openid"), None),
        (Some("offline_access"), None),
    ] {
        let asked = asked.map(|text| Scope::parse(text).unwrap());
        match client_credentials::granted(&client, asked.as_ref()) {
            Ok(scope) => assert_eq!(Some(scope.to_string().as_str()), expected),
            Err(error) => {
                assert_eq!(error.code, TokenErrorCode::InvalidScope);
                assert_eq!(expected, None);
            }
        }
    }
    assert!(client_credentials::confidential(&client).is_ok());
    let public = Client {
        auth_method: AuthMethod::None,
        ..client
    };
    let refused = client_credentials::confidential(&public).unwrap_err();
    assert_eq!(refused.code, TokenErrorCode::UnauthorizedClient);
}

#[test]
fn a_machines_token_speaks_of_the_client_alone() {
    let client = client("batch", &[]);
    let mut input = MachineTokenInput {
        issuer: "https://techpass.example",
        audience: "https://techpass.example",
        client: &client,
        scope: &Scope::default(),
        jti: "j",
        issued_at: Timestamp(100),
        lifetime_s: 600,
    };
    let bare = json!({
        "iss": "https://techpass.example", "sub": "batch", "aud": "https://techpass.example", "exp": 700, "iat": 100,
        "jti": "j", "client_id": "batch",
    });
    assert_eq!(
        Value::Object(client_credentials::access_token(&input)),
        bare
    );
    let scope = Scope::parse("reports.read").unwrap();
    input.scope = &scope;
    let claims = client_credentials::access_token(&input);
    assert_eq!(claims["scope"], "reports.read");
}
