//! Codes and refresh tokens, once.

use crate::support::application::{Application, REDIRECT_URI, VERIFIER, text};
use crate::support::browser::{Browser, client};
use crate::support::demo::Demo;
use reqwest::header::{COOKIE, LOCATION};
use serde_json::Value;

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}

const DEAD: (u16, &str) = (400, "invalid_grant");

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_redemptions_one_succeeds_and_then_its_tokens_are_dead() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let code = app.code(&mut Browser::default()).await;
    let tries = (0..100).map(|_| {
        let (app, code) = (app.clone(), code.clone());
        tokio::spawn(async move { app.redeem(&code).await })
    });
    let mut won = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        let answer = tried.await.expect("an answer");
        if answer.0 == 200 {
            won.push(answer.1);
        } else {
            assert_eq!(error(&answer), DEAD);
        }
    }
    assert_eq!(won.len(), 1, "a code redeems once");
    // Ninety-nine replays: somebody else has the code, so nobody keeps its tokens.
    assert_eq!(app.userinfo(text(&won[0], "access_token")).await, 401);
    assert_eq!(
        error(&app.refresh(text(&won[0], "refresh_token")).await),
        DEAD
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_a_code_neither_gets_nor_spoils_anything() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let other = Application::add(&demo, "other-app");
    let code = app.code(&mut Browser::default()).await;
    assert_eq!(error(&other.redeem(&code).await), DEAD);
    let with = |code_verifier: &'static str, redirect_uri: &'static str| {
        let (app, code) = (app.clone(), code.clone());
        async move {
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", redirect_uri),
            ];
            form.extend((!code_verifier.is_empty()).then_some(("code_verifier", code_verifier)));
            app.token(&form).await
        }
    };
    assert_eq!(error(&with("", REDIRECT_URI).await), DEAD);
    assert_eq!(
        with(
            "another-verifier-of-the-tests-0123456789-0123456789",
            REDIRECT_URI
        )
        .await
        .0,
        400
    );
    assert_eq!(error(&with(VERIFIER, "http://localhost:9/cb/").await), DEAD);
    assert_eq!(
        error(&with(&Application::challenge().leak()[..], REDIRECT_URI).await),
        DEAD
    );
    let (status, tokens) = app.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    // Somebody who fails as a client cannot end the grant with the used code either.
    assert_eq!(error(&other.redeem(&code).await), DEAD);
    assert_eq!(
        error(&other.refresh(text(&tokens, "refresh_token")).await),
        DEAD
    );
    assert_eq!(app.userinfo(text(&tokens, "access_token")).await, 200);
    assert_eq!(app.refresh(text(&tokens, "refresh_token")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lives_for_a_minute() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let code = app.code(&mut Browser::default()).await;
    demo.advance(61).await;
    assert_eq!(error(&app.redeem(&code).await), DEAD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_refresh_token_ends_its_family() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let code = app.code(&mut Browser::default()).await;
    let (_, tokens) = app.redeem(&code).await;
    let first = text(&tokens, "refresh_token").to_owned();
    let (status, tokens) = app.refresh(&first).await;
    assert_eq!(status, 200, "{tokens}");
    let second = text(&tokens, "refresh_token").to_owned();
    let access = text(&tokens, "access_token").to_owned();
    assert_ne!(first, second);
    assert_eq!(app.userinfo(&access).await, 200);
    let (status, tokens) = app.refresh(&second).await;
    assert_eq!(status, 200);
    let third = text(&tokens, "refresh_token").to_owned();
    // The first one again, although its successor was used: two parties hold the family.
    assert_eq!(error(&app.refresh(&first).await), DEAD);
    assert_eq!(error(&app.refresh(&third).await), DEAD);
    assert_eq!(app.userinfo(&access).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_forgiven_for_a_moment() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let code = app.code(&mut Browser::default()).await;
    let (_, tokens) = app.redeem(&code).await;
    let first = text(&tokens, "refresh_token").to_owned();
    let (_, lost) = app.refresh(&first).await;
    let (status, replacement) = app.refresh(&first).await;
    assert_eq!(
        status, 200,
        "the answer was lost, the application asks again: {replacement}"
    );
    assert_ne!(
        text(&lost, "refresh_token"),
        text(&replacement, "refresh_token")
    );
    demo.advance(31).await;
    assert_eq!(
        error(&app.refresh(&first).await),
        DEAD,
        "half a minute later it is a replay"
    );
    assert_eq!(
        error(&app.refresh(text(&replacement, "refresh_token")).await),
        DEAD
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_refreshes_at_once_one_line_survives() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    let code = app.code(&mut Browser::default()).await;
    let (_, tokens) = app.redeem(&code).await;
    let token = text(&tokens, "refresh_token").to_owned();
    let tries = (0..20).map(|_| {
        let (app, token) = (app.clone(), token.clone());
        tokio::spawn(async move { app.refresh(&token).await })
    });
    let mut answers = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        answers.push(tried.await.expect("an answer"));
    }
    let won: Vec<_> = answers.iter().filter(|answer| answer.0 == 200).collect();
    assert!(!won.is_empty(), "nobody got tokens: {answers:?}");
    let mut alive = 0;
    for answer in won {
        alive += usize::from(app.refresh(text(&answer.1, "refresh_token")).await.0 == 200);
    }
    assert!(alive <= 1, "{alive} lines of one family are alive");
}

/// Applications ask while the person logs out. Whatever they are given in that moment is worth nothing afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_wins_over_applications_that_ask_meanwhile() {
    let demo = Demo::start();
    let app = Application::add(&demo, "probe-app");
    for round in 0..6 {
        let mut browser = Browser::default();
        app.code(&mut browser).await;
        let pairs = browser.cookies.iter().map(|(n, v)| format!("{n}={v}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        let asks = || {
            let silent = app.request(&[("prompt", Some("none"))]);
            tokio::spawn(client().get(silent).header(COOKIE, &cookies).send())
        };
        let asking: Vec<_> = (0..6).map(|_| asks()).collect();
        let leaving = client()
            .post(format!("{}/logout/confirm", demo.techpass()))
            .header(COOKIE, &cookies)
            .form(&[("account", "all"), ("do", "logout")]);
        let left = leaving.send().await.expect("an answer");
        assert_eq!(left.status(), 200, "round {round}");
        for asked in asking {
            let answer = asked.await.expect("no panic").expect("an answer");
            let to = answer.headers().get(LOCATION).expect("a redirect");
            let to = url::Url::parse(to.to_str().expect("text")).expect("a URL");
            let code = to.query_pairs().find(|(name, _)| name == "code");
            if let Some((_, code)) = code {
                assert_eq!(app.redeem(&code).await.0, 400, "round {round}");
            }
        }
        let page = browser
            .open(&app.request(&[("prompt", Some("none"))]))
            .await;
        let error = page.parameter("error");
        assert_eq!(error.as_deref(), Some("login_required"), "round {round}");
    }
}
