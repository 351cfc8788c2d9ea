//! The control page of the demonstration, as programs and other sites call it.

use crate::support::demo::{Demo, plain};
use reqwest::header::{CONTENT_TYPE, HOST};

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_moved_by_programs_and_not_by_other_sites() {
    let demo = Demo::start();
    let url = format!("{}/clock", demo.control());
    let own = demo.control();
    for (headers, body, status) in [
        // As curl -d and other programs send it when they are told no type.
        (
            vec![("content-type", "application/x-www-form-urlencoded")],
            r#"{"advance_s": 1}"#,
            200,
        ),
        (vec![], r#"{"advance_s": 1.0}"#, 200),
        (
            vec![("content-type", "text/plain")],
            r#"{"advance_s": 1}"#,
            200,
        ),
        (
            vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
            r#"{"advance_s": 1}"#,
            200,
        ),
        (vec![("sec-fetch-site", "none")], r#"{"advance_s": 1}"#, 200),
        (vec![], r#"{"advance_s": 1.5}"#, 400),
        (vec![], r#"{"advance_s": 99999999999}"#, 400),
        (vec![], "advance_s=1", 400),
        (
            vec![("origin", "https://evil.example")],
            r#"{"advance_s": 1}"#,
            403,
        ),
        (
            vec![("sec-fetch-site", "cross-site")],
            r#"{"advance_s": 1}"#,
            403,
        ),
        (
            vec![("sec-fetch-site", "same-site")],
            r#"{"advance_s": 1}"#,
            403,
        ),
    ] {
        let mut request = plain().post(&url).body(body);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{headers:?} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_moved_is_as_far_ahead_after_another_start() {
    let mut demo = Demo::start();
    let before = demo.now().await;
    demo.advance(90_000).await;
    demo.advance(-3_600).await;
    demo.cut_and_start_again();
    let after = demo.now().await;
    assert!(
        (86_400..90_000).contains(&(after - before)),
        "{before} {after}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_it_keeps_browsers_safe() {
    let demo = Demo::start();
    for (path, host, status) in [
        ("/", None, 200),
        ("/none", None, 404),
        ("/", Some("evil.example"), 421),
    ] {
        let mut request = plain().get(format!("{}{path}", demo.control()));
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path} {host:?}");
        for name in [
            "content-security-policy",
            "x-content-type-options",
            "x-frame-options",
            "permissions-policy",
            "cache-control",
        ] {
            assert!(
                answer.headers().contains_key(name),
                "{path} {host:?}: no {name}"
            );
        }
        assert!(answer.headers().contains_key(CONTENT_TYPE) || status == 404);
    }
}
