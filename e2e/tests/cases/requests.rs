//! Authorization requests that must come to nothing.

use crate::support::application::{Application, REDIRECT_URI};
use crate::support::browser::Browser;
use crate::support::demo::{Demo, plain};
use crate::support::page::{Page, Sending};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

async fn ask(url: &str) -> Page {
    let url = Url::parse(url).expect("an address");
    Browser::default()
        .send(&Sending { url, fields: None })
        .await
}

/// A page, and no way to anywhere.
fn refused(page: &Page, code: &str) {
    page.expect_problem(400, code);
    assert_eq!(page.location(), None, "an untrusted address was followed");
}

/// The error that went to the application.
fn error(page: &Page) -> String {
    assert_eq!(page.status, 303, "{page:?}");
    let location = page.location().expect("a redirect");
    assert!(location.starts_with(REDIRECT_URI), "{location}");
    let url = Url::parse(location).expect("an address");
    let get = |name: &str| {
        url.query_pairs()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.into_owned())
    };
    assert!(get("iss").is_some(), "RFC 9207: no iss in {location}");
    assert_eq!(get("code"), None);
    get("error").unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_to_an_address_that_is_not_registered() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    refused(
        &ask(&app.request(&[("client_id", Some("nobody"))])).await,
        "REQ-101",
    );
    assert_ne!(ask(&app.request(&[("client_id", None)])).await.status, 303);
    for near in [
        "http://localhost:9/cb/",
        "http://localhost:9/CB",
        "http://localhost:9/cb?x=1",
        "http://localhost:9/cb?",
        "http://localhost:9/cb#",
        "http://localhost:9/cb#f",
        "http://localhost:9/cb/../cb",
        "http://localhost:9/%63b",
        "http://localhost:9/cb%00",
        "http://localhost:9/cb ",
        " http://localhost:9/cb",
        "http://localhost:9/cb\t",
        "http://localhost:9/cb\r\nLocation: https://evil.example/",
        "http://LOCALHOST:9/cb",
        "HTTP://localhost:9/cb",
        "https://localhost:9/cb",
        "http://localhost:10/cb",
        "http://localhost/cb",
        "http://127.0.0.1:9/cb",
        "http://localhost.:9/cb",
        "http://user@localhost:9/cb",
        "http://localhost:9@evil.example/cb",
        "http://localhost:9.evil.example/cb",
        "http://evil.example/http://localhost:9/cb",
        "//localhost:9/cb",
        "http:\\\\localhost:9\\cb",
        "/cb",
        "javascript:alert(1)//http://localhost:9/cb",
        "data:text/html,x",
        "*",
        "",
    ] {
        refused(
            &ask(&app.request(&[("redirect_uri", Some(near))])).await,
            "REQ-102",
        );
    }
    refused(
        &ask(&app.request(&[("redirect_uri", None)])).await,
        "REQ-102",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_tell_the_application_and_begin_nothing() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    for (changes, expected) in [
        (
            vec![("code_challenge", None), ("code_challenge_method", None)],
            "invalid_request",
        ),
        (vec![("code_challenge", None)], "invalid_request"),
        (
            vec![("code_challenge_method", Some("plain"))],
            "invalid_request",
        ),
        (vec![("code_challenge_method", None)], "invalid_request"),
        (vec![("code_challenge", Some("short"))], "invalid_request"),
        (
            vec![("response_type", Some("token"))],
            "unsupported_response_type",
        ),
        (
            vec![("response_type", Some("code id_token"))],
            "unsupported_response_type",
        ),
        (vec![("response_type", None)], "invalid_request"),
        (vec![("prompt", Some("none login"))], "invalid_request"),
        (vec![("prompt", Some("none"))], "login_required"),
        (vec![("max_age", Some("-1"))], "invalid_request"),
        (
            vec![("request", Some("eyJhbGciOiJub25lIn0.e30"))],
            "invalid_request_object",
        ),
        (
            vec![("request_uri", Some("https://evil.example/r"))],
            "invalid_request_uri",
        ),
    ] {
        let page = ask(&app.request(&changes)).await;
        assert_eq!(error(&page), expected, "{changes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_parameters_are_refused() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    for (name, again) in [
        ("client_id", "docs-portal"),
        ("redirect_uri", "http://evil.example/cb"),
    ] {
        for first in [true, false] {
            let mut pairs = app.parameters();
            let place = if first { 0 } else { pairs.len() };
            pairs.insert(place, (name.to_owned(), again.to_owned()));
            let page = ask(&app.address(&pairs)).await;
            assert_eq!((page.status, page.location()), (400, None), "{name} twice");
        }
    }
    // An answer without a `state` that can be trusted would be useless to the application.
    let twice = ask(&format!("{}&state=other", app.request(&[]))).await;
    assert_eq!((twice.status, twice.location()), (400, None), "state twice");
    for name in [
        "response_type",
        "scope",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
    ] {
        let mut pairs = app.parameters();
        pairs.push((name.to_owned(), "login".to_owned()));
        pairs.push((name.to_owned(), "login".to_owned()));
        assert_eq!(
            error(&ask(&app.address(&pairs)).await),
            "invalid_request",
            "{name} twice"
        );
    }
}

/// Sends a GET that no client would send; gives version and status, or nothing when the server hung up.
async fn raw(demo: &Demo, url: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", demo.base() + 1))
        .await
        .expect("a connection");
    let target = url
        .strip_prefix(&demo.techpass())
        .expect("an address of TechPass");
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
        demo.base() + 1
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let mut start = [0_u8; 12];
    match stream.read_exact(&mut start).await {
        Ok(_) => String::from_utf8_lossy(&start).into_owned(),
        Err(_) => String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_and_misdirected_requests_are_refused() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let (large, huge) = ("x".repeat(60_000), "x".repeat(1_000_000));
    for name in ["state", "login_hint", "scope", "unknown"] {
        let page = ask(&app.request(&[(name, Some(&large))])).await;
        assert_eq!(page.status, 414, "a large {name} by GET");
        let line = raw(&demo, &app.request(&[(name, Some(&huge))])).await;
        let known = ["", "HTTP/1.1 414", "HTTP/1.1 431"];
        assert!(
            known.contains(&line.as_str()),
            "a huge {name} by GET answered {line}"
        );
        let mut pairs = app.parameters();
        pairs.push((name.to_owned(), huge.clone()));
        let sent = plain()
            .post(format!("{}/authorize", demo.techpass()))
            .form(&pairs)
            .send()
            .await;
        let status = sent.map_or(413, |answer| answer.status().as_u16());
        assert!(
            matches!(status, 400 | 413),
            "a huge {name} by POST answered {status}"
        );
    }
    let token = plain()
        .post(format!("{}/token", demo.techpass()))
        .form(&[("code", &huge)])
        .send()
        .await;
    let status = token.map_or(413, |answer| answer.status().as_u16());
    assert!(matches!(status, 400 | 413), "a huge code answered {status}");
    let wrong = [
        (Method::PUT, "/authorize"),
        (Method::DELETE, "/authorize"),
        (Method::PATCH, "/logout"),
        (Method::GET, "/token"),
        (Method::POST, "/jwks.json"),
        (Method::DELETE, "/userinfo"),
        (Method::GET, "/logout/confirm"),
        (Method::POST, "/help"),
        (Method::PUT, "/s/x"),
        (Method::DELETE, "/authenticator/v1/requests"),
    ];
    for (method, path) in wrong {
        let shown = format!("{method} {path}");
        let page = Browser::default()
            .method(method, &format!("{}{path}", demo.techpass()))
            .await;
        assert_eq!(page.status, 405, "{shown}");
    }
    for path in [
        "/nowhere",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/nothing.css",
        "/assets/authenticator%2findex.html",
        "/assets/authenticator%2Fsw.js",
        "/e/NOT-1",
        "/%ff",
    ] {
        let page = ask(&format!("{}{path}", demo.techpass())).await;
        assert!(
            matches!(page.status, 400 | 404),
            "{path} answered {}",
            page.status
        );
    }
}
