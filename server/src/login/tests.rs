//! Many who try one account at once, in process: no more of them are judged than the lock lets through.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::failures::factor_name;
use super::*;
use crate::oidc::tests::{ISSUER, NOW, REDIRECT_URI, World, mei, text_of};
use http::{Method, header};
use std::sync::Arc;
use techpass_domain::access::Factor;
use techpass_domain::authenticator::{Authenticator, Challenge, PhoneKey};
use techpass_domain::id::{AuthenticatorId, ChallengeId};
use techpass_domain::login::lockout::Failures;
use techpass_domain::time::Seconds;
use zeroize::Zeroizing;

const PASSWORD: &str = "a password that is right";
const SEED: [u8; 20] = *b"12345678901234567890";
/// Tries at once.
const CROWD: usize = 12;
/// Failures that lock, and for how long.
const FAILURES_MAX: u32 = 5;
const PAUSE_S: Seconds = 15 * 60;
/// Everybody is asked for the code alone.
const CODE_ONLY: &str = "[[access.rules]]\nname = \"Code\"\nthen = { require = [\"code\"] }\n";

/// A browser at the page that asks for a factor.
struct Seat {
    cookie: String,
    path: String,
    version: String,
}

/// What somebody was told of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Right,
    Wrong,
    Locked,
}

async fn world(further: &str) -> Arc<World> {
    let world = World::start_with(further).await;
    world.client("docs", |_| {}).await;
    let phc = world
        .app
        .passwords
        .hash(Zeroizing::new(PASSWORD.to_owned()));
    let id = AuthenticatorId::new("phn_mei");
    let key = ["EC", "P-256", "", ""].map(str::to_owned);
    let [kty, crv, x, y] = key;
    world
        .commit(vec![
            Write::SetPassword {
                account: mei().id,
                phc: phc.await.unwrap(),
                at: NOW,
            },
            Write::AddAuthenticator {
                sealed_seed: world
                    .app
                    .seal
                    .seal(&crate::authenticator::seed_place(&id), &SEED)
                    .unwrap(),
                authenticator: Authenticator {
                    id,
                    account: mei().id,
                    name: "Phone".to_owned(),
                    key: PhoneKey { kty, crv, x, y },
                    enrolled_at: NOW,
                },
            },
        ])
        .await;
    Arc::new(world)
}

/// The code that the phone shows now.
fn code(world: &World) -> String {
    let totp = crate::authenticator::totp(SEED.to_vec()).unwrap();
    let now = u64::try_from(world.app.now().0).unwrap();
    totp.generate(now).to_string()
}

async fn seat(world: &World) -> Seat {
    seat_in(world, None).await
}

/// Begins a login and says who it is; in a new browser, or in that of a cookie.
async fn seat_in(world: &World, cookie: Option<&str>) -> Seat {
    let redirect_uri: String =
        url::form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect();
    let query = format!(
        "/authorize?response_type=code&client_id=docs&scope=openid&state=s&nonce=n&redirect_uri={redirect_uri}"
    );
    let kept: Vec<_> = cookie.iter().map(|cookie| ("cookie", *cookie)).collect();
    let response = world.send(Method::GET, &query, &[], &kept).await;
    let cookie = cookie.map(str::to_owned).unwrap_or_else(|| {
        let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    });
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    let path = location.trim_start_matches(ISSUER).to_owned();
    let mut seat = Seat {
        cookie,
        path,
        version: "0".to_owned(),
    };
    let chosen = post(world, &seat, "login_id", &mei().login_id).await;
    assert_eq!(chosen.status(), 303);
    seat.version = version(world, &seat).await;
    seat
}

async fn page(world: &World, seat: &Seat) -> String {
    let headers = [("cookie", seat.cookie.as_str())];
    text_of(world.send(Method::GET, &seat.path, &[], &headers).await).await
}

async fn version(world: &World, seat: &Seat) -> String {
    let page = page(world, seat).await;
    let behind = page.split("name=\"v\" value=\"").nth(1).unwrap();
    behind.split('"').next().unwrap().to_owned()
}

