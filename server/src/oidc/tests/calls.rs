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
