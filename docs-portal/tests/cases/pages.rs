use std::fs;

use axum::body::Body;
use docs_portal::{Config, router};
use http::Request;

use crate::support::{Browser, World, encode};

const PAGES: [&str; 7] = [
    "/",
    "/about",
    "/guides",
    "/guides/run-it",
    "/search?q=number",
    "/login",
    "/logged-out",
];

#[tokio::test]
async fn every_page_has_its_headers_and_no_inline_code() {
    let world = World::new().await;
    let origin = &world.provider.issuer;
    for path in PAGES.into_iter().chain(["/missing"]) {
        let page = world.browser().get(path).await;
        assert_eq!(
            page.header("content-security-policy"),
            format!(
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
                 form-action 'self' {origin}"
            ),
            "{path}"
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert!(page.header("permissions-policy").contains("camera=()"));
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("strict-transport-security"), "", "{path}");
        assert!(!page.body.contains("<script"), "{path}");
        assert!(!page.body.contains("style="), "{path}");
        assert!(!page.body.contains("<style"), "{path}");
        assert_eq!(page.body.matches("<h1").count(), 1, "{path}");
        assert!(page.body.contains("href=\"#main\"") && page.body.contains("<main id=\"main\""));
    }
}

#[tokio::test]
async fn assets_are_served_and_small() {
    let world = World::new().await;
    let css = world.browser().get("/assets/portal.css").await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert!(css.body.len() < 14 * 1024, "{}", css.body.len());
    let mark = world.browser().get("/assets/mark.svg").await;
    assert_eq!(mark.header("content-type"), "image/svg+xml");
}

#[tokio::test]
async fn protected_guides_are_for_signed_in_people() {
    let world = World::new().await;
    let mut stranger = world.browser();
    let page = stranger.get("/guides/integrate-an-application").await;
    assert_eq!(page.status, 403);
    assert!(
        page.body.contains("<h1>Log in to read this guide</h1>"),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains("href=\"/login?next=%2Fguides%2Fintegrate-an-application\">Log in")
    );
    assert!(!page.body.contains("Discovery"), "{}", page.body);
    assert_eq!(
        stranger.get("/guides/how-officers-sign-in").await.status,
        200
    );

    let mut mei = world.signed_in("sid-1").await;
    let page = mei.get("/guides/integrate-an-application").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Discovery"));
    assert!(
        page.body.contains(&world.provider.issuer),
        "the guide names the real issuer"
    );
}

#[tokio::test]
async fn searches_find_what_may_be_read_and_show_text() {
    let world = World::new().await;
    let hidden = "backchannel_logout_uri";
    let page = world.browser().get(&format!("/search?q={hidden}")).await;
    assert!(page.body.contains("No guide holds"), "{}", page.body);
    let mut mei = world.signed_in("sid-1").await;
    let page = mei.get(&format!("/search?q={hidden}")).await;
    assert!(
        page.body.contains("/guides/integrate-an-application"),
        "{}",
        page.body
    );
    let page = world
        .browser()
        .get("/search?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
        .await;
    assert!(!page.body.contains("<script"), "{}", page.body);
    let page = world
        .browser()
        .get(&format!("/search?q={}", "x".repeat(5000)))
        .await;
    assert_eq!(page.status, 200);
    assert!(page.body.len() < 10_000);
}

#[tokio::test]
async fn names_of_guides_are_not_paths() {
    let world = World::with(|config| {
        config.guides_dir = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/guides").into());
    })
    .await;
    for name in [
        "..%2FCargo.toml",
        "..%2F..%2FCargo",
        "%2Fetc%2Fpasswd",
        "run-it.md",
        "%00",
        "%ff",
    ] {
        let page = world.browser().get(&format!("/guides/{name}")).await;
        assert!(matches!(page.status, 400 | 404), "{name}: {}", page.status);
        assert!(!page.body.contains("[package]"), "{name}");
    }
}

#[tokio::test]
async fn guides_come_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let guide = "---\ntitle: Our <own> guide\naccess: public\nsummary: S\n---\n\
                 <script>alert(1)</script>\n\n[x](javascript:alert(1)) Log in with {brand}.";
    fs::write(folder.path().join("own.md"), guide).unwrap();
    fs::write(folder.path().join("notes.txt"), "no guide").unwrap();
    let world = World::with(|config| {
        config.guides_dir = Some(folder.path().into());
        config.brand = "Pass".to_owned();
        config.portal_name = "Handbook".to_owned();
    })
    .await;
    let list = world.browser().get("/guides").await;
    assert!(
        list.body.contains("Our &#60;own&#62; guide"),
        "{}",
        list.body
    );
    let page = world.browser().get("/guides/own").await;
    assert!(page.body.contains("Log in with Pass."), "{}", page.body);
    assert!(!page.body.contains("<script") && !page.body.contains("javascript:\""));
    assert_eq!(world.browser().get("/guides/run-it").await.status, 404);
    let login = world.browser().get("/login").await;
    assert!(
        login.body.contains("Log in to the Handbook") && login.body.contains("Log in with Pass")
    );
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let world = World::new().await;
    for host in [
        "evil.example",
        "localhost",
        "localhost:8081",
        "localhost:80800",
        "",
        "<b>",
    ] {
        let mut browser = world.browser();
        browser.host = host.to_owned();
        let page = browser.get("/").await;
        assert_eq!(page.status, 421, "{host}");
        assert!(page.body.contains("http://localhost:8080"), "{host}");
        assert!(!page.body.contains("<b>"), "{host}");
        let callback = browser.get("/auth/start").await;
        assert_eq!(callback.status, 421, "{host}");
    }
    let mut browser = world.browser();
    browser.host = "LOCALHOST:8080".to_owned();
    assert_eq!(browser.get("/").await.status, 200);
}

