//! What is signed with which algorithm, and what its tokens may be used for.

use super::{ISSUER, NOW, World, json_of, text_of};
use crate::oidc::backchannel;
use crate::seal::sha256;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, header};
use serde_json::{Value, json};
use techpass_domain::client::{LogoutStyle, SigningAlg};
use techpass_store::Write;
use tower::ServiceExt;

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn an_id_token_names_its_access_token_by_the_hash_of_its_algorithm() {
    let world = World::start().await;
    let browser = world.browser().await;
    for alg in SigningAlg::ALL {
        let client = world
            .client(alg.as_str(), |c| c.id_token_signed_response_alg = alg)
            .await;
        let tokens = world.tokens(&client, &browser, "openid").await;
        let access = tokens["access_token"].as_str().unwrap().as_bytes();
        let half = match alg {
            SigningAlg::EdDSA => digest::digest(&digest::SHA512, access).as_ref()[..32].to_vec(),
            _ => sha256(access)[..16].to_vec(),
        };
        let id_token = tokens["id_token"].as_str().unwrap();
        assert_eq!(part(id_token, 0)["alg"], alg.as_str());
        assert_eq!(
            part(id_token, 1)["at_hash"],
            URL_SAFE_NO_PAD.encode(half),
            "{alg:?}"
        );
    }
}

