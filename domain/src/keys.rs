//! The life of signing keys: next, active, retired. When one is made, when it takes over, for how long it is published.
//!
//! There is at most one next and one active key of each algorithm, and the database holds that. A key is published before
//! it signs, so that nobody who keeps the key set for a while meets a token of a key that it does not know; and after it
//! signed, until the last token of it is dead.

use crate::client::SigningAlg;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// For how long others may keep the key set without asking again (`Cache-Control: max-age`), in seconds.
pub const SET_MAX_AGE_S: Seconds = 300;
/// How long a retired key stays published: longer than any token that it signed lives, in seconds.
pub const RETIRED_FOR_S: Seconds = 24 * 60 * 60;

/// What a key is for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and does not sign yet.
    Next,
    /// Signs.
    Active,
    /// Signs no more; what it signed is believed.
    Retired,
    /// In wrong hands: neither published nor believed.
    Revoked,
}

impl KeyState {
    /// All of them.
    pub const ALL: [KeyState; 4] = [
        KeyState::Next,
        KeyState::Active,
        KeyState::Retired,
        KeyState::Revoked,
    ];
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyState::Next => "next",
            KeyState::Active => "active",
            KeyState::Retired => "retired",
            KeyState::Revoked => "revoked",
        }
    }
    /// The state by that name.
    pub fn parse(text: &str) -> Option<KeyState> {
        KeyState::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// A key, as far as its life goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLife {
    /// Its name in the key set.
    pub kid: String,
    /// What it signs with.
    pub alg: SigningAlg,
    /// What it is for now.
    pub state: KeyState,
    /// When it was made, and published.
    pub created_at: Timestamp,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
}

impl KeyLife {
    /// Whether it stands in the key set.
    pub fn published(&self, now: Timestamp) -> bool {
        match self.state {
            KeyState::Next | KeyState::Active => true,
            KeyState::Retired => self
                .retired_at
                .is_none_or(|at| now.since(at) <= RETIRED_FOR_S),
            KeyState::Revoked => false,
        }
    }
}

/// How keys follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyRules {
    /// Algorithms that there is always a key for; others get one when a client first needs it.
    pub algorithms: Vec<SigningAlg>,
    /// The age at which a key gets a successor, in days; never when 0.
    pub rotate_after_days: u32,
    /// How long the next key is published before it signs, in seconds; at least [`SET_MAX_AGE_S`].
    pub publish_ahead_s: Seconds,
}

impl Default for KeyRules {
    fn default() -> Self {
        KeyRules {
            algorithms: vec![SigningAlg::ES256, SigningAlg::RS256],
            rotate_after_days: 90,
            publish_ahead_s: 60 * 60,
        }
    }
}

impl KeyRules {
    /// The time a next key must have been published.
    fn ahead_s(&self) -> Seconds {
        self.publish_ahead_s.max(SET_MAX_AGE_S)
    }

    /// From when on a key that is published now may sign.
    pub fn signs_from(&self, published_at: Timestamp) -> Timestamp {
        published_at.plus(self.ahead_s())
    }

    /// Whether an active key is old enough that its successor should be published.
    fn is_old(&self, key: &KeyLife, now: Timestamp) -> bool {
        let days = Seconds::from(self.rotate_after_days);
        let age_s = days.saturating_mul(24 * 60 * 60);
        days > 0 && now.since(key.created_at) >= age_s.saturating_sub(self.ahead_s())
    }
}

/// What is asked beyond what time brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing: only what is due.
    Upkeep,
    /// New keys; they sign when they have been published long enough.
    Rotate,
    /// New keys that sign at once.
    RotateNow,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStep {
    /// Make a key in this state.
    Make(SigningAlg, KeyState),
    /// The active key stops signing.
    Retire(String),
    /// The next key signs.
    Promote(String),
    /// The key is in wrong hands.
    Revoke(String),
}

