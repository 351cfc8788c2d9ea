//! How often something may be asked for: a bucket that fills with every request and drains evenly.

use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// So many within so long: all at once, or spread evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests that are let through within [`Rate::per_s`]; at least 1.
    pub max: u32,
    /// The time in which a full bucket drains; at least 1.
    pub per_s: Seconds,
}

/// What one source has asked for. The level is counted in request-seconds, so that all sums are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    level: i64,
    at: Timestamp,
}

impl Rate {
    fn max(self) -> i64 {
        i64::from(self.max.max(1))
    }

    fn per_s(self) -> i64 {
        self.per_s.max(1)
    }
}

impl Bucket {
    /// Takes one request, or says from when on the next is let through. A clock that went back drains nothing and
    /// punishes nobody.
    pub fn take(self, rate: Rate, now: Timestamp) -> Result<Bucket, Timestamp> {
        let level = self.level_at(rate, now);
        let room = rate.max().saturating_mul(rate.per_s());
        let filled = level.saturating_add(rate.per_s());
        if filled <= room {
            return Ok(Bucket {
                level: filled,
                at: now,
            });
        }
        let over = filled - room;
        Err(now.plus(over.div_euclid(rate.max()) + i64::from(over.rem_euclid(rate.max()) != 0)))
    }

    /// Whether nothing is left in it, so that it need not be kept.
    pub fn is_empty(self, rate: Rate, now: Timestamp) -> bool {
        self.level_at(rate, now) == 0
    }

    fn level_at(self, rate: Rate, now: Timestamp) -> i64 {
        let passed = now.since(self.at).max(0);
        let drained = passed.saturating_mul(rate.max());
        self.level.saturating_sub(drained).max(0)
    }
}

/// Whether an application that is answered without a person goes in circles: it was answered so often within so long.
/// With a `max` of 0 nothing ever does.
pub fn in_circles(answered: &[Timestamp], max: usize, within_s: Seconds, now: Timestamp) -> bool {
    let lately = answered.iter().filter(|at| now.since(**at) < within_s);
    max > 0 && lately.count() >= max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_answers_within_a_minute_are_a_circle() {
        let at = |moments: &[i64]| moments.iter().copied().map(Timestamp).collect::<Vec<_>>();
        let now = Timestamp(1_000);
        for (answered, max, circle) in [
            (at(&[996, 997, 998, 999, 1_000]), 5, true),
            (at(&[941, 997, 998, 999, 1_000]), 5, true),
            (at(&[940, 997, 998, 999, 1_000]), 5, false),
            (at(&[997, 998, 999, 1_000]), 5, false),
            (at(&[1_000; 50]), 0, false),
            (at(&[]), 1, false),
        ] {
            assert_eq!(in_circles(&answered, max, 60, now), circle, "{answered:?}");
        }
    }

    const THREE_A_MINUTE: Rate = Rate { max: 3, per_s: 60 };

    #[test]
    fn so_many_at_once_and_then_one_for_every_part_of_the_time() {
        let mut bucket = Bucket::default();
        // When, and whether it is let through, or from when on the next is.
        let table = [
            (1_000, Ok(())),
            (1_000, Ok(())),
            (1_000, Ok(())),
            (1_000, Err(1_020)),
            (1_019, Err(1_020)),
            (1_020, Ok(())),
            (1_020, Err(1_040)),
            (1_065, Ok(())),
            (1_065, Ok(())),
            (1_065, Err(1_080)),
            (9_000, Ok(())),
            (9_000, Ok(())),
            (9_000, Ok(())),
            (9_000, Err(9_020)),
        ];
        for (at, expected) in table {
            let taken = bucket.take(THREE_A_MINUTE, Timestamp(at));
            let outcome = taken.map(|taken| bucket = taken);
            assert_eq!(outcome, expected.map_err(Timestamp), "at {at}");
        }
    }

    #[test]
    fn refusals_do_not_fill_and_a_clock_that_goes_back_drains_nothing() {
        let now = Timestamp(1_000);
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            bucket = bucket.take(THREE_A_MINUTE, now).unwrap_or(bucket);
        }
        assert_eq!(
            bucket.take(THREE_A_MINUTE, Timestamp(10)),
            Err(Timestamp(30))
        );
        assert!(!bucket.is_empty(THREE_A_MINUTE, Timestamp(1_059)));
        assert!(bucket.is_empty(THREE_A_MINUTE, Timestamp(1_060)));
    }

    #[test]
    fn a_rate_of_nothing_is_one_a_second() {
        let none = Rate { max: 0, per_s: 0 };
        let bucket = Bucket::default().take(none, Timestamp(5));
        let again = bucket.map(|bucket| bucket.take(none, Timestamp(5)));
        assert_eq!(again, Ok(Err(Timestamp(6))));
    }
}
