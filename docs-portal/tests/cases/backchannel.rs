use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Answer, Key, START, World};

const PATH: &str = "/backchannel-logout";

/// The provider's server calls: no cookies, no browser's headers.
async fn tell(world: &World, token: &str) -> Answer {
    world
        .browser()
        .post_with(PATH, &format!("logout_token={token}"), &[])
        .await
}

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["error"], "invalid_request", "{what}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
}

#[tokio::test]
async fn a_log_out_elsewhere_ends_exactly_its_session() {
    let world = World::new().await;
    let mut first = world.signed_in("sid-1").await;
    let mut second = world.signed_in("sid-2").await;
    let token = world.provider.logout_token(|_, _| ());
    let answer = tell(&world, &token).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(second.is_signed_in().await);
    let page = first.get("/guides/run-it").await;
    assert_eq!(page.status, 403);
    assert!(
        page.body
            .contains("You were logged out. Log in again to continue."),
        "{}",
        page.body
    );
    assert!(!first.is_signed_in().await);
}

#[tokio::test]
async fn a_log_out_of_an_account_ends_all_its_sessions() {
    let world = World::new().await;
    let mut first = world.signed_in("sid-1").await;
    let mut second = world.signed_in("sid-2").await;
    let other = world.provider.logout_token(|_, claims| {
        claims["sub"] = json!("account-2");
        claims.as_object_mut().unwrap().remove("sid");
    });
    assert_eq!(tell(&world, &other).await.status, 200);
    assert!(first.is_signed_in().await && second.is_signed_in().await);
    let all = world.provider.logout_token(|_, claims| {
        claims.as_object_mut().unwrap().remove("sid");
    });
    assert_eq!(tell(&world, &all).await.status, 200);
    assert!(!first.is_signed_in().await && !second.is_signed_in().await);
}

#[tokio::test]
async fn wrong_tokens_end_nothing() {
    type Case = (&'static str, fn(&mut Value, &mut Value));
    let cases: &[Case] = &[
        ("nonce", |_, claims| claims["nonce"] = json!("n")),
        ("empty nonce", |_, claims| claims["nonce"] = Value::Null),
        ("type of an ID token", |header, _| {
            header["typ"] = json!("JWT")
        }),
        ("critical header", |header, _| {
            header["crit"] = json!(["exp"])
        }),
        ("another algorithm", |header, _| {
            header["alg"] = json!("RS256")
        }),
        ("no algorithm", |header, _| header["alg"] = json!("none")),
        ("a symmetric algorithm", |header, _| {
            header["alg"] = json!("HS256")
        }),
        ("an unknown key", |header, _| header["kid"] = json!("other")),
        ("another issuer", |_, claims| {
            claims["iss"] = json!("https://other.example")
        }),
        ("another audience", |_, claims| {
            claims["aud"] = json!(["other"])
        }),
        ("a second audience", |_, claims| {
            claims["aud"] = json!(["docs-portal", "other"])
        }),
        ("expired", |_, claims| claims["exp"] = json!(START)),
        ("issued long ago", |_, claims| {
            claims["iat"] = json!(START - 3600)
        }),
        ("issued in the future", |_, claims| {
            claims["iat"] = json!(START + 3600)
        }),
        ("no events", |_, claims| claims["events"] = json!({})),
        ("another event", |_, claims| {
            claims["events"] = json!({ "urn:x": {} })
        }),
        ("an event that is no object", |_, claims| {
            claims["events"]["http://schemas.openid.net/event/backchannel-logout"] = json!(true);
        }),
        ("a subject that is no text", |_, claims| {
            claims["sub"] = json!(1)
        }),
        ("an empty session", |_, claims| claims["sid"] = json!("")),
    ];
    let world = World::new().await;
    let mut browser = world.signed_in("sid-1").await;
    for (what, change) in cases {
        assert_refused(
            &tell(&world, &world.provider.logout_token(*change)).await,
            what,
        );
    }
    for missing in ["iss", "aud", "iat", "exp", "jti", "events"] {
        let token = world.provider.logout_token(|_, claims| {
            claims.as_object_mut().unwrap().remove(missing);
        });
        assert_refused(&tell(&world, &token).await, missing);
    }
    let nobody = world.provider.logout_token(|_, claims| {
        claims.as_object_mut().unwrap().remove("sub");
        claims.as_object_mut().unwrap().remove("sid");
    });
    assert_refused(&tell(&world, &nobody).await, "nobody named");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn forged_and_broken_tokens_end_nothing() {
    let world = World::new().await;
    let mut browser = world.signed_in("sid-1").await;
    let forger = Key::es256("k1");
    let (header, claims) = world.provider.logout_parts(&forger, |_, _| ());
    assert_refused(
        &tell(&world, &forger.sign(&header, &claims)).await,
        "a foreign key",
    );
    let right = world.provider.logout_token(|_, _| ());
    let parts: Vec<&str> = right.split('.').collect();
    for broken in [
        String::new(),
        "x".to_owned(),
        "..".to_owned(),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{right}.x"),
        format!("{}.e30.{}", parts[0], parts[2]),
        format!("{right}A"),
        "a".repeat(20_000),
    ] {
        assert_refused(&tell(&world, &broken).await, &broken);
    }
    assert!(browser.is_signed_in().await);
    assert_eq!(tell(&world, &right).await.status, 200);
}

#[tokio::test]
async fn a_token_works_once() {
    let world = World::new().await;
    let token = world.provider.logout_token(|_, _| ());
    assert_eq!(tell(&world, &token).await.status, 200);
    let mut browser = world.signed_in("sid-1").await;
    assert_refused(&tell(&world, &token).await, "replay");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn only_forms_are_read() {
    let world = World::new().await;
    let token = world.provider.logout_token(|_, _| ());
    let json = [("content-type", "application/json")];
    let form = format!("logout_token={token}");
    assert_refused(&world.browser().post_with(PATH, &form, &json).await, "JSON");
    let twice = format!("{form}&{form}");
    assert_refused(&world.browser().post_with(PATH, &twice, &[]).await, "twice");
    let large = format!("{form}&filler={}", "x".repeat(70_000));
    assert_refused(
        &world.browser().post_with(PATH, &large, &[]).await,
        "too large",
    );
    assert_eq!(world.browser().get(PATH).await.status, 405);
    // Unknown parameters are ignored, and where the call comes from does not matter.
    let extra = format!("{form}&other=1");
    let foreign = [("origin", "https://other.example")];
    assert_eq!(
        world
            .browser()
            .post_with(PATH, &extra, &foreign)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_media_type_in_full_and_no_type_are_accepted() {
    let world = World::new().await;
    let full = world.provider.logout_token(|header, _| {
        header["typ"] = json!("application/logout+jwt");
    });
    assert_eq!(tell(&world, &full).await.status, 200);
    let none = world.provider.logout_token(|header, claims| {
        header.as_object_mut().unwrap().remove("typ");
        claims["aud"] = json!(["docs-portal"]);
    });
    assert_eq!(tell(&world, &none).await.status, 200);
}

#[tokio::test]
async fn rs256_is_accepted_and_other_good_algorithms_are_not() {
    let world = World::new().await;
    for (alg, status) in [("RS256", 200), ("RS512", 400)] {
        let key = Arc::new(Key::rsa(alg, alg));
        let (header, claims) = world.provider.logout_parts(&key, |_, _| ());
        world
            .provider
            .change(|state| state.published.push(key.public()));
        world.advance(60);
        assert_eq!(
            tell(&world, &key.sign(&header, &claims)).await.status,
            status,
            "{alg}"
        );
    }
}
