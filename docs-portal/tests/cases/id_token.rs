use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Answer, Key, START, World};

/// One log-in with a changed ID token.
async fn log_in_with(world: &World, change: fn(&mut Value, &mut Value)) -> Answer {
    world
        .provider
        .change(|state| state.id_token = Box::new(change));
    world.log_in(&mut world.browser(), "/").await
}

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 502, "{what}: {}", answer.body);
    assert!(answer.body.contains("You were not logged in"), "{what}");
    assert!(answer.set_cookie("docs_session").is_none(), "{what}");
}

#[tokio::test]
async fn wrong_claims_are_refused() {
    type Case = (&'static str, fn(&mut Value, &mut Value));
    let cases: &[Case] = &[
        ("another issuer", |_, claims| {
            claims["iss"] = json!("https://other.example")
        }),
        ("another audience", |_, claims| {
            claims["aud"] = json!("other")
        }),
        ("a second audience", |_, claims| {
            claims["aud"] = json!(["docs-portal", "other"])
        }),
        ("another authorized party", |_, claims| {
            claims["azp"] = json!("other")
        }),
        ("another nonce", |_, claims| {
            claims["nonce"] = json!("other")
        }),
        ("no nonce", |_, claims| {
            claims.as_object_mut().unwrap().remove("nonce");
        }),
        ("expired", |_, claims| claims["exp"] = json!(START)),
        ("issued long ago", |_, claims| {
            claims["iat"] = json!(START - 3600)
        }),
        ("issued in the future", |_, claims| {
            claims["iat"] = json!(START + 3600)
        }),
        ("another access token", |_, claims| {
            claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")
        }),
        ("critical header", |header, _| {
            header["crit"] = json!(["exp"])
        }),
        ("another type", |header, _| {
            header["typ"] = json!("logout+jwt")
        }),
    ];
    let world = World::new().await;
    for (what, change) in cases {
        assert_refused(&log_in_with(&world, *change).await, what);
    }
    assert_eq!(log_in_with(&world, |_, _| ()).await.status, 303);
}

#[tokio::test]
async fn wrong_signatures_are_refused() {
    let world = World::new().await;
    world
        .provider
        .change(|state| state.forged_by = Some(Arc::new(Key::es256("k1"))));
    assert_refused(
        &log_in_with(&world, |_, _| ()).await,
        "a foreign key of the same name",
    );
    world
        .provider
        .change(|state| state.forged_by = Some(Arc::new(Key::es256("k2"))));
    let unknown = log_in_with(&world, |header, _| header["kid"] = json!("k2")).await;
    assert_refused(&unknown, "a key that is not published");
    world.provider.change(|state| state.forged_by = None);
    let other_alg = log_in_with(&world, |header, _| header["alg"] = json!("RS256")).await;
    assert_refused(&other_alg, "an algorithm that is not the key's");
    world.provider.change(|state| state.unsigned = true);
    assert_refused(
        &log_in_with(&world, |header, _| header["alg"] = json!("none")).await,
        "none",
    );
    let symmetric = log_in_with(&world, |header, _| header["alg"] = json!("HS256")).await;
    assert_refused(&symmetric, "a symmetric algorithm");
}

#[tokio::test]
async fn rs256_is_accepted_and_other_good_algorithms_are_not() {
    let world = World::new().await;
    for (alg, status) in [("RS256", 303), ("RS512", 502)] {
        let key = Arc::new(Key::rsa(alg, alg));
        world.provider.change(|state| {
            state.published.push(key.public());
            state.key = key;
        });
        world.advance(60);
        // Without `at_hash`, whose own hash depends on the algorithm.
        let answer = log_in_with(&world, |_, claims| {
            claims.as_object_mut().unwrap().remove("at_hash");
        });
        assert_eq!(answer.await.status, status, "{alg}");
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_unknown_ones_do_not_hammer() {
    let world = World::new().await;
    assert_eq!(log_in_with(&world, |_, _| ()).await.status, 303);
    assert_eq!(world.provider.keys_read(), 1);
    let key = Arc::new(Key::es256("k2"));
    world.provider.change(|state| {
        state.published.push(key.public());
        state.key = key;
    });
    assert_eq!(log_in_with(&world, |_, _| ()).await.status, 303);
    assert_eq!(world.provider.keys_read(), 2);
    for _ in 0..3 {
        let unknown = log_in_with(&world, |header, _| header["kid"] = json!("k3")).await;
        assert_refused(&unknown, "unknown");
    }
    assert_eq!(world.provider.keys_read(), 2);
    world.advance(5);
    assert_refused(
        &log_in_with(&world, |header, _| header["kid"] = json!("k3")).await,
        "unknown",
    );
    assert_eq!(world.provider.keys_read(), 3);
}

#[tokio::test]
async fn user_info_must_be_about_the_same_person() {
    let world = World::new().await;
    world
        .provider
        .change(|state| state.user_info["sub"] = json!("account-2"));
    assert_refused(&log_in_with(&world, |_, _| ()).await, "another subject");
    world.provider.change(|state| state.user_info_status = 500);
    assert_eq!(log_in_with(&world, |_, _| ()).await.status, 503);
}

#[tokio::test]
async fn names_are_shown_as_text() {
    let world = World::new().await;
    world.provider.change(|state| {
        state.user_info["name"] = json!("<b>Mei</b>\u{0}\n");
        state.user_info["organisation"] = json!({ "not": "text" });
        state.user_info["email"] = json!("\"><script>@agency.example");
    });
    let mut browser = world.signed_in("sid-1").await;
    let page = browser.get("/about").await.body;
    assert!(
        page.contains(">&#60;b&#62;Mei&#60;/b&#62;</span>"),
        "{page}"
    );
    assert!(!page.contains("<script"), "{page}");
}

#[tokio::test]
async fn somebody_without_a_name_still_has_one() {
    let world = World::new().await;
    world
        .provider
        .change(|state| state.user_info = json!({ "sub": "account-1" }));
    let mut browser = world.signed_in("sid-1").await;
    let page = browser.get("/about").await.body;
    assert!(
        page.contains("<span class=\"name\">account-1</span>"),
        "{page}"
    );
}
