//! Number matching: which number may be shown, and how often a phone may be rung.

use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a number may be answered.
pub const LIFETIME_S: Seconds = 120;
/// The smallest number shown.
pub const NUMBER_MIN: u8 = 10;
/// The largest number shown.
pub const NUMBER_MAX: u8 = 99;
/// Live requests an account may have at once, each of another browser; those of browsers in which it has signed in before
/// come on top ([`may_ask`]).
pub const LIVE_MAX: usize = 2;

/// How far ahead of the clock a request may seem to have been made, in seconds: clocks are set right by a little, and those
/// of several nodes differ.
const AHEAD_MAX_S: Seconds = 60;

/// Whether a request that nobody has answered may be answered now. One that was made while the clock was far ahead is over:
/// going by its end alone, it would wait, and keep the phones from being asked, until the clock gets there once more.
pub fn waits(expires_at: Timestamp, now: Timestamp) -> bool {
    now < expires_at && expires_at.since(now) <= LIFETIME_S + AHEAD_MAX_S
}

/// The latest moment at which a request that is there now may seem to have been made. What is later is of a clock that was far
/// ahead, and must not be read in place of what counts.
pub fn latest(now: Timestamp) -> Timestamp {
    now.plus(AHEAD_MAX_S)
}

/// How often the phones of an account may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskLimits {
    /// Requests within the short window.
    pub short_max: usize,
    /// The short window.
    pub short_s: Seconds,
    /// Requests within the long window.
    pub long_max: usize,
    /// The long window.
    pub long_s: Seconds,
}

impl Default for AskLimits {
    fn default() -> Self {
        AskLimits {
            short_max: 3,
            short_s: 10 * 60,
            long_max: 10,
            long_s: 24 * 60 * 60,
        }
    }
}

/// A request of the recent past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When the phones were rung.
    pub at: Timestamp,
    /// Until when it may be answered; in the past when it was answered or has ended otherwise ([`waits`]).
    pub live_until: Timestamp,
    /// Its number.
    pub number: u8,
    /// Whether it belongs to the login that asks now.
    pub same_login: bool,
    /// Whether it belongs to the browser that asks now.
    pub same_browser: bool,
}

impl Asked {
    /// Whether it waits, and goes on waiting when a new one is asked for now: a new number replaces the earlier one of
    /// its login, and those that its browser has left behind in others.
    fn stays(&self, now: Timestamp) -> bool {
        !self.same_login && !self.same_browser && waits(self.live_until, now)
    }
}

/// Until when an account's phones may not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// For a browser in which the account has not signed in before.
    strange: Timestamp,
    /// For one in which it has, if that has used up its own share too.
    known: Option<Timestamp>,
}

impl Wait {
    /// Until when a browser waits, by whether the account has signed in there before; `None` where it need not.
    pub fn of(self, has_signed_in: bool) -> Option<Timestamp> {
        if has_signed_in {
            self.known
        } else {
            Some(self.strange)
        }
    }
}

/// Whether the phones of an account may be rung now; else who waits until when. `recent` is everything within the long
/// window. Where the account has signed in before only the browser's own requests count: strangers who ring without end
/// use up what strangers have together, and a person at a computer of theirs still gets a number.
pub fn may_ask(recent: &[Asked], limits: AskLimits, now: Timestamp) -> Result<(), Wait> {
    allowed(recent, limits, now).map_err(|strange| {
        let own = recent.iter().filter(|asked| asked.same_browser);
        let own: Vec<Asked> = own.copied().collect();
        let known = allowed(&own, limits, now).err();
        Wait { strange, known }
    })
}

/// Whether these requests leave room for one more; else from when on.
fn allowed(recent: &[Asked], limits: AskLimits, now: Timestamp) -> Result<(), Timestamp> {
    let live_elsewhere = recent.iter().filter(|asked| asked.stays(now));
    let ends: Vec<Timestamp> = live_elsewhere.map(|asked| asked.live_until).collect();
    if ends.len() >= LIVE_MAX {
        return Err(ends.into_iter().min().unwrap_or(now));
    }
    window(recent, limits.short_max, limits.short_s, now)?;
    window(recent, limits.long_max, limits.long_s, now)
}

fn window(
    recent: &[Asked],
    max: usize,
    length_s: Seconds,
    now: Timestamp,
) -> Result<(), Timestamp> {
    let mut inside: Vec<Timestamp> = recent
        .iter()
        .map(|asked| asked.at)
        .filter(|at| (-AHEAD_MAX_S..length_s).contains(&now.since(*at)))
        .collect();
    if inside.len() < max {
        return Ok(());
    }
    inside.sort_unstable();
    // The next may be sent when enough of the oldest have left the window.
    let leaves = inside.len().saturating_sub(max);
    Err(inside
        .get(leaves)
        .map_or(now, |oldest| oldest.plus(length_s)))
}

/// Whether a drawn number may be shown: two digits, not the number of another live request of the account, and not the
/// last one of this login.
pub fn may_show(number: u8, recent: &[Asked], now: Timestamp) -> bool {
    let last_here = recent
        .iter()
        .filter(|asked| asked.same_login)
        .max_by_key(|asked| asked.at)
        .map(|asked| asked.number);
    (NUMBER_MIN..=NUMBER_MAX).contains(&number)
        && last_here != Some(number)
        && !recent
            .iter()
            .any(|asked| waits(asked.live_until, now) && asked.number == number)
}

