use crate::client::Client;
use crate::id::{ClientId, Sid};
use crate::oidc::device::{self, DeviceState, Poll, Polled};
use crate::oidc::error::TokenErrorCode;
use crate::oidc::scope::Scope;
use crate::time::Timestamp;

#[test]
fn a_user_code_is_read_as_people_type_it() {
    for (typed, read) in [
        ("WDJB-MJHT", Some("WDJB-MJHT")),
        ("wdjbmjht", Some("WDJB-MJHT")),
        (" wdjb mj ht ", Some("WDJB-MJHT")),
        ("WDJB–MJHT", Some("WDJB-MJHT")),
        ("WDJB-MJH", None),
        ("WDJB-MJHTT", None),
        ("WDJB-MJHA", None),
        ("WDJB-MJH1", None),
        ("", None),
        ("WDJB/MJHT", None),
    ] {
        assert_eq!(device::user_code(typed).as_deref(), read, "{typed}");
    }
}

#[test]
fn what_a_device_is_told() {
    let (mine, other) = (ClientId::new("tv"), ClientId::new("other"));
    use DeviceState::{Allowed, Denied, Pending, Redeemed};
    let table = [
        (&mine, Pending, None, 1_000, Poll::Pending),
        (&mine, Pending, Some(1_000), 1_005, Poll::Pending),
        (&mine, Pending, Some(1_000), 1_004, Poll::Pending),
        (&mine, Pending, Some(1_000), 1_003, Poll::SlowDown(10)),
        (&mine, Pending, Some(1_000), 1_000, Poll::SlowDown(10)),
        // A clock that was set back punishes nobody.
        (&mine, Pending, Some(1_000), 900, Poll::Pending),
        (&mine, Allowed, Some(1_000), 1_000, Poll::Tokens),
        (&mine, Denied, Some(1_000), 1_000, Poll::Denied),
        (&mine, Redeemed, None, 1_000, Poll::Invalid),
        (&mine, Redeemed, None, 2_000, Poll::Invalid),
        (&mine, Pending, None, 1_600, Poll::Expired),
        (&mine, Allowed, None, 1_600, Poll::Expired),
        (&other, Allowed, None, 1_000, Poll::Invalid),
    ];
    for (client, state, polled_at, now, expected) in table {
        let polled = Polled {
            client: &mine,
            state,
            interval_s: 5,
            polled_at: polled_at.map(Timestamp),
            expires_at: Timestamp(1_600),
        };
        let told = device::poll(polled, client, Timestamp(now));
        assert_eq!(told, expected, "{state:?} at {now}");
    }
    for (poll, code) in [
        (Poll::Pending, TokenErrorCode::AuthorizationPending),
        (Poll::SlowDown(10), TokenErrorCode::SlowDown),
        (Poll::Denied, TokenErrorCode::AccessDenied),
        (Poll::Expired, TokenErrorCode::ExpiredToken),
        (Poll::Invalid, TokenErrorCode::InvalidGrant),
    ] {
        assert_eq!(poll.error().map(|error| error.code), Some(code));
    }
    assert_eq!(Poll::Tokens.error(), None);
}

#[test]
fn a_device_asks_for_no_more_than_its_client_may() {
    let client = Client {
        scopes: vec!["profile".into()],
        ..Client::new(ClientId::new("tv"), "TV".into(), Timestamp(0))
    };
    for (asked, expected) in [
        (None, Some("openid")),
        (Some("openid profile"), Some("openid profile")),
        (Some("profile unknown"), Some("profile")),
        (Some("openid email"), None),
    ] {
        let asked = asked.map(|text| Scope::parse(text).unwrap());
        let scope = device::scope_of(&client, asked.as_ref());
        assert_eq!(
            scope.ok().map(|scope| scope.to_string()).as_deref(),
            expected
        );
    }
}

#[test]
fn only_who_signed_in_for_a_device_answers_for_it_and_only_once_and_in_time() {
    let (a, b) = (Sid::new("a"), Sid::new("b"));
    assert!(device::is_theirs(Some(&a), &[b.clone(), a.clone()]));
    assert!(!device::is_theirs(Some(&a), &[b]));
    assert!(!device::is_theirs(None, &[a]));
    let may = |state, now| device::may_answer(state, Timestamp(600), Timestamp(now));
    assert!(may(DeviceState::Pending, 599));
    assert!(!may(DeviceState::Pending, 600));
    for state in [
        DeviceState::Allowed,
        DeviceState::Denied,
        DeviceState::Redeemed,
    ] {
        assert!(!may(state, 0));
    }
}