/// What to do now. A step that takes an active key away comes before the one that puts another in its place.
pub fn plan(keys: &[KeyLife], rules: &KeyRules, wish: Wish, now: Timestamp) -> Vec<KeyStep> {
    let mut steps = Vec::new();
    for alg in SigningAlg::ALL {
        let find = |state| keys.iter().find(|k| k.alg == alg && k.state == state);
        match (find(KeyState::Active), find(KeyState::Next)) {
            (None, None) if rules.algorithms.contains(&alg) => {
                steps.push(KeyStep::Make(alg, KeyState::Active));
            }
            (None, None) => {}
            (None, Some(next)) => steps.push(KeyStep::Promote(next.kid.clone())),
            (Some(active), next) => steps.extend(follow(active, next, rules, wish, now)),
        }
    }
    steps
}

/// The same for one algorithm that has an active key.
fn follow(
    active: &KeyLife,
    next: Option<&KeyLife>,
    rules: &KeyRules,
    wish: Wish,
    now: Timestamp,
) -> Vec<KeyStep> {
    let Some(next) = next else {
        return match wish {
            Wish::RotateNow => vec![
                KeyStep::Retire(active.kid.clone()),
                KeyStep::Make(active.alg, KeyState::Active),
            ],
            Wish::Upkeep if !rules.is_old(active, now) => Vec::new(),
            Wish::Upkeep | Wish::Rotate => vec![KeyStep::Make(active.alg, KeyState::Next)],
        };
    };
    if wish == Wish::RotateNow || now >= rules.signs_from(next.created_at) {
        return vec![
            KeyStep::Retire(active.kid.clone()),
            KeyStep::Promote(next.kid.clone()),
        ];
    }
    Vec::new()
}

