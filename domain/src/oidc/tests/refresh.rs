use super::NOW;
use crate::id::ClientId;
use crate::oidc::refresh::{Refusal, Rotation, Standing, Successor, rotate};
use crate::time::Timestamp;

const END: Timestamp = Timestamp(NOW.0 + 1000);

fn standing(client: &ClientId) -> Standing<'_> {
    Standing {
        client_id: client,
        generation: 4,
        expires_at: END,
        used_at: None,
        successor_unused: false,
        revoked: false,
    }
}

#[test]
fn a_fresh_token_rotates_and_never_outlives_its_family() {
    let client = ClientId::new("docs");
    let next = Rotation::Next(Successor {
        generation: 5,
        expires_at: END,
    });
    for (now, expected) in [
        (NOW, Ok(next)),
        (Timestamp(END.0 - 1), Ok(next)),
        (END, Err(Refusal::Expired)),
        (END.plus(1), Err(Refusal::Expired)),
    ] {
        assert_eq!(rotate(standing(&client), &client, now), expected, "{now:?}");
    }
    let revoked = Standing {
        revoked: true,
        ..standing(&client)
    };
    assert_eq!(rotate(revoked, &client, NOW), Err(Refusal::Revoked));
}

#[test]
fn a_used_token_is_a_replay_unless_its_answer_was_lost() {
    let client = ClientId::new("docs");
    let lost = Ok(Rotation::ReplaceLost(Successor {
        generation: 5,
        expires_at: END,
    }));
    let replay = Err(Refusal::Replayed);
    for (used_ago_s, successor_unused, expected) in [
        (0, true, lost),
        (30, true, lost),
        (31, true, replay),
        (0, false, replay),
        (30, false, replay),
        (500, true, replay),
        (-5, true, lost),
        (-31, true, replay),
    ] {
        let used = Standing {
            used_at: Some(Timestamp(NOW.0 - used_ago_s)),
            successor_unused,
            ..standing(&client)
        };
        assert_eq!(
            rotate(used, &client, NOW),
            expected,
            "{used_ago_s} {successor_unused}"
        );
    }
}

#[test]
fn another_client_learns_nothing_and_revokes_nothing() {
    let (client, other) = (ClientId::new("docs"), ClientId::new("other"));
    for used_at in [None, Some(NOW), Some(Timestamp(0))] {
        let token = Standing {
            used_at,
            ..standing(&client)
        };
        assert_eq!(rotate(token, &other, NOW), Err(Refusal::Foreign));
    }
    for refusal in [
        Refusal::Foreign,
        Refusal::Revoked,
        Refusal::Expired,
        Refusal::Replayed,
    ] {
        assert_eq!(refusal.revokes_grant(), refusal == Refusal::Replayed);
        assert_eq!(refusal.error(), Refusal::Replayed.error());
    }
}