/// A typed number: two digits, spaces ignored.
pub fn typed(text: &str) -> Option<u8> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(at: i64, number: u8, same_login: bool) -> Asked {
        Asked {
            at: Timestamp(at),
            live_until: Timestamp(at + LIFETIME_S),
            number,
            same_login,
            same_browser: same_login,
        }
    }

    fn left_behind(at: i64, number: u8) -> Asked {
        Asked {
            same_browser: true,
            ..asked(at, number, false)
        }
    }

    #[test]
    fn two_live_requests_of_other_browsers_are_enough() {
        let limits = AskLimits::default();
        let now = Timestamp(1_000);
        let one = [asked(950, 11, false)];
        let two = [asked(950, 11, false), asked(960, 12, false)];
        assert_eq!(allowed(&one, limits, now), Ok(()));
        assert_eq!(allowed(&two, limits, now), Err(Timestamp(1_070)));
        assert_eq!(allowed(&two, limits, Timestamp(1_070)), Ok(()));
        let renewed = [asked(950, 11, false), asked(960, 12, true)];
        assert_eq!(allowed(&renewed, limits, now), Ok(()));
        // Whoever starts again in the same browser is in nobody's way, and rings no more often than others.
        let again = [left_behind(950, 11), left_behind(960, 12)];
        assert_eq!(allowed(&again, limits, now), Ok(()));
        let among = [left_behind(950, 11), one[0], asked(960, 13, false)];
        assert_eq!(
            allowed(
                &among,
                AskLimits {
                    short_max: 9,
                    ..limits
                },
                now
            ),
            Err(Timestamp(1_070))
        );
        let often = [
            left_behind(940, 11),
            left_behind(950, 12),
            left_behind(960, 13),
        ];
        assert_eq!(allowed(&often, limits, now), Err(Timestamp(1_540)));
        // The number of the one left behind is not shown again while somebody may still type it.
        assert!(!may_show(12, &again, now));
    }

    #[test]
    fn requests_of_a_clock_that_was_ahead_keep_nobody_from_asking() {
        let limits = AskLimits::default();
        let ahead = Timestamp(1_000 + 3_600);
        let three = [0, 1, 2].map(|n| asked(ahead.0 + n, 11 + u8::try_from(n).unwrap_or(0), false));
        assert!(allowed(&three, limits, ahead.plus(3)).is_err());
        // The clock is set right.
        assert_eq!(allowed(&three, limits, Timestamp(1_000)), Ok(()));
        assert!(may_show(11, &three, Timestamp(1_000)));
        // Set right by a little, everything counts that was there.
        assert!(allowed(&three, limits, ahead.plus(-30)).is_err());
        let table = [
            (-61, false),
            (-60, true),
            (0, true),
            (119, true),
            (120, false),
        ];
        for (after, answerable) in table {
            let now = ahead.plus(after);
            assert_eq!(waits(ahead.plus(LIFETIME_S), now), answerable, "{after}");
        }
    }

    #[test]
    fn strangers_use_up_what_strangers_have() {
        let limits = AskLimits::default();
        let now = Timestamp(1_000);
        let strangers = [
            asked(900, 11, false),
            asked(950, 12, false),
            asked(960, 13, false),
        ];
        let wait = may_ask(&strangers, limits, now).unwrap_err();
        assert_eq!(wait.of(false), Some(Timestamp(1_020)));
        assert_eq!(wait.of(true), None);
        // Her own limits are those of everybody, and what strangers did is no part of them.
        let hers = [910, 930, 970].map(|at| left_behind(at, 14));
        let all = [&strangers[..], &hers].concat();
        let wait = may_ask(&all, limits, now).unwrap_err();
        assert_eq!(wait.of(true), Some(Timestamp(1_510)));
        assert_eq!(wait.of(false), Some(Timestamp(1_020)));
        // No two open requests have one number, whoever asked.
        assert!(!may_show(12, &all, now));
    }

    #[test]
    fn three_in_ten_minutes_and_ten_in_a_day() {
        let limits = AskLimits::default();
        let three = [
            asked(0, 11, true),
            asked(200, 12, true),
            asked(400, 13, true),
        ];
        assert_eq!(allowed(&three, limits, Timestamp(500)), Err(Timestamp(600)));
        assert_eq!(allowed(&three, limits, Timestamp(600)), Ok(()));
        let ten: Vec<Asked> = (0..10).map(|n| asked(n * 1_000, 11, true)).collect();
        assert_eq!(
            allowed(&ten, limits, Timestamp(20_000)),
            Err(Timestamp(86_400))
        );
    }

    #[test]
    fn a_number_is_new_to_the_person() {
        let now = Timestamp(1_000);
        let recent = [
            asked(990, 42, false),
            asked(800, 17, true),
            asked(700, 18, true),
        ];
        for (number, allowed) in [
            (42, false),
            (17, false),
            (18, true),
            (9, false),
            (100, false),
            (10, true),
            (99, true),
        ] {
            assert_eq!(may_show(number, &recent, now), allowed, "{number}");
        }
    }

    #[test]
    fn what_people_type() {
        assert_eq!(typed(" 5 2 "), Some(52));
        for text in ["5", "522", "5a", "", "-5"] {
            assert_eq!(typed(text), None, "{text:?}");
        }
    }
}
