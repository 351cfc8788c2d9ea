use super::{ISSUER, NOW, account, grant};
use crate::client::SigningAlg;
use crate::id::{ClientId, Sid};
use crate::oidc::claims::{
    AccessTokenInput, IdTokenInput, LogoutTokenInput, TokenHash, access_token, check_access_token,
    id_token, logout_token, signed_userinfo, supported, userinfo,
};
use crate::oidc::claims_request::Wanted;
use crate::oidc::scope::Scope;
use crate::time::Timestamp;
use serde_json::{Map, Value, json};

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

#[test]
fn userinfo_gives_the_claims_of_the_granted_scopes_and_no_others() {
    let mut person = account();
    person.claims = [
        ("address", json!({"locality": "Town", "formatted": "1 Road\nTown", "planet": "Earth", "region": ""})),
        ("phone_number", json!("+65 5550 0100")),
        ("phone_number_verified", json!(false)),
        ("given_name", json!("Mei")),
        ("birthdate", json!("1990-01-01")),
        ("sub", json!("forged")),
        ("role", json!("admin")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (granted, expected) in [
        ("openid", json!({"sub": "acc_1"})),
        (
            "openid email",
            json!({"sub": "acc_1", "email": "mei.tan@agency.example", "email_verified": true}),
        ),
        (
            "openid profile",
            json!({
                "sub": "acc_1", "name": "Mei Tan", "given_name": "Mei", "birthdate": "1990-01-01",
                "preferred_username": "mei.tan@agency.example", "organisation": "Agency",
                "updated_at": 1_600_000_000,
            }),
        ),
        (
            "openid address phone",
            json!({
                "sub": "acc_1", "address": {"locality": "Town", "formatted": "1 Road\nTown"},
                "phone_number": "+65 5550 0100", "phone_number_verified": false,
            }),
        ),
    ] {
        assert_eq!(
            Value::Object(userinfo("acc_1", &person, &scope(granted), &[])),
            expected
        );
    }
}

#[test]
fn a_claim_of_the_wrong_type_is_left_out() {
    for (name, value, kept) in [
        ("email_verified", json!("true"), false),
        ("email_verified", json!(false), true),
        ("updated_at", json!("2020-01-01"), false),
        ("updated_at", json!(5), true),
        ("phone_number", json!(6_555_500_100_u64), false),
        ("phone_number_verified", json!(true), false),
        ("address", json!("1 Road"), false),
        ("address", json!({"planet": "Earth"}), false),
        ("locale", json!(""), false),
        ("locale", Value::Null, false),
        ("locale", json!("en-SG"), true),
    ] {
        let mut person = account();
        person.claims.insert(name.to_owned(), value.clone());
        let claims = userinfo(
            "acc_1",
            &person,
            &scope("openid profile email address phone"),
            &[],
        );
        assert_eq!(claims.get(name), kept.then_some(&value), "{name} {value}");
    }
}

#[test]
fn nothing_says_an_absent_address_is_verified() {
    let mut person = account();
    person.email = None;
    assert_eq!(
        userinfo("acc_1", &person, &scope("openid email"), &[]).len(),
        1
    );
    person
        .claims
        .insert("email".into(), json!("mei@home.example"));
    assert_eq!(
        userinfo("acc_1", &person, &scope("openid email"), &[])["email"],
        "mei@home.example"
    );
}

#[test]
fn an_id_token_states_the_sign_in_and_nothing_of_the_person() {
    let grant = grant();
    let input = IdTokenInput {
        issuer: ISSUER,
        subject: "acc_1",
        grant: &grant,
        person: &Map::new(),
        issued_at: NOW,
        lifetime_s: 300,
        at_hash: Some("hash"),
        refreshed: false,
    };
    let mut expected = json!({
        "iss": ISSUER, "sub": "acc_1", "aud": "docs", "exp": NOW.0 + 300, "iat": NOW.0,
        "auth_time": NOW.0 - 100, "nonce": "n-1", "acr": "urn:techpass:acr:number-match",
        "amr": ["pop", "swk", "mfa"], "sid": "sid_1", "at_hash": "hash",
    });
    assert_eq!(Value::Object(id_token(&input)), expected);
    let refreshed = IdTokenInput {
        refreshed: true,
        at_hash: None,
        ..input
    };
    expected
        .as_object_mut()
        .unwrap()
        .retain(|name, _| name != "nonce" && name != "at_hash");
    assert_eq!(Value::Object(id_token(&refreshed)), expected);
}

#[test]
fn claims_asked_for_by_name_are_given_where_they_are_wanted_and_nowhere_else() {
    let mut person = account();
    person.claims.insert("nickname".into(), json!("Mei"));
    let wanted = |name: &str| Wanted {
        name: name.into(),
        ..Wanted::default()
    };
    let all = [
        wanted("nickname"),
        wanted("email"),
        wanted("birthdate"),
        wanted("acr"),
    ];
    let claims = userinfo("sub-of-docs", &person, &scope("openid"), &all);
    assert_eq!(
        Value::Object(claims),
        json!({"sub": "sub-of-docs", "nickname": "Mei", "email": "mei.tan@agency.example"})
    );
    let grant = grant();
    let asked = claims_of(&person, &all);
    let token = id_token(&IdTokenInput {
        issuer: ISSUER,
        subject: "sub-of-docs",
        grant: &grant,
        person: &asked,
        issued_at: NOW,
        lifetime_s: 300,
        at_hash: None,
        refreshed: false,
    });
    assert_eq!(token["email"], "mei.tan@agency.example");
    assert_eq!(
        (&token["sub"], &token["nickname"]),
        (&json!("sub-of-docs"), &json!("Mei"))
    );
    assert!(!token.contains_key("email_verified") && !token.contains_key("name"));
}

#[test]
fn a_signed_answer_says_whose_it_is_and_for_whom() {
    let plain = userinfo("acc_1", &account(), &scope("openid"), &[]);
    let signed = signed_userinfo(plain, ISSUER, &ClientId::new("docs"));
    assert_eq!(
        Value::Object(signed),
        json!({"sub": "acc_1", "iss": ISSUER, "aud": "docs"})
    );
}

fn claims_of(person: &crate::account::Account, wanted: &[Wanted]) -> Map<String, Value> {
    crate::oidc::claims::person(person, std::iter::empty(), wanted)
}

#[test]
fn an_access_token_is_read_back_by_its_own_resource_only() {
    let grant = grant();
    let claims = Value::Object(access_token(&AccessTokenInput {
        issuer: ISSUER,
        audience: ISSUER,
        subject: "acc_1",
        grant: &grant,
        scope: &scope("openid email"),
        jti: "j1",
        issued_at: NOW,
        lifetime_s: 300,
    }));
    assert_eq!(claims["scope"], "openid email");
    assert_eq!(claims["client_id"], "docs");
    let token = check_access_token(&claims, ISSUER, ISSUER, NOW).unwrap();
    assert_eq!(token.subject, "acc_1");
    assert_eq!(
        (token.jti.as_str(), token.expires_at),
        ("j1", NOW.plus(300))
    );
    for (issuer, audience, now) in [
        ("https://other.example", ISSUER, NOW),
        (ISSUER, "https://api.example", NOW),
        (ISSUER, ISSUER, NOW.plus(300)),
        (ISSUER, ISSUER, Timestamp(i64::MAX)),
    ] {
        assert!(check_access_token(&claims, issuer, audience, now).is_err());
    }
    for name in ["iss", "aud", "exp", "sub", "client_id", "jti"] {
        let mut less = claims.clone();
        less.as_object_mut().unwrap().remove(name);
        assert!(
            check_access_token(&less, ISSUER, ISSUER, NOW).is_err(),
            "{name}"
        );
    }
}

#[test]
fn a_logout_token_has_its_event_and_never_a_nonce() {
    let token = logout_token(&LogoutTokenInput {
        issuer: ISSUER,
        client: &ClientId::new("docs"),
        subject: "acc_1",
        sid: &Sid::new("sid_1"),
        jti: "j1",
        issued_at: NOW,
    });
    assert_eq!(
        Value::Object(token),
        json!({
            "iss": ISSUER, "sub": "acc_1", "aud": "docs", "iat": NOW.0, "exp": NOW.0 + 120, "jti": "j1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "sid_1",
        })
    );
}

#[test]
fn every_claim_that_is_given_is_announced() {
    let grant = grant();
    let given = id_token(&IdTokenInput {
        issuer: ISSUER,
        subject: "acc_1",
        grant: &grant,
        person: &Map::new(),
        issued_at: NOW,
        lifetime_s: 300,
        at_hash: Some("hash"),
        refreshed: false,
    });
    let person = userinfo(
        "acc_1",
        &account(),
        &scope("openid profile email address phone"),
        &[],
    );
    for name in given.keys().chain(person.keys()) {
        assert!(supported().contains(&name.as_str()), "{name}");
    }
}

#[test]
fn an_access_token_is_named_by_the_hash_that_the_algorithm_signs_with() {
    for (alg, hash) in [
        (SigningAlg::ES256, TokenHash::Sha256),
        (SigningAlg::RS256, TokenHash::Sha256),
        (SigningAlg::PS256, TokenHash::Sha256),
        (SigningAlg::EdDSA, TokenHash::Sha512),
    ] {
        assert_eq!(TokenHash::of(alg), hash, "{alg:?}");
    }
}
