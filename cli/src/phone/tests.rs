//! The phone against a server that checks everything.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use super::answer::waiting_still;
use super::fake::{Fake, SEED, opened};
use super::*;
use serde_json::Value;
use std::sync::Arc;
use tempfile::TempDir;

pub const MEI: &str = "mei.tan@agency.example";

/// A phone with its folder and a clock moved by hand.
pub struct World {
    pub folder: TempDir,
    pub phone: Phone,
    clock: Arc<AtomicI64>,
}

impl World {
    pub fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(1_790_000_000));
        let phone = opened_phone(folder.path(), &clock);
        World {
            folder,
            phone,
            clock,
        }
    }

    /// The same file, opened by another run of the program.
    fn again(&self) -> Phone {
        opened_phone(self.folder.path(), &self.clock)
    }

    fn stored(&self) -> Vec<Stored> {
        file::read(&self.folder.path().join("mei.phone"))
            .unwrap()
            .profiles
    }
}

fn opened_phone(folder: &Path, clock: &Arc<AtomicI64>) -> Phone {
    let mut phone = Phone::open(folder.join("mei.phone")).unwrap();
    let clock = Arc::clone(clock);
    phone.clock = Box::new(move || clock.load(Ordering::SeqCst));
    phone
}

/// Mei's phone, enrolled at WOG.
async fn enrolled() -> (World, Fake) {
    let wog = Fake::start("SG Govt M365", MEI).await;
    let mut world = World::new();
    world
        .phone
        .enrol(&wog.link("token-1"), "Mei's phone")
        .await
        .unwrap();
    (world, wog)
}

fn refusal(result: Result<impl Sized>) -> String {
    let error = result.err().unwrap();
    error.downcast_ref::<Refusal>().unwrap().error.clone()
}

#[tokio::test]
async fn enrolling_proves_the_key_and_keeps_the_profile() {
    let (world, wog) = enrolled().await;
    let profiles = world.again().accounts();
    assert_eq!(profiles, world.phone.accounts());
    assert_eq!(profiles.len(), 1);
    assert_eq!(profiles[0].account, MEI);
    assert_eq!(profiles[0].label, "SG Govt M365");
    assert_eq!(profiles[0].issuer, wog.known().issuer);
    assert_eq!(wog.known().names, ["Mei's phone"]);
    let key = &wog.known().phones["phn_1"];
    let mut members: Vec<&String> = key.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["crv", "kty", "x", "y"]);
}

#[tokio::test]
async fn a_link_is_good_once() {
    let (mut world, wog) = enrolled().await;
    let used = world.phone.enrol(&wog.link("token-2"), "Phone").await;
    assert!(used.is_ok());
    wog.known().tokens.clear();
    let issuer = wog.known().issuer.clone();
    let link = format!("https://phone.example/enrol#issuer={issuer}&token=token-2");
    let error = world.phone.enrol(&link, "Phone").await.err().unwrap();
    assert!(!format!("{error:#}").contains("token-2"));
    assert_eq!(refusal(Err::<(), _>(error)), "invalid_token");
}

#[tokio::test]
async fn an_account_is_held_once_for_each_server() {
    let (mut world, wog) = enrolled().await;
    let techpass = Fake::start("TechPass", MEI).await;
    world
        .phone
        .enrol(&techpass.link("token-1"), "Phone")
        .await
        .unwrap();
    world
        .phone
        .enrol(&wog.link("token-2"), "Phone")
        .await
        .unwrap();
    let labels: Vec<String> = world
        .phone
        .accounts()
        .into_iter()
        .map(|p| p.label)
        .collect();
    assert_eq!(labels, ["TechPass", "SG Govt M365"]);
    let stored = world.stored();
    assert_eq!(stored[1].authenticator_id, "phn_2");
    assert_ne!(stored[0].key, stored[1].key);
}