async fn post(world: &World, seat: &Seat, field: &str, value: &str) -> axum::response::Response {
    let form = [("v", seat.version.as_str()), (field, value)];
    let headers = [("cookie", seat.cookie.as_str()), ("origin", ISSUER)];
    world.send(Method::POST, &seat.path, &form, &headers).await
}

async fn tries(world: &World, seat: &Seat, factor: Factor, value: &str) -> Told {
    let response = post(world, seat, factor_name(factor), value).await;
    match response.status().as_u16() {
        303 => Told::Right,
        422 => Told::Wrong,
        429 => Told::Locked,
        other => panic!("{other}: {}", text_of(response).await),
    }
}

/// All of them at the same time.
async fn at_once(world: &Arc<World>, factor: Factor, values: Vec<String>) -> Vec<Told> {
    let mut under_way = Vec::new();
    for value in values {
        let seat = seat(world).await;
        let world = Arc::clone(world);
        under_way.push(async move { tries(&world, &seat, factor, &value).await });
    }
    let spawned: Vec<_> = under_way.into_iter().map(tokio::spawn).collect();
    let mut told = Vec::new();
    for one in spawned {
        told.push(one.await.unwrap());
    }
    told
}

async fn failures(world: &World, factor: Factor) -> Failures {
    let account = mei().id;
    let read = world
        .app
        .store
        .failures(account.as_str(), factor_name(factor));
    read.await.unwrap().unwrap_or_default()
}

fn how_many(told: &[Told], one: Told) -> u32 {
    u32::try_from(told.iter().filter(|told| **told == one).count()).unwrap()
}

