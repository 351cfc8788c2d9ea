//! Calls from scripts of other origins, and long values.

use super::forms::request;
use super::{REDIRECT_URI, SECRET, World};
use crate::web::load::{self, Reader};
use http::{Method, header};
use techpass_domain::oidc::discovery::path;

fn open_to_all(response: &axum::response::Response) -> bool {
    let allowed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    allowed.is_some_and(|origin| origin == "*")
}

#[tokio::test]
async fn scripts_of_any_origin_give_tokens_back_and_read_refusals() {
    let world = World::start().await;
    world.client("docs", |_| {}).await;
    for path in ["/token", "/userinfo", "/revoke"] {
        let asked = [
            ("origin", "https://app.example"),
            ("access-control-request-method", "POST"),
        ];
        let response = world.send(Method::OPTIONS, path, &[], &asked).await;
        assert_eq!(response.status(), 204, "{path}");
        assert!(open_to_all(&response), "{path}");
        assert!(
            response
                .headers()
                .contains_key("access-control-allow-headers")
        );
        // 64 KiB and more.
        let large = "x".repeat(70_000);
        let response = world
            .send(Method::POST, path, &[("token", &large)], &[])
            .await;
        assert_eq!(response.status(), 413, "{path}");
        assert!(open_to_all(&response), "{path}");
    }
    let form = [
        ("client_id", "docs"),
        ("client_secret", SECRET),
        ("token", "x"),
    ];
    for (form, status) in [(&form[..], 200), (&form[..1], 401)] {
        let response = world.send(Method::POST, "/revoke", form, &[]).await;
        assert_eq!(response.status(), status);
        assert!(open_to_all(&response), "{status}");
    }
    let busy = |route| open_to_all(&load::busy(&world.app, Reader::of(route)));
    assert!(busy(path::TOKEN) && busy(path::REVOKE) && !busy(path::INTROSPECT));
}

#[tokio::test]
async fn the_page_of_a_busy_server_says_when_to_come_back_and_which_request_it_was() {
    let world = World::start().await;
    let busy = || async {
        let response = load::busy(&world.app, Reader::Person);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let body = axum::body::to_bytes(response.into_body(), 1 << 20);
        String::from_utf8(body.await.unwrap().to_vec()).unwrap()
    };
    let reference = |page: &str| {
        let after = page.split_once("data-testid=\"reference\">").unwrap().1;
        after.split_once('<').unwrap().0.to_owned()
    };
    let (one, two) = (busy().await, busy().await);
    let (first, second) = (reference(&one), reference(&two));
    assert_eq!(first.len(), "7K4M-2Q9X".len());
    assert_ne!(first, second);
    assert_eq!(one.replace(&first, &second), two);
    assert!(one.contains("data-testid=\"problem-code\""), "{one}");
}

/// A request that must be answered without a page.
fn silent(state: &str) -> String {
    request(&[("prompt", "none"), ("state", state)])
}

#[tokio::test]
async fn a_state_as_long_as_a_token_comes_back() {
    let world = World::start().await;
    world.client("docs", |_| {}).await;
    let state = "x".repeat(16 * 1024);
    let response = world.send(Method::GET, &silent(&state), &[], &[]).await;
    assert_eq!(response.status(), 303);
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    assert!(location.starts_with(REDIRECT_URI) && location.contains(&state));
    for (more, status) in [(1, 400), (17_000, 414)] {
        let state = format!("{state}{}", "x".repeat(more));
        let response = world.send(Method::GET, &silent(&state), &[], &[]).await;
        assert_eq!(response.status(), status, "{more}");
    }
}
