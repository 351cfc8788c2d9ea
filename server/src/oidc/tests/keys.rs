//! Signing keys over their life.

use super::{World, json_of};
use crate::keys;
use http::Method;
use serde_json::Value;
use techpass_domain::client::SigningAlg;
use techpass_domain::keys::KeyState;

impl World {
    /// The `kid`s that are published for an algorithm.
    async fn published(&self, alg: &str) -> Vec<String> {
        let response = self.send(Method::GET, "/jwks.json", &[], &[]).await;
        let set = json_of(response).await;
        let keys = set["keys"].as_array().unwrap();
        keys.iter()
            .filter(|key| key["alg"] == alg)
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn active(&self, alg: SigningAlg) -> String {
        let rows = self.app.store.keys().await.unwrap();
        let lives = keys::lives(&rows);
        let active =
            |k: &&techpass_domain::keys::KeyLife| k.alg == alg && k.state == KeyState::Active;
        lives.iter().find(active).unwrap().kid.clone()
    }
}

#[tokio::test]
async fn the_next_key_is_published_before_it_signs_and_the_old_one_after() {
    let world = World::start().await;
    let first = world.active(SigningAlg::ES256).await;
    assert_eq!(world.published("ES256").await, [first.as_str()]);
    let changed = keys::rotate(&world.app, false).await.unwrap();
    assert!(changed.iter().all(|key| key.state == KeyState::Next));
    assert_eq!(world.published("ES256").await.len(), 2);
    assert_eq!(world.active(SigningAlg::ES256).await, first);
    assert!(
        keys::rotate(&world.app, false).await.unwrap().is_empty(),
        "one next key is enough"
    );
    world.clock.advance(3_600);
    world.app.reload_keys().await.unwrap();
    let second = world.active(SigningAlg::ES256).await;
    assert_ne!(first, second);
    assert_eq!(world.published("ES256").await.len(), 2);
    world.clock.advance(24 * 3_600 + 1);
    world.app.reload_keys().await.unwrap();
    assert_eq!(world.published("ES256").await, [second.as_str()]);
    let at_once = keys::rotate(&world.app, true).await.unwrap();
    assert!(at_once.iter().all(|key| key.state != KeyState::Next));
    assert_ne!(world.active(SigningAlg::ES256).await, second);
}

#[tokio::test]
async fn a_key_in_wrong_hands_takes_its_tokens_with_it() {
    let world = World::start().await;
    let browser = world.browser().await;
    let docs = world.client("docs", |_| {}).await;
    let tokens = world.tokens(&docs, &browser, "openid").await;
    assert_eq!(world.userinfo(&tokens["access_token"]).await, 200);
    let kid = world.active(SigningAlg::ES256).await;
    assert!(keys::revoke(&world.app, &kid).await.unwrap().is_some());
    assert!(keys::revoke(&world.app, &kid).await.unwrap().is_none());
    assert!(!world.published("ES256").await.contains(&kid));
    assert_eq!(world.userinfo(&tokens["access_token"]).await, 401);
    let known = world.introspected(&docs, &tokens["access_token"]).await;
    assert_eq!(known["active"], false);
    // The person stays signed in: a refresh gives tokens of the new key.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let (status, tokens) = world.post("/token", &docs, &form).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(world.userinfo(&tokens["access_token"]).await, 200);
}

#[tokio::test]
async fn a_key_of_a_rare_kind_is_made_for_the_first_client_that_wants_it() {
    let world = World::start().await;
    assert_eq!(world.published("EdDSA").await, Vec::<String>::new());
    let browser = world.browser().await;
    let docs = world
        .client("docs", |c| {
            c.id_token_signed_response_alg = SigningAlg::EdDSA
        })
        .await;
    let tokens = world.tokens(&docs, &browser, "openid").await;
    assert!(matches!(tokens["id_token"], Value::String(_)));
    assert_eq!(world.published("EdDSA").await.len(), 1);
}