/// A crowd of wrong ones, then a right one; then, after the pause, both at once, until the count is at its cap.
async fn crowds(world: Arc<World>, factor: Factor, right: impl Fn(&World) -> String) {
    let wrong = |n: usize| format!("{n:06}");
    let mut pause_s = PAUSE_S;
    for round in 1..=20 {
        let told = at_once(&world, factor, (0..CROWD).map(wrong).collect()).await;
        let after = failures(&world, factor).await;
        assert_eq!(after.count, round * FAILURES_MAX, "round {round}: {told:?}");
        assert!(
            how_many(&told, Told::Wrong) < FAILURES_MAX,
            "round {round}: {told:?}"
        );
        assert_eq!(how_many(&told, Told::Right), 0, "round {round}");
        if round == 3 {
            break;
        }
        let late = seat(&world).await;
        let locked = tries(&world, &late, factor, &right(&world)).await;
        assert_eq!(locked, Told::Locked, "round {round}");
        world.clock.advance(pause_s);
        pause_s *= 2;
    }
    world.clock.advance(pause_s);
    // The right one among them: whoever it beats is judged by a count that it cleared.
    let before = failures(&world, factor).await.count;
    let mut values: Vec<String> = (0..CROWD).map(wrong).collect();
    values.insert(CROWD / 2, right(&world));
    let told = at_once(&world, factor, values).await;
    let after = failures(&world, factor).await.count;
    match how_many(&told, Told::Right) {
        0 => assert_eq!(after, before + FAILURES_MAX, "{told:?}"),
        1 => assert!(after <= FAILURES_MAX, "{after} {told:?}"),
        _ => panic!("{told:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_passwords_at_once_no_more_are_judged_than_the_lock_lets_through() {
    crowds(world("").await, Factor::Password, |_| PASSWORD.to_owned()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_codes_at_once_no_more_are_judged_than_the_lock_lets_through() {
    crowds(world(CODE_ONLY).await, Factor::Code, code).await;
}

/// The login of a seat, as a request finds it.
async fn bound(world: &World, seat: &Seat) -> Bound {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, seat.cookie.parse().unwrap());
    let address = seat.path.trim_start_matches("/s/");
    let found = find(&world.app, &headers, address).await;
    found.unwrap_or_else(|_| panic!("no login at {address}"))
}

#[tokio::test]
async fn a_right_password_that_was_looked_at_before_the_lock_is_not_taken_behind_it() {
    let world = world("").await;
    let app = &world.app;
    // Whoever is counted first: nobody ever, somebody whose count was cleared, somebody who has failed before.
    for already in [None, Some(0), Some(1)] {
        let set = already.map(|count| Write::SetFailures {
            account: mei().id.as_str().to_owned(),
            factor: factor_name(Factor::Password),
            from: None,
            to: Failures {
                count,
                last_at: NOW,
            },
        });
        world
            .commit(vec![Write::ForgetFailures {
                account: mei().id,
                factor: None,
            }])
            .await;
        world.commit(set.into_iter().collect()).await;
        let right = bound(&world, &seat(&world).await).await;
        let judged = [Event::PasswordChecked { right: true }];
        let Ok(mut stepped) = steps::stepped(app, &right, &judged).await.unwrap() else {
            panic!("the page does not ask for a password");
        };
        let writes = writes(&right, &mut stepped, &[]).unwrap();
        for _ in already.unwrap_or(0)..FAILURES_MAX {
            tries(&world, &seat(&world).await, Factor::Password, "wrong").await;
        }
        let committed = app.store.commit(writes).await;
        let lost = matches!(committed, Err(StoreError::Conflict(conflict::FAILURES)));
        assert!(lost, "{already:?}: {committed:?}");
        let [event] = judged;
        let Ok(driven) = drive(app, right, event, Vec::new()).await else {
            panic!("{already:?}: a failure");
        };
        assert!(
            matches!(driven, Driven::Barred(_)),
            "{already:?}: {driven:?}"
        );
        assert_eq!(failures(&world, Factor::Password).await.count, FAILURES_MAX);
    }
}

#[tokio::test]
async fn a_right_password_leaves_no_count_where_there_was_none() {
    let world = world("").await;
    let seat = seat(&world).await;
    assert_eq!(
        tries(&world, &seat, Factor::Password, PASSWORD).await,
        Told::Right
    );
    let store = &world.app.store;
    let account = mei().id;
    let row = store.failures(account.as_str(), factor_name(Factor::Password));
    assert_eq!(row.await.unwrap(), None);
}

/// The requests that wait on the phone.
async fn waiting(world: &World) -> usize {
    let (account, now) = (mei().id, world.app.now());
    let rows = world
        .app
        .store
        .challenges_lately(account.as_str(), 1_000, now);
    rows.await
        .unwrap()
        .iter()
        .filter(|row| row.waits(now))
        .count()
}

/// Whether the page of a seat shows a number.
async fn shows_a_number(world: &World, seat: &Seat) -> bool {
    page(world, seat).await.contains("match-number")
}

#[tokio::test]
async fn whoever_starts_again_in_the_same_browser_takes_the_number_along() {
    let world = world("").await;
    let first = seat(&world).await;
    assert_eq!(
        tries(&world, &first, Factor::Password, PASSWORD).await,
        Told::Right
    );
    assert!(shows_a_number(&world, &first).await);
    let mut woken = world.app.wake.listen(Change::Login(
        bound(&world, &first).await.id.as_str().to_owned(),
    ));
    let second = seat_in(&world, Some(&first.cookie)).await;
    assert_eq!(
        tries(&world, &second, Factor::Password, PASSWORD).await,
        Told::Right
    );
    assert!(shows_a_number(&world, &second).await);
    assert_eq!(waiting(&world).await, 1, "the phone has to choose");
    // The page left behind is told, and says so.
    let told = futures_util::FutureExt::now_or_never(woken.changed());
    assert!(told.is_some(), "the page that was left goes on waiting");
    let left = page(&world, &first).await;
    assert!(left.contains("This number is no longer used"), "{left}");
    assert!(
        left.contains("You asked for a new number in another tab."),
        "{left}"
    );
    // A third one is not in the way of itself.
    let third = seat_in(&world, Some(&first.cookie)).await;
    assert_eq!(
        tries(&world, &third, Factor::Password, PASSWORD).await,
        Told::Right
    );
    assert!(shows_a_number(&world, &third).await);
    assert_eq!(waiting(&world).await, 1);
}

#[tokio::test]
async fn two_numbers_of_other_browsers_still_keep_a_third_out() {
    let world = world("").await;
    let mut shown = Vec::new();
    for _ in 0..3 {
        let seat = seat(&world).await;
        assert_eq!(
            tries(&world, &seat, Factor::Password, PASSWORD).await,
            Told::Right
        );
        shown.push(shows_a_number(&world, &seat).await);
    }
    assert_eq!(shown, [true, true, false]);
    assert_eq!(waiting(&world).await, 2);
}

#[tokio::test]
async fn strangers_who_ring_without_end_leave_a_number_for_a_browser_that_has_signed_in() {
    let world = world("").await;
    for _ in 0..3 {
        let stranger = seat(&world).await;
        let told = tries(&world, &stranger, Factor::Password, PASSWORD).await;
        assert_eq!(told, Told::Right);
    }
    let hers = seat(&world).await;
    let browser_sha256 = bound(&world, &hers).await.browser_sha256;
    world
        .commit(vec![Write::Remember {
            browser_sha256,
            account: mei().id,
            at: NOW,
        }])
        .await;
    // Her own three in ten minutes, one after the other, and then she waits like everybody.
    let mut shown = Vec::new();
    for _ in 0..4 {
        let seat = seat_in(&world, Some(&hers.cookie)).await;
        let told = tries(&world, &seat, Factor::Password, PASSWORD).await;
        assert_eq!(told, Told::Right);
        shown.push(shows_a_number(&world, &seat).await);
    }
    assert_eq!(shown, [true, true, true, false]);
}

#[tokio::test]
async fn numbers_asked_while_the_clock_was_ahead_keep_nobody_from_asking_when_it_is_set_right() {
    let world = world("").await;
    world.app.clock.advance(3_600);
    let mut left = Vec::new();
    for _ in 0..2 {
        let seat = seat(&world).await;
        let told = tries(&world, &seat, Factor::Password, PASSWORD).await;
        assert_eq!(told, Told::Right);
        left.push(seat);
    }
    assert_eq!(waiting(&world).await, 2);
    // More than are read at once.
    let (account, now) = (mei().id, world.app.now());
    let store = &world.app.store;
    let rows = store.challenges_lately(account.as_str(), 1, now);
    let row = rows.await.unwrap().remove(0).challenge;
    let many = (0..300).map(|n| {
        Write::AddChallenge(Challenge {
            id: ChallengeId::new(format!("chl_{n}")),
            ..row.clone()
        })
    });
    world.commit(many.collect()).await;
    world.app.clock.advance(-3_600);
    let seat = seat(&world).await;
    let told = tries(&world, &seat, Factor::Password, PASSWORD).await;
    assert_eq!(told, Told::Right);
    assert!(shows_a_number(&world, &seat).await);
    // The phone has that one alone, and the pages of before say that their number is over.
    assert_eq!(waiting(&world).await, 1);
    for seat in &left {
        assert!(!shows_a_number(&world, seat).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_tabs_that_ask_at_once_one_number_is_left() {
    let world = world("[limits.number]\nshort_max = 99\nlong_max = 99\n").await;
    let mut first = seat(&world).await;
    for _ in 0..4 {
        let cookie = first.cookie.clone();
        let second = seat_in(&world, Some(&cookie)).await;
        let (a, b) = tokio::join!(
            tries(&world, &first, Factor::Password, PASSWORD),
            tries(&world, &second, Factor::Password, PASSWORD),
        );
        assert_eq!((a, b), (Told::Right, Told::Right));
        let shown = (
            shows_a_number(&world, &first).await,
            shows_a_number(&world, &second).await,
        );
        assert!(shown.0 ^ shown.1, "{shown:?}");
        assert_eq!(waiting(&world).await, 1);
        first = seat_in(&world, Some(&cookie)).await;
    }
}
