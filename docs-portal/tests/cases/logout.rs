use std::collections::HashMap;

use url::Url;

use crate::support::World;

#[tokio::test]
async fn the_portals_session_ends_before_the_providers() {
    let world = World::new().await;
    let mut browser = world.signed_in("sid-1").await;
    let mut copy = browser.clone();
    let answer = browser.post("/logout", "").await;
    assert_eq!(answer.status, 303);
    assert!(
        answer
            .set_cookie("docs_session")
            .unwrap()
            .contains("Max-Age=0")
    );
    // The person has not been to the provider yet, and the session is gone already.
    assert!(!copy.is_signed_in().await);

    let url = Url::parse(&answer.location()).unwrap();
    assert!(
        url.as_str()
            .starts_with(&format!("{}/end-session?", world.provider.issuer))
    );
    let params: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(params["id_token_hint"].split('.').count(), 3);
    assert_eq!(params["client_id"], "docs-portal");
    // The provider's own page says what ended, so no way back is asked for.
    assert!(!params.contains_key("post_logout_redirect_uri"));

    let page = browser.get("/logged-out").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains("<h1>You are logged out of the Docs portal</h1>"),
        "{}",
        page.body
    );
    assert!(page.body.contains("href=\"/login\">Log in</a>"));
    assert!(!page.body.contains("You were logged out."), "{}", page.body);
    // Whoever stayed logged in at the provider comes here as well.
    assert!(
        page.body.contains("about the portal alone"),
        "{}",
        page.body
    );
    assert!(page.body.contains("it still knows you"), "{}", page.body);
    // Nobody is signed in again unasked.
    let next = browser.get("/auth/start").await.location();
    assert!(next.contains("prompt=select_account"), "{next}");
    let first = world.browser().get("/auth/start").await.location();
    assert!(!first.contains("prompt="), "{first}");
}

#[tokio::test]
async fn a_log_out_needs_a_press_on_the_portals_own_page() {
    let world = World::new().await;
    let mut browser = world.signed_in("sid-1").await;
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:8081"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for header in foreign {
        let answer = browser.post_with("/logout", "", &[header]).await;
        assert_eq!(answer.status, 403, "{header:?}");
        assert!(answer.body.contains("not sent from the portal"));
    }
    assert_eq!(browser.get("/logout").await.status, 405);
    assert!(browser.is_signed_in().await);
    // A browser too old to say where a form comes from.
    assert_eq!(browser.post_with("/logout", "", &[]).await.status, 303);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_provider_without_log_out_is_no_dead_end() {
    let world = World::new().await;
    world.provider.change(|state| state.has_end_session = false);
    let mut browser = world.signed_in("sid-1").await;
    assert_eq!(browser.post("/logout", "").await.location(), "/logged-out");
    let page = browser.get("/logged-out").await;
    assert!(page.body.contains("it still knows you"), "{}", page.body);
}

#[tokio::test]
async fn a_log_out_without_a_session_still_reaches_the_provider() {
    let world = World::new().await;
    let answer = world.browser().post("/logout", "").await;
    let location = answer.location();
    assert!(location.starts_with(&format!("{}/end-session?", world.provider.issuer)));
    assert!(!location.contains("id_token_hint"), "{location}");
}

#[tokio::test]
async fn the_page_after_the_log_out_is_true() {
    let world = World::new().await;
    let mut browser = world.signed_in("sid-1").await;
    let answer = browser.get("/logged-out").await;
    assert_eq!((answer.status, answer.location().as_str()), (303, "/"));
    assert!(browser.is_signed_in().await);
}
