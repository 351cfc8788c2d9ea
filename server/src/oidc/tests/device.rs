//! A device without a browser is let in, or not.

use super::{Browser, World, error, json_of, text_of};
use http::{Method, header};
use serde_json::Value;
use techpass_domain::client::{Client, GrantType};

const ON: &str = "[device_grant]\nenabled = true\n";

impl World {
    async fn device_client(&self) -> Client {
        self.client("tv", |c| {
            c.grant_types = vec![GrantType::DeviceCode, GrantType::RefreshToken];
        })
        .await
    }

    async fn device(&self, client: &Client) -> Value {
        let form = [("scope", "openid profile offline_access")];
        let (status, body) = self.post("/device_authorization", client, &form).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn poll(&self, client: &Client, device: &Value) -> (u16, Value) {
        let form = [
            ("grant_type", GrantType::DeviceCode.as_str()),
            ("device_code", device["device_code"].as_str().unwrap()),
        ];
        self.post("/token", client, &form).await
    }

    /// Types the code, and gives where the browser goes.
    async fn type_code(&self, code: &str, browser: &Browser) -> String {
        let response = self.press("/device", &[("user_code", code)], browser).await;
        assert_eq!(response.status(), 303);
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        location.trim_start_matches(super::ISSUER).to_owned()
    }
}

fn lower(device: &Value) -> String {
    device["user_code"]
        .as_str()
        .unwrap()
        .replace('-', " ")
        .to_lowercase()
}

#[tokio::test]
async fn a_person_lets_a_device_in() {
    let world = World::start_with(ON).await;
    let (tv, other) = (
        world.device_client().await,
        world.client("other", |_| {}).await,
    );
    let device = world.device(&tv).await;
    assert_eq!(device["expires_in"], 600);
    assert_eq!(device["interval"], 5);
    assert_eq!(device["verification_uri"], "http://localhost:4000/device");
    let pending = world.poll(&tv, &device).await;
    assert_eq!(error(&pending), (400, "authorization_pending"));
    let hasty = world.poll(&tv, &device).await;
    assert_eq!(error(&hasty), (400, "slow_down"));
    world.clock.advance(9);
    assert_eq!(
        error(&world.poll(&tv, &device).await),
        (400, "authorization_pending")
    );
    let browser = world.browser().await;
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let page = world
        .open(complete.trim_start_matches(super::ISSUER), &browser)
        .await;
    assert!(
        text_of(page)
            .await
            .contains(device["user_code"].as_str().unwrap())
    );
    let page = world.type_code(&lower(&device), &browser).await;
    let shown = text_of(world.open(&page, &browser).await).await;
    for expected in [
        "Application tv",
        "mei.tan@agency.example",
        device["user_code"].as_str().unwrap(),
    ] {
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
    // Another browser with the same address decides nothing.
    let stranger = world.browser().await;
    let refused = world.press(&page, &[("do", "allow")], &stranger).await;
    assert_eq!(refused.status(), 400);
    let done = world.press(&page, &[("do", "allow")], &browser).await;
    assert_eq!(done.status(), 200);
    let again = world.press(&page, &[("do", "deny")], &browser).await;
    assert_eq!(again.status(), 400, "it was answered");
    assert_eq!(
        error(&world.poll(&other, &device).await),
        (400, "unauthorized_client")
    );
    let (status, tokens) = world.poll(&tv, &device).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(tokens["scope"], "openid profile offline_access");
    assert!(tokens["id_token"].is_string() && tokens["refresh_token"].is_string());
    assert_eq!(world.userinfo(&tokens["access_token"]).await, 200);
    assert_eq!(
        error(&world.poll(&tv, &device).await),
        (400, "invalid_grant")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_polls_at_once_one_takes_the_tokens() {
    let world = std::sync::Arc::new(World::start_with(ON).await);
    let tv = world.device_client().await;
    let device = world.device(&tv).await;
    let browser = world.browser().await;
    let page = world.type_code(&lower(&device), &browser).await;
    world.press(&page, &[("do", "allow")], &browser).await;
    let polls = (0..50).map(|_| {
        let (world, tv, device) = (world.clone(), tv.clone(), device.clone());
        tokio::spawn(async move { world.poll(&tv, &device).await.0 })
    });
    let mut won = 0;
    for poll in polls.collect::<Vec<_>>() {
        won += usize::from(poll.await.unwrap() == 200);
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_refusal_and_the_end_of_time_are_told() {
    let world = World::start_with(ON).await;
    let tv = world.device_client().await;
    let browser = world.browser().await;
    let denied = world.device(&tv).await;
    let page = world.type_code(&lower(&denied), &browser).await;
    world.press(&page, &[("do", "deny")], &browser).await;
    assert_eq!(
        error(&world.poll(&tv, &denied).await),
        (400, "access_denied")
    );
    let late = world.device(&tv).await;
    world.clock.advance(600);
    assert_eq!(error(&world.poll(&tv, &late).await), (400, "expired_token"));
    for code in [lower(&late).as_str(), "BBBB-BBBB", "nonsense", ""] {
        let response = world
            .press("/device", &[("user_code", code)], &browser)
            .await;
        assert_eq!(response.status(), 422, "{code}");
    }
}

#[tokio::test]
async fn who_signs_in_first_comes_to_the_sign_in_page() {
    let world = World::start_with(ON).await;
    let tv = world.device_client().await;
    let device = world.device(&tv).await;
    let form = [("user_code", device["user_code"].as_str().unwrap())];
    let response = world.send(Method::POST, "/device", &form, &[]).await;
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    assert!(location.starts_with("/s/"), "{location}");
}

#[tokio::test]
async fn it_is_off_until_it_is_switched_on_for_server_and_client() {
    let off = World::start().await;
    let tv = off.device_client().await;
    let refused = off.post("/device_authorization", &tv, &[]).await;
    assert_eq!(error(&refused), (400, "unsupported_grant_type"));
    let page = off.send(Method::GET, "/device", &[], &[]).await;
    assert_eq!(page.status(), 404);
    let response = off.send(Method::GET, "/.well-known/openid-configuration", &[], &[]);
    let document = json_of(response.await).await;
    assert_eq!(document.get("device_authorization_endpoint"), None);
    let on = World::start_with(ON).await;
    let docs = on.client("docs", |_| {}).await;
    let refused = on.post("/device_authorization", &docs, &[]).await;
    assert_eq!(error(&refused), (400, "unauthorized_client"));
}