/// The UserInfo answer of a client that wants it signed.
async fn signed_userinfo(world: &World, access_token: &Value) -> (u16, String) {
    let bearer = format!("Bearer {}", access_token.as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let response = world.send(Method::GET, "/userinfo", &[], &headers).await;
    (response.status().as_u16(), text_of(response).await)
}

#[tokio::test]
async fn the_first_signed_userinfo_answer_makes_its_key() {
    let world = World::start().await;
    let browser = world.browser().await;
    let client = world
        .client("docs", |c| {
            c.userinfo_signed_response_alg = Some(SigningAlg::EdDSA)
        })
        .await;
    let tokens = world.tokens(&client, &browser, "openid").await;
    assert!(!world.app.keys().can_sign(SigningAlg::EdDSA));
    let (status, token) = signed_userinfo(&world, &tokens["access_token"]).await;
    assert_eq!(status, 200, "{token}");
    assert_eq!(part(&token, 0)["alg"], "EdDSA");
    assert_eq!(part(&token, 1)["aud"], "docs");
}

#[tokio::test]
async fn a_signed_userinfo_answer_is_no_hint() {
    let world = World::start().await;
    let browser = world.browser().await;
    let back = "https://docs.example/out";
    let client = world
        .client("docs", |c| {
            c.userinfo_signed_response_alg = Some(SigningAlg::ES256);
            c.logout = LogoutStyle::Direct;
            c.post_logout_redirect_uris = vec![back.to_owned()];
        })
        .await;
    let tokens = world.tokens(&client, &browser, "openid").await;
    let (_, userinfo) = signed_userinfo(&world, &tokens["access_token"]).await;
    for (path, further) in [
        (
            "/authorize",
            vec![
                ("client_id", "docs"),
                ("redirect_uri", super::REDIRECT_URI),
                ("response_type", "code"),
                ("scope", "openid"),
                ("prompt", "none"),
            ],
        ),
        ("/logout", vec![("post_logout_redirect_uri", back)]),
    ] {
        let mut leads = Vec::new();
        for hint in [&userinfo, tokens["id_token"].as_str().unwrap()] {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query
                .extend_pairs(&further)
                .append_pair("id_token_hint", hint);
            let path = format!("{path}?{}", query.finish());
            let response = world.open(&path, &browser).await;
            let to = response.headers().get(header::LOCATION);
            leads.push(
                to.map(|to| to.to_str().unwrap().to_owned())
                    .unwrap_or_default(),
            );
        }
        let refused = leads[0].is_empty() || leads[0].contains("error=login_required");
        assert!(refused, "{path}: {leads:?}");
        let taken = leads[1] == back || leads[1].contains("code=");
        assert!(taken, "{path}: {leads:?}");
    }
}

/// What is left of a row of the outbox.
async fn row(world: &World, id: &str) -> (i64, bool, Option<String>) {
    let row = world.app.store.outbox(id).await.unwrap().unwrap();
    (row.attempts, row.done_at.is_some(), row.last_error)
}

fn notice(id: &str, data: String) -> Write {
    Write::Enqueue {
        id: id.to_owned(),
        kind: backchannel::KIND,
        data,
        at: NOW,
    }
}

fn to(client: &str, uri: &str) -> String {
    json!({ "client": client, "sid": "sid_1", "sub": "acc_mei", "uri": uri }).to_string()
}

#[tokio::test]
async fn a_logout_token_of_an_algorithm_that_is_new_is_sent() {
    let world = World::start_with("[outbound]\nallow_private = true\n").await;
    for alg in [SigningAlg::PS256, SigningAlg::EdDSA] {
        world
            .client(alg.as_str(), |c| c.id_token_signed_response_alg = alg)
            .await;
        assert!(!world.app.keys().can_sign(alg));
        // Nobody listens there, so it is sent and does not arrive.
        let data = to(alg.as_str(), "http://127.0.0.1:1/logout");
        world.commit(vec![notice(alg.as_str(), data)]).await;
        backchannel::deliver_due(&world.app).await.unwrap();
        let (attempts, done, error) = row(&world, alg.as_str()).await;
        assert_eq!((attempts, done), (1, false));
        assert!(!error.unwrap().contains("prepared"), "{alg:?}");
        assert!(world.app.keys().can_sign(alg));
    }
}

#[tokio::test]
async fn a_delivery_that_cannot_be_prepared_holds_no_other_up_and_is_given_up() {
    let world = World::start().await;
    let broken = (0..40).map(|n| notice(&format!("broken-{n:02}"), "no JSON".to_owned()));
    world.commit(broken.collect()).await;
    // Of a client that is gone: nobody is left to tell.
    let gone = to("gone", "https://gone.example/logout");
    world.commit(vec![notice("last", gone)]).await;
    backchannel::deliver_due(&world.app).await.unwrap();
    assert_eq!(row(&world, "last").await, (1, true, None));
    let (attempts, done, error) = row(&world, "broken-39").await;
    assert_eq!((attempts, done, error.is_some()), (1, false, true));
    for _ in 0..7 {
        world.clock.advance(14_400);
        backchannel::deliver_due(&world.app).await.unwrap();
    }
    let (attempts, done, error) = row(&world, "broken-00").await;
    assert_eq!((attempts, done, error.is_some()), (8, true, true));
}

impl World {
    /// Sends JSON to the registration endpoint.
    pub(super) async fn register(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:4000")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        (response.status().as_u16(), json_of(response).await)
    }
}

#[tokio::test]
async fn a_client_that_registers_or_changes_over_brings_its_keys_about() {
    let world = World::start_with("[registration]\nopen = true\n").await;
    let mut wanted = json!({
        "redirect_uris": [super::REDIRECT_URI], "id_token_signed_response_alg": "PS256",
    });
    assert!(!world.app.keys().can_sign(SigningAlg::PS256));
    let (status, registered) = world.register("POST", "/register", "", &wanted).await;
    assert_eq!(status, 201, "{registered}");
    assert!(world.app.keys().can_sign(SigningAlg::PS256));
    assert!(!world.app.keys().can_sign(SigningAlg::EdDSA));
    wanted["client_id"] = registered["client_id"].clone();
    wanted["userinfo_signed_response_alg"] = "EdDSA".into();
    let uri = registered["registration_client_uri"].as_str().unwrap();
    let token = registered["registration_access_token"].as_str().unwrap();
    let path = uri.strip_prefix(ISSUER).unwrap();
    let (status, changed) = world.register("PUT", path, token, &wanted).await;
    assert_eq!(status, 200, "{changed}");
    assert!(world.app.keys().can_sign(SigningAlg::EdDSA));
}
