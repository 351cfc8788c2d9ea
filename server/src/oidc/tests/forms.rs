//! Where the forms of pages may lead.

use super::{REDIRECT_URI, World};
use axum::response::Response;
use http::{Method, header};

fn form_action(response: &Response) -> String {
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    let directives = policy.split("; ");
    let mut found = directives.filter_map(|one| one.strip_prefix("form-action "));
    found.next().unwrap_or("(none)").to_owned()
}

const ONWARD: &str = "'self' https://docs.example https:";

/// The address of an authorization request of the usual client, with more parameters.
pub(super) fn request(further: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", "docs"),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", "openid"),
        ])
        .extend_pairs(further)
        .finish();
    format!("/authorize?{query}")
}

#[tokio::test]
async fn forms_lead_through_the_application_where_they_lead_to_one() {
    let world = World::start().await;
    world
        .client("docs", |c| {
            c.post_logout_redirect_uris = vec!["https://docs.example/out".to_owned()]
        })
        .await;
    // The sign-in page, in a browser that has only what it was given.
    let response = world.send(Method::GET, &request(&[]), &[], &[]).await;
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    let (cookie, _) = cookie.split_once(';').unwrap();
    let known = [("cookie", cookie)];
    let page = world.send(Method::GET, location, &[], &known).await;
    assert_eq!(page.status(), 200);
    assert_eq!(form_action(&page), ONWARD);
    // An answer by form.
    let by_form = request(&[("response_mode", "form_post"), ("prompt", "none")]);
    let page = world.send(Method::GET, &by_form, &[], &[]).await;
    assert_eq!(form_action(&page), ONWARD);
    // The question at log-out, with and without an application.
    let browser = world.browser().await;
    for (path, expected) in [
        ("/logout?client_id=docs", ONWARD),
        ("/logout", "'self'"),
        ("/", "'self'"),
    ] {
        let page = world.open(path, &browser).await;
        assert_eq!(page.status(), 200, "{path}");
        assert_eq!(form_action(&page), expected, "{path}");
    }
}