#[tokio::test]
async fn long_addresses_and_wrong_methods_are_refused() {
    let world = World::new().await;
    let long = format!("/search?q={}", "x".repeat(9000));
    assert_eq!(world.browser().get(&long).await.status, 414);
    assert_eq!(world.browser().post("/about", "").await.status, 405);
    let head = Request::head("/").body(Body::empty()).unwrap();
    let answer = world.browser().send(head).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let missing = world.browser().get(&format!("/{}", encode("<i>"))).await;
    assert_eq!(missing.status, 404);
    assert!(!missing.body.contains("<i>"));
}

#[tokio::test]
async fn over_https_cookies_are_bound_to_the_host() {
    let world = World::with(|config| {
        config.public_url = "https://docs.example".parse().unwrap();
    })
    .await;
    let mut browser = world.browser();
    browser.host = "docs.example".to_owned();
    let start = browser.get("/auth/start").await;
    let cookie = start.set_cookie("__Host-docs_login").unwrap();
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert_eq!(
        start.header("strict-transport-security"),
        "max-age=31536000"
    );
    browser.host = "docs.example:443".to_owned();
    assert_eq!(browser.get("/").await.status, 200);
    browser
        .cookies
        .insert("__Host-docs_session".to_owned(), "x".to_owned());
    assert!(browser.get("/").await.body.contains("You were logged out."));
}

#[tokio::test]
async fn the_ribbon_is_for_demonstrations() {
    let ribbon = "Demonstration service – not a government website";
    let demo = World::with(|config| config.demo = true).await;
    assert!(demo.browser().get("/").await.body.contains(ribbon));
    assert!(
        !World::new()
            .await
            .browser()
            .get("/")
            .await
            .body
            .contains(ribbon)
    );
}

#[tokio::test]
async fn mistakes_in_the_configuration_stop_the_start() {
    let config = |public: &str, issuer: &str| {
        Config::new(public.parse().unwrap(), issuer.parse().unwrap(), "docs")
    };
    let error = |config: Config| router(config).unwrap_err().to_string();
    let good = ("https://docs.example", "https://id.example/realm");
    assert!(router(config(good.0, good.1)).is_ok());
    assert!(error(config("https://docs.example/portal", good.1)).contains("path"));
    assert!(error(config("http://docs.example", good.1)).contains("https"));
    assert!(error(config(good.0, "http://id.example")).contains("https"));
    assert!(error(config(good.0, "https://user:x@id.example")).contains("password"));
    assert!(error(config(good.0, "https://id.example/?a=b")).contains("query"));
    assert!(error(config(good.0, "data:x")).contains("host"));
    let mut demo = config("http://demo.example:8080", "http://demo.example:8081");
    demo.demo = true;
    assert!(router(demo).is_ok());
    let mut bad = config(good.0, good.1);
    bad.client_id = String::new();
    assert!(error(bad).contains("client_id"));
    let mut bad = config(good.0, good.1);
    bad.extra_ca_pem = Some(b"nonsense".to_vec());
    assert!(error(bad).contains("PEM"));
    let mut bad = config(good.0, good.1);
    bad.guides_dir = Some("/nonexistent/guides".into());
    assert!(error(bad).contains("/nonexistent/guides"));
}

#[tokio::test]
async fn cookies_of_others_are_no_session() {
    let world = World::new().await;
    let mut browser: Browser = world.browser();
    browser.cookies.insert("session".to_owned(), "x".to_owned());
    let page = browser.get("/").await;
    assert!(!page.body.contains("You were logged out."), "{}", page.body);
    assert!(page.set_cookie("docs_session").is_none());
}
