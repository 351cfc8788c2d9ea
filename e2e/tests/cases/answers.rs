//! Answers of phones that are late, repeated, forged, or meant for something else.

use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::page::Page;
use crate::support::people::{ARJUN, MEI, OPERATOR, SITI};
use crate::support::phone::{Forger, jws};
use crate::support::program;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

async fn at_the_number(demo: &Demo, login_id: &str) -> (Browser, Page) {
    let mut browser = Browser::default();
    let page = browser.leave_portal_as(demo, login_id).await;
    let page = browser.password(&page).await;
    page.expect_heading("Approve sign in request");
    (browser, page)
}

async fn only_request(demo: &Demo, phone: &Forger) -> Value {
    let mut list = phone.list(demo.now().await).await;
    assert_eq!(list.len(), 1, "{list:?}");
    list.remove(0)
}

fn id(request: &Value) -> &str {
    request["id"].as_str().expect("an id")
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}

fn other_number(number: &str) -> &'static str {
    if number == "10" { "11" } else { "10" }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_answered_once() {
    let demo = Demo::start();
    let (mut browser, page) = at_the_number(&demo, SITI).await;
    let phone = demo.phone(SITI).forger(&demo.techpass());
    let request = only_request(&demo, &phone).await;
    let payload = phone.payload(&request, &page.number());
    let message = phone.sign("techpass-answer+jwt", &payload);
    // The same bytes get the first result, other bytes are too late.
    let mut decline = payload.clone();
    decline["decision"] = json!("decline");
    decline.as_object_mut().expect("an object").remove("number");
    assert_eq!(
        phone.send(id(&request), &message).await,
        (200, json!({ "result": "approved" }))
    );
    assert_eq!(
        phone.send(id(&request), &message).await,
        (200, json!({ "result": "approved" }))
    );
    let late = phone.answer(id(&request), &decline).await;
    assert_eq!(error(&late), (409, "already_answered"));
    decline["decision"] = json!("report");
    assert_eq!(
        error(&phone.answer(id(&request), &decline).await),
        (409, "already_answered")
    );
    let page = browser.press(&page, "I have approved it", &[]).await;
    assert!(page.test_id("account-menu").is_some(), "{page:?}");
    assert_eq!(
        phone.send(id(&request), &message).await.0,
        200,
        "the first result stays the first result"
    );
    assert!(demo.phone(SITI).requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told_once_and_never_for_the_same_bytes_again() {
    let demo = Demo::start();
    let (_, page) = at_the_number(&demo, SITI).await;
    let phone = demo.phone(SITI).forger(&demo.techpass());
    let request = only_request(&demo, &phone).await;
    let mut payload = phone.payload(&request, &page.number());
    let now = demo.now().await;
    for iat in [now - 330, now + 330, 0, i64::MIN, i64::MAX] {
        payload["iat"] = json!(iat);
        let refused = phone.answer(id(&request), &payload).await;
        assert_eq!(error(&refused), (401, "clock_skew"), "{iat} at {now}");
        assert!(
            refused.1["now"].as_i64().is_some_and(|now| now > 0),
            "{refused:?}"
        );
    }
    // A little off is nothing, and what was taken stays taken however late it is sent again.
    payload["iat"] = json!(now - 270);
    let message = phone.sign("techpass-answer+jwt", &payload);
    let approved = (200, json!({ "result": "approved" }));
    assert_eq!(phone.send(id(&request), &message).await, approved);
    demo.advance(3_600).await;
    assert_eq!(phone.send(id(&request), &message).await, approved);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_not_sign_in_gets_no_phone_and_its_phones_show_nothing() {
    let demo = Demo::start();
    let config = demo.config("techpass");
    let change = |verb: &str| {
        program::ok(&[
            "users", verb, "--config", &config, SITI, "--reason", "a test",
        ]);
    };
    let enrols = |file: &str, link: &str| {
        let file = demo.scratch().join(file).display().to_string();
        program::run(&[
            "authenticator",
            "--phone",
            &file,
            "enrol",
            link,
            "--name",
            "Other",
        ])
    };
    let (mut browser, page) = at_the_number(&demo, SITI).await;
    let link = demo.enrolment_link(SITI, "techpass").await;
    assert_eq!(demo.phone(SITI).requests().len(), 1);
    change("disable");
    assert!(
        demo.phone(SITI).requests().is_empty(),
        "a disabled account is asked"
    );
    let refused = enrols("first.phone", &link);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    // One that is made meanwhile is as useless, and the one from before stays so.
    let meanwhile = demo.enrolment_link(SITI, "techpass").await;
    let refused = enrols("first.phone", &meanwhile);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    change("release");
    let refused = enrols("first.phone", &link);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    // The phone that was enrolled works again.
    let page = match demo.phone(SITI).requests().len() {
        0 => browser.press(&page, "Get a new number", &[]).await,
        _ => page,
    };
    let done = browser.approve(&demo, &page, SITI).await;
    assert!(done.test_id("account-menu").is_some(), "{done:?}");
    let link = demo.enrolment_link(SITI, "techpass").await;
    let enrolled = enrols("second.phone", &link);
    assert!(enrolled.status.success(), "{enrolled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_approves_nothing() {
    let demo = Demo::start();
    let (mut browser, page) = at_the_number(&demo, SITI).await;
    let phone = demo.phone(SITI).forger(&demo.techpass());
    let request = only_request(&demo, &phone).await;
    demo.advance(121).await;
    let answer = phone
        .answer(id(&request), &phone.payload(&request, &page.number()))
        .await;
    assert_eq!(error(&answer), (410, "expired"));
    assert!(
        demo.phone(SITI).requests().is_empty(),
        "the phone still shows an old request"
    );
    let over = browser.press(&page, "I have approved it", &[]).await;
    assert!(
        over.test_id("match-number").is_none(),
        "an old number is still shown"
    );
    let fresh = browser.press(&over, "Get a new number", &[]).await;
    let page = browser.approve(&demo, &fresh, SITI).await;
    assert!(page.test_id("account-menu").is_some(), "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_foreign_answers_change_nothing() {
    let demo = Demo::start();
    let (mut browser, page) = at_the_number(&demo, SITI).await;
    let phone = demo.phone(SITI).forger(&demo.techpass());
    let request = only_request(&demo, &phone).await;
    let right = phone.payload(&request, &page.number());
    // Somebody else's phone, as itself and in the name of this one.
    let other = demo.phone(OPERATOR).forger(&demo.techpass());
    let mut theirs = right.clone();
    theirs["sub"] = json!(other.id);
    assert_eq!(
        error(&other.answer(id(&request), &theirs).await),
        (403, "wrong_account")
    );
    assert_eq!(
        error(&other.answer(id(&request), &right).await),
        (403, "bad_signature")
    );
    // A phone of the other server is nobody here.
    let at_wog = demo.phone(MEI).forger(&demo.wog());
    theirs["sub"] = json!(at_wog.id);
    let message = at_wog.sign("techpass-answer+jwt", &theirs);
    assert_eq!(
        error(&phone.send(id(&request), &message).await),
        (401, "invalid_phone")
    );
    assert_eq!(
        error(&at_wog.send(id(&request), &message).await),
        (403, "bad_signature")
    );
    for message in forgeries(&phone, &right) {
        let answer = phone.send(id(&request), &message).await;
        assert!(
            matches!(answer.0, 400 | 401 | 403 | 413),
            "{message} answered {answer:?}"
        );
    }
    altered_answers_are_refused(&phone, &request, &right).await;
    let mut elsewhere = right.clone();
    elsewhere["aud"] = json!(demo.wog());
    assert_eq!(
        error(&phone.answer(id(&request), &elsewhere).await),
        (403, "bad_signature")
    );
    assert_eq!(
        error(&phone.answer("chl_unknown", &right).await),
        (404, "unknown_request")
    );
    let waiting = browser.press(&page, "I have approved it", &[]).await;
    assert_eq!(
        (waiting.status, waiting.number()),
        (422, page.number()),
        "a forgery ended the request"
    );
    let done = browser.approve(&demo, &waiting, SITI).await;
    assert!(done.test_id("account-menu").is_some(), "{done:?}");
}

/// Signed by the right phone, but not what was shown.
async fn altered_answers_are_refused(phone: &Forger, request: &Value, right: &Value) {
    for (name, value) in [
        ("v", json!(2)),
        ("request", json!("chl_other")),
        ("nonce", json!("other")),
        ("account", json!(OPERATOR)),
        ("app", json!("Another application")),
        ("location", json!("10.0.0.1")),
        ("device", json!("Another computer")),
        ("created_at", json!(1)),
        ("expires_at", json!(9_999_999_999_i64)),
    ] {
        let mut changed = right.clone();
        changed[name] = value;
        let answer = phone.answer(id(request), &changed).await;
        assert_eq!(error(&answer), (403, "context_mismatch"), "{name} changed");
    }
}

/// Messages that no key of this phone has signed as an answer.
fn forgeries(phone: &Forger, right: &Value) -> Vec<String> {
    let stranger = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let header = json!({ "alg": "ES256", "typ": "techpass-answer+jwt" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let good = phone.sign("techpass-answer+jwt", right);
    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let unsigned = |alg: &str| part(&json!({ "alg": alg, "typ": "techpass-answer+jwt" }));
    let payload = part(right);
    vec![
        jws(&stranger, &header, right),
        jws(
            &stranger,
            &json!({ "alg": "ES256", "typ": "techpass-answer+jwt", "jwk": { "kty": "EC" } }),
            right,
        ),
        phone.sign("techpass-phone+jwt", right),
        phone.sign("techpass-enrol+jwt", right),
        phone.sign("JWT", right),
        format!("{}.{payload}.", unsigned("none")),
        format!("{}.{payload}.{signature}", unsigned("none")),
        format!("{}.{payload}.{signature}", unsigned("HS256")),
        format!("{}.{payload}.{signature}", unsigned("ES384")),
        format!("{message}."),
        message.to_owned(),
        format!("{good}."),
        format!("{good}A"),
        String::new(),
        "..".to_owned(),
        "x".repeat(20_000),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_for_one_request_is_none_for_another() {
    let demo = Demo::start();
    let phone = demo.phone(SITI).forger(&demo.techpass());
    let (mut first, first_page) = at_the_number(&demo, SITI).await;
    let older = &only_request(&demo, &phone).await;
    let (mut second, second_page) = at_the_number(&demo, SITI).await;
    assert_ne!(
        first_page.number(),
        second_page.number(),
        "two people could not be told apart"
    );
    let list = phone.list(demo.now().await).await;
    assert_eq!(list.len(), 2);
    let newer = list
        .iter()
        .find(|request| request["id"] != older["id"])
        .expect("a newer one");
    let right = phone.payload(older, &first_page.number());
    assert_eq!(
        error(&phone.answer(id(newer), &right).await),
        (403, "context_mismatch")
    );
    let mut retargeted = right.clone();
    retargeted["request"] = newer["id"].clone();
    assert_eq!(
        error(&phone.answer(id(newer), &retargeted).await),
        (403, "context_mismatch")
    );
    // The number of the other one is a wrong number here, and ends this request only.
    let crossed = phone.payload(newer, &first_page.number());
    assert_eq!(
        error(&phone.answer(id(newer), &crossed).await),
        (409, "wrong_number")
    );
    let over = second.press(&second_page, "I have approved it", &[]).await;
    assert!(over.test_id("match-number").is_none(), "{over:?}");
    assert_eq!(phone.answer(id(older), &right).await.0, 200);
    let done = first.press(&first_page, "I have approved it", &[]).await;
    assert!(done.test_id("account-menu").is_some(), "{done:?}");
    assert!(
        second
            .press(&over, "Get a new number", &[])
            .await
            .test_id("match-number")
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_ends_the_request_and_a_new_one_works() {
    let demo = Demo::start();
    let (mut browser, page) = at_the_number(&demo, SITI).await;
    let said = demo
        .phone(SITI)
        .approve_in_vain(other_number(&page.number()));
    assert!(said.contains("not the number"), "{said}");
    demo.phone(SITI).approve_in_vain(&page.number());
    let over = browser.press(&page, "I have approved it", &[]).await;
    assert!(over.test_id("match-number").is_none(), "{over:?}");
    assert_eq!(over.problem(), "AUT-405");
    let fresh = browser.press(&over, "Get a new number", &[]).await;
    assert_ne!(fresh.number(), page.number());
    let done = browser.approve(&demo, &fresh, SITI).await;
    assert!(done.test_id("account-menu").is_some(), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_browsers_with_one_verification_code_one_wins() {
    let demo = Demo::start();
    let mut pages = Vec::new();
    for _ in 0..4 {
        let mut browser = Browser::computer(&demo, "gmd", ARJUN).await;
        let page = browser.leave_portal_as(&demo, ARJUN).await;
        assert!(page.offers("Sign in"), "{page:?}");
        pages.push((browser, page));
    }
    let code = demo.phone(ARJUN).code("SG Govt M365");
    let tries = pages.into_iter().map(|(mut browser, page)| {
        let code = code.clone();
        tokio::spawn(async move { browser.press(&page, "Sign in", &[("code", &code)]).await })
    });
    let mut won = 0;
    for tried in tries.collect::<Vec<_>>() {
        let page = tried.await.expect("an answer");
        if page.test_id("match-number").is_some() {
            won += 1;
        } else {
            assert_eq!(page.status, 422, "{page:?}");
            assert!(page.body.contains("already been used"), "{page:?}");
        }
    }
    assert_eq!(won, 1, "one code, one sign-in");
    assert_eq!(demo.phone(ARJUN).requests().len(), 1);
}