/// What to do about a key in wrong hands: it is believed no more from now on, and another signs in its place at once.
/// `None` when there is no such key, or it was revoked before.
pub fn revoked(keys: &[KeyLife], kid: &str) -> Option<Vec<KeyStep>> {
    let key = keys
        .iter()
        .find(|key| key.kid == kid && key.state != KeyState::Revoked)?;
    let mut steps = vec![KeyStep::Revoke(key.kid.clone())];
    if key.state == KeyState::Active {
        let next = keys
            .iter()
            .find(|k| k.alg == key.alg && k.state == KeyState::Next);
        steps.push(match next {
            Some(next) => KeyStep::Promote(next.kid.clone()),
            None => KeyStep::Make(key.alg, KeyState::Active),
        });
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Seconds = 24 * 60 * 60;

    fn key(kid: &str, state: KeyState, created_at: Seconds) -> KeyLife {
        KeyLife {
            kid: kid.into(),
            alg: SigningAlg::ES256,
            state,
            created_at: Timestamp(created_at),
            retired_at: None,
        }
    }

    fn rules() -> KeyRules {
        KeyRules {
            algorithms: vec![SigningAlg::ES256],
            ..KeyRules::default()
        }
    }

    #[test]
    fn keys_follow_each_other() {
        let active = || key("a", KeyState::Active, 0);
        let next = |at| key("n", KeyState::Next, at);
        let hand_over = || vec![KeyStep::Retire("a".into()), KeyStep::Promote("n".into())];
        let make = |state| vec![KeyStep::Make(SigningAlg::ES256, state)];
        let table: Vec<(Vec<KeyLife>, Wish, Seconds, Vec<KeyStep>)> = vec![
            (vec![], Wish::Upkeep, 0, make(KeyState::Active)),
            (
                vec![next(0)],
                Wish::Upkeep,
                0,
                vec![KeyStep::Promote("n".into())],
            ),
            (vec![active()], Wish::Upkeep, DAY, vec![]),
            (vec![active()], Wish::Upkeep, 90 * DAY - 3_601, vec![]),
            (
                vec![active()],
                Wish::Upkeep,
                90 * DAY - 3_600,
                make(KeyState::Next),
            ),
            (vec![active()], Wish::Rotate, DAY, make(KeyState::Next)),
            (vec![active(), next(DAY)], Wish::Rotate, DAY + 3_599, vec![]),
            (vec![active(), next(DAY)], Wish::Upkeep, DAY + 3_599, vec![]),
            (
                vec![active(), next(DAY)],
                Wish::Upkeep,
                DAY + 3_600,
                hand_over(),
            ),
            (vec![active(), next(DAY)], Wish::RotateNow, DAY, hand_over()),
            (
                vec![active()],
                Wish::RotateNow,
                DAY,
                vec![
                    KeyStep::Retire("a".into()),
                    KeyStep::Make(SigningAlg::ES256, KeyState::Active),
                ],
            ),
            (
                vec![key("r", KeyState::Revoked, 0)],
                Wish::Upkeep,
                DAY,
                make(KeyState::Active),
            ),
        ];
        for (keys, wish, now, expected) in table {
            let steps = plan(&keys, &rules(), wish, Timestamp(now));
            assert_eq!(steps, expected, "{keys:?} {wish:?} at {now}");
        }
    }

    #[test]
    fn an_algorithm_that_nobody_asked_for_gets_no_key_and_one_that_has_one_keeps_it() {
        let eddsa = |state| KeyLife {
            alg: SigningAlg::EdDSA,
            ..key("e", state, 0)
        };
        let old = Timestamp(100 * DAY);
        let es = key("a", KeyState::Active, 100 * DAY);
        let steps = |more: Option<KeyLife>| {
            let keys: Vec<KeyLife> = [es.clone()].into_iter().chain(more).collect();
            plan(&keys, &rules(), Wish::Upkeep, old)
        };
        assert_eq!(steps(None), []);
        let next = KeyStep::Make(SigningAlg::EdDSA, KeyState::Next);
        assert_eq!(steps(Some(eddsa(KeyState::Active))), [next]);
    }

    #[test]
    fn a_key_in_wrong_hands_is_replaced_at_once() {
        let active = key("a", KeyState::Active, 0);
        let next = key("n", KeyState::Next, 0);
        let gone = key("g", KeyState::Revoked, 0);
        let all = [active.clone(), next, gone];
        let revoke = |kid: &str| KeyStep::Revoke(kid.into());
        let promote = KeyStep::Promote("n".into());
        assert_eq!(revoked(&all, "a"), Some(vec![revoke("a"), promote]));
        assert_eq!(revoked(&all, "n"), Some(vec![revoke("n")]));
        assert_eq!(revoked(&all, "g"), None);
        assert_eq!(revoked(&all, "x"), None);
        let make = KeyStep::Make(SigningAlg::ES256, KeyState::Active);
        assert_eq!(revoked(&[active], "a"), Some(vec![revoke("a"), make]));
    }

    #[test]
    fn nothing_shortens_the_time_a_key_set_may_be_kept() {
        let rules = KeyRules {
            publish_ahead_s: 0,
            ..rules()
        };
        assert_eq!(rules.signs_from(Timestamp(0)), Timestamp(SET_MAX_AGE_S));
        let never = KeyRules {
            rotate_after_days: 0,
            ..rules
        };
        let keys = [key("a", KeyState::Active, 0)];
        let later = Timestamp(10_000 * DAY);
        assert_eq!(plan(&keys, &never, Wish::Upkeep, later), []);
    }

    #[test]
    fn a_key_is_published_until_its_last_token_is_dead() {
        let retired = KeyLife {
            retired_at: Some(Timestamp(1_000)),
            ..key("r", KeyState::Retired, 0)
        };
        assert!(retired.published(Timestamp(1_000 + RETIRED_FOR_S)));
        assert!(!retired.published(Timestamp(1_001 + RETIRED_FOR_S)));
        let revoked = key("r", KeyState::Revoked, 0);
        assert!(!revoked.published(Timestamp(0)));
        assert!(key("n", KeyState::Next, 0).published(Timestamp(0)));
    }
}