#[tokio::test]
async fn a_server_speaks_for_itself_only() {
    let wog = Fake::start("SG Govt M365", MEI).await;
    let mut world = World::new();
    // The proof names the address of the link, so another server cannot pass it on.
    let honest = wog.known().issuer.clone();
    let link = wog.link("token-1");
    wog.known().issuer = "https://other.example".to_owned();
    assert!(world.phone.enrol(&link, "Phone").await.is_err());
    wog.known().issuer = honest.clone();
    world.phone.enrol(&link, "Phone").await.unwrap();
    wog.ask("chl_1", "52");
    wog.known().waiting[0].0["issuer"] = Value::from("https://other.example");
    let error = world.phone.requests(None).await.err().unwrap();
    assert!(error.to_string().contains("another server"), "{error:#}");
    wog.known().waiting[0].0["issuer"] = Value::from(honest);
    assert_eq!(world.phone.requests(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn waiting_requests_never_hold_the_number() {
    let (world, wog) = enrolled().await;
    assert_eq!(world.phone.requests(None).await.unwrap(), []);
    wog.ask("chl_1", "52");
    let requests = world.phone.requests(None).await.unwrap();
    let json = serde_json::to_value(&requests).unwrap();
    let mut members: Vec<&String> = json[0].as_object().unwrap().keys().collect();
    members.sort();
    let promised = [
        "account",
        "app",
        "created_at",
        "device",
        "expires_at",
        "id",
        "issuer",
        "location",
    ];
    assert_eq!(members, promised);
    assert_eq!(requests[0].id, "chl_1");
    assert_eq!(requests[0].device, "Linux · Chrome · non-SE GSIB");
}

#[tokio::test]
async fn waiting_ends_with_the_first_request() {
    let (world, wog) = enrolled().await;
    let request = wog.known().request("chl_1");
    wog.known().later = Some((1, request));
    let requests = world.phone.requests(Some(60)).await.unwrap();
    assert_eq!(requests[0].id, "chl_1");
}

#[tokio::test]
async fn approving_signs_what_was_shown() {
    let (world, wog) = enrolled().await;
    wog.ask("chl_1", "52");
    world
        .phone
        .approve("Mei.Tan@Agency.Example", "52")
        .await
        .unwrap();
    let known = wog.known();
    assert_eq!(known.answers[0]["decision"], "approve");
    assert_eq!(known.answers[0]["number"], "52");
    assert_eq!(known.answers[0]["sub"], "phn_1");
    assert_eq!(known.answers[0]["iat"], 1_790_000_000);
}

#[tokio::test]
async fn declining_and_reporting_are_kept_apart() {
    let (world, wog) = enrolled().await;
    for (decision, word) in [(Decision::Decline, "decline"), (Decision::Report, "report")] {
        wog.ask("chl_1", "52");
        world.phone.answer(MEI, None, decision).await.unwrap();
        assert_eq!(wog.known().answers.last().unwrap()["decision"], word);
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_plain_words() {
    let (world, wog) = enrolled().await;
    wog.ask("chl_1", "52");
    let wrong = world.phone.approve(MEI, "53").await.err().unwrap();
    assert!(
        wrong.to_string().starts_with("that is not the number"),
        "{wrong}"
    );
    assert!(!wrong.to_string().contains("52"));
    assert_eq!(refusal(Err::<(), _>(wrong)), "wrong_number");
    let gone = world.phone.approve(MEI, "52").await.err().unwrap();
    assert_eq!(gone.to_string(), format!("no request is waiting for {MEI}"));
    let malformed = world.phone.approve(MEI, "5").await.err().unwrap();
    assert!(malformed.to_string().contains("two digits"));
    let stranger = world
        .phone
        .approve("wei.lim@agency.example", "52")
        .await
        .err()
        .unwrap();
    assert!(stranger.to_string().contains("holds no profile"));
    wog.known().refusals.push_back((500, Value::Null));
    let broken = world.phone.requests(None).await.err().unwrap();
    assert_eq!(broken.to_string(), "the server refused with status 500");
}

#[tokio::test]
async fn of_two_requests_the_newest_or_the_named_one_is_answered() {
    let (world, wog) = enrolled().await;
    wog.ask("chl_1", "52");
    wog.known().now += 5;
    wog.ask("chl_2", "17");
    let newest_first: Vec<String> = world
        .phone
        .requests(None)
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(newest_first, ["chl_2", "chl_1"]);
    let named = Decision::Approve("52");
    let others = world.phone.answer(MEI, Some("chl_1"), named).await.unwrap();
    assert_eq!(wog.known().answers[0]["request"], "chl_1");
    assert_eq!(others[0].id, "chl_2");
    wog.known().now += 5;
    wog.ask("chl_3", "31");
    let others = world.phone.approve(MEI, "31").await.unwrap();
    assert_eq!(wog.known().answers[1]["request"], "chl_3");
    let said = waiting_still(MEI, &others);
    assert!(said.contains("--request chl_2"), "{said}");
    assert!(!said.contains("chl_3"), "{said}");
    assert!(world.phone.approve(MEI, "17").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_goes_to_the_server_where_the_request_waits() {
    let (mut world, wog) = enrolled().await;
    let techpass = Fake::start("TechPass", MEI).await;
    world
        .phone
        .enrol(&techpass.link("token-1"), "Phone")
        .await
        .unwrap();
    techpass.ask("chl_9", "31");
    world.phone.approve(MEI, "31").await.unwrap();
    assert_eq!(wog.known().answers.len(), 0);
    assert_eq!(techpass.known().answers.len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_once_and_remembered() {
    let (world, wog) = enrolled().await;
    world.clock.fetch_sub(3600, Ordering::SeqCst);
    wog.ask("chl_1", "52");
    assert_eq!(world.phone.requests(None).await.unwrap().len(), 1);
    assert_eq!(world.stored()[0].offset_s, 3600);
    world.again().approve(MEI, "52").await.unwrap();
    assert_eq!(wog.known().answers[0]["iat"], 1_790_000_000);
    let body = serde_json::json!({ "error": "clock_skew", "message": "", "now": 1 });
    wog.known()
        .refusals
        .extend([(401, body.clone()), (401, body)]);
    assert_eq!(refusal(world.phone.requests(None).await), "clock_skew");
}

#[tokio::test]
async fn enrolling_works_with_a_clock_that_is_off() {
    let wog = Fake::start("SG Govt M365", MEI).await;
    let mut world = World::new();
    world.clock.fetch_add(86_400, Ordering::SeqCst);
    world
        .phone
        .enrol(&wog.link("token-1"), "Phone")
        .await
        .unwrap();
    assert_eq!(world.stored()[0].offset_s, -86_400);
}

#[tokio::test]
async fn codes_follow_the_servers_clock() {
    let (world, wog) = enrolled().await;
    wog.known().now = 1_790_000_100;
    assert_eq!(
        world.phone.code(MEI, None).await.unwrap(),
        code::at(SEED, 1_790_000_100).unwrap()
    );
    // The server cannot be reached: the difference last seen still counts.
    let mut stored = world.stored();
    stored[0].issuer = "http://127.0.0.1:9".to_owned();
    file::change(&world.folder.path().join("mei.phone"), |content| {
        content.profiles = stored
    })
    .unwrap();
    world.clock.fetch_add(60, Ordering::SeqCst);
    let code = world.again().code(MEI, None).await.unwrap();
    assert_eq!(code, code::at(SEED, 1_790_000_160).unwrap());
}

#[tokio::test]
async fn a_code_of_several_profiles_needs_a_label() {
    let (mut world, wog) = enrolled().await;
    let techpass = Fake::start("TechPass", MEI).await;
    world
        .phone
        .enrol(&techpass.link("token-1"), "Phone")
        .await
        .unwrap();
    let error = world.phone.code(MEI, None).await.err().unwrap().to_string();
    assert!(
        error.contains("SG Govt M365") && error.contains("TechPass"),
        "{error}"
    );
    techpass.known().now += 90;
    let code = world.phone.code(MEI, Some("techpass")).await.unwrap();
    assert_eq!(code, code::at(SEED, 1_790_000_090).unwrap());
    assert!(world.phone.code(MEI, Some("WOG")).await.is_err());
    wog.known().phones.clear();
    assert_eq!(
        refusal(world.phone.code(MEI, Some("SG Govt M365")).await),
        "invalid_phone"
    );
}

#[tokio::test]
async fn one_server_that_fails_does_not_hide_the_other() {
    let (mut world, wog) = enrolled().await;
    let techpass = Fake::start("TechPass", MEI).await;
    world
        .phone
        .enrol(&techpass.link("token-1"), "Phone")
        .await
        .unwrap();
    wog.known().phones.clear();
    techpass.ask("chl_9", "31");
    assert_eq!(world.phone.requests(None).await.unwrap().len(), 1);
    techpass.known().phones.clear();
    assert_eq!(refusal(world.phone.requests(None).await), "invalid_phone");
}

#[tokio::test]
async fn a_server_that_wants_quiet_gets_it() {
    let (world, wog) = enrolled().await;
    let slow = serde_json::json!({ "error": "too_many_requests", "message": "" });
    wog.known().refusals.push_back((429, slow));
    wog.ask("chl_1", "52");
    let before = Instant::now();
    assert_eq!(world.phone.requests(Some(60)).await.unwrap().len(), 1);
    assert!(before.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let mut world = World::new();
    let link = "https://phone.example/enrol#issuer=http%3A%2F%2F127.0.0.1%3A9&token=secret";
    let error = world.phone.enrol(link, "Phone").await.err().unwrap();
    assert!(error.is::<Unreachable>());
    assert!(format!("{error:#}").starts_with("127.0.0.1:9 cannot be reached"));
    assert!(world.phone.accounts().is_empty());
}

#[test]
fn a_signature_is_for_one_kind_of_message() {
    let key = Key::generate().unwrap();
    let public = serde_json::to_value(key.public().unwrap()).unwrap();
    let again = Key::read(&key.write().unwrap()).unwrap();
    let jws = again.sign(sign::PHONE, &json!({ "a": 1 })).unwrap();
    assert_eq!(opened(&jws, sign::PHONE, &public), Some(json!({ "a": 1 })));
    assert_eq!(opened(&jws, sign::ANSWER, &public), None);
    let mut changed = jws.clone();
    changed.replace_range(
        jws.len() - 3..jws.len() - 2,
        if jws.ends_with("AAA") { "B" } else { "A" },
    );
    assert!(changed == jws || opened(&changed, sign::PHONE, &public).is_none());
    assert!(
        Key::read("c2VjcmV0")
            .err()
            .unwrap()
            .to_string()
            .contains("damaged")
    );
}
