//! How often a factor may fail. Counters are durable, by account and factor, and never reset by a new session.

use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// Failures that an account may collect without a break, over all time (NIST SP 800-63B-4 §3.2.2).
pub const FAILURES_MAX: u32 = 100;

/// The failures of one factor of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// In a row; a success sets it to zero.
    pub count: u32,
    /// When the last one happened.
    pub last_at: Timestamp,
}

/// How a factor's lockout works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lockout {
    /// Failures in a row that lock.
    pub failures_max: u32,
    /// How long the first lock lasts.
    pub pause_s: Seconds,
    /// The longest a growing lock gets.
    pub pause_max_s: Seconds,
}

impl Default for Lockout {
    fn default() -> Self {
        Lockout {
            failures_max: 5,
            pause_s: 15 * 60,
            pause_max_s: 24 * 60 * 60,
        }
    }
}

/// Under what name failures are counted. A browser in which the account has signed in before has a count of its own, so
/// that the wrong passwords and codes of strangers do not lock out the person, nor the person's slips help strangers.
/// Everybody else shares the account's count, whichever browser they come with: a new browser is no new chance.
pub fn counted_under(subject: &str, browser: &str, has_signed_in: bool) -> String {
    if has_signed_in {
        format!("{subject}|{browser}")
    } else {
        subject.to_owned()
    }
}

/// Why a try is not judged, whether it is right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// Too many failures in a row: not before then.
    Until(Timestamp),
    /// The account has failed so often that only an administrator may open it again.
    ForGood,
}

impl Failures {
    /// What to keep once a try was judged; a right one clears the count. Nothing is judged and nothing counted while the
    /// factor is locked, so a count stands still at the failure that locked it until the pause is over, and what is
    /// counted beyond came after it. Whoever keeps the result must do so only where the failures are still these, or
    /// of several tries at once more are judged than the lock lets through.
    pub fn judged(self, right: bool, rules: Lockout, now: Timestamp) -> Result<Failures, Barred> {
        if self.exhausted() {
            return Err(Barred::ForGood);
        }
        if let Some(until) = self.locked_until(rules, now) {
            return Err(Barred::Until(until));
        }
        Ok(self.counted(right, now))
    }

    /// The count after a try: a right one clears it.
    pub fn counted(self, right: bool, now: Timestamp) -> Failures {
        match right {
            true => Failures { count: 0, ..self },
            false => self.failed(now),
        }
    }

    /// Until when the factor is locked, if it is. Every further round of failures doubles the pause.
    pub fn locked_until(self, rules: Lockout, now: Timestamp) -> Option<Timestamp> {
        let rounds = self.count / rules.failures_max.max(1);
        if rounds == 0 || !self.count.is_multiple_of(rules.failures_max.max(1)) {
            return None;
        }
        let doubled = rules.pause_s.saturating_mul(1_i64 << (rounds - 1).min(20));
        let until = self.last_at.plus(doubled.min(rules.pause_max_s));
        (now < until).then_some(until)
    }

    /// Whether the account has failed so often that only an administrator may open it again.
    pub fn exhausted(self) -> bool {
        self.count >= FAILURES_MAX
    }

    /// With one more failure.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Failures {
        Failures {
            count: self.count.saturating_add(1),
            last_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_lock_for_a_quarter_of_an_hour_and_the_next_five_for_twice_that() {
        let rules = Lockout::default();
        let t0 = Timestamp(1_000);
        let mut failures = Failures::default();
        for n in 1..=4 {
            failures = failures.failed(t0);
            assert_eq!(failures.locked_until(rules, t0), None, "after {n}");
        }
        failures = failures.failed(t0);
        assert_eq!(failures.locked_until(rules, t0), Some(t0.plus(900)));
        assert_eq!(
            failures.locked_until(rules, t0.plus(899)),
            Some(t0.plus(900))
        );
        assert_eq!(failures.locked_until(rules, t0.plus(900)), None);
        for _ in 0..5 {
            failures = failures.failed(t0.plus(1_000));
        }
        assert_eq!(
            failures.locked_until(rules, t0.plus(1_000)),
            Some(t0.plus(1_000 + 1_800))
        );
    }

    #[test]
    fn nothing_is_judged_or_counted_while_locked_whatever_the_times() {
        let rules = Lockout {
            failures_max: 3,
            pause_s: 10,
            pause_max_s: 40,
        };
        // When tries come, how many of them are judged wrong, and when a right one is let through at last.
        let table: [(&[i64], u32, Result<u32, Barred>); 7] = [
            (&[0, 0], 2, Ok(0)),
            (&[0, 0, 0], 3, Err(Barred::Until(Timestamp(10)))),
            (
                &[0, 0, 0, 0, 0, 0, 0, 9, 9],
                3,
                Err(Barred::Until(Timestamp(10))),
            ),
            // After the pause there are as many again, and twice the pause.
            (&[0, 0, 0, 9, 10], 4, Ok(0)),
            (
                &[0, 1, 2, 12, 12, 12, 12, 12],
                6,
                Err(Barred::Until(Timestamp(32))),
            ),
            (
                &[0, 0, 0, 10, 10, 10, 29, 30, 30, 30, 69],
                9,
                Err(Barred::Until(Timestamp(70))),
            ),
            // A clock that was set back opens nothing.
            (
                &[100, 100, 100, 50, 50, 50],
                3,
                Err(Barred::Until(Timestamp(110))),
            ),
        ];
        for (times, judged, then) in table {
            let mut failures = Failures::default();
            let mut wrong = 0;
            for at in times {
                if let Ok(after) = failures.judged(false, rules, Timestamp(*at)) {
                    failures = after;
                    wrong += 1;
                }
                let locked = failures.locked_until(rules, Timestamp(*at)).is_some();
                assert_eq!(locked, failures.count % 3 == 0, "{times:?} at {at}");
            }
            assert_eq!((wrong, failures.count), (judged, judged), "{times:?}");
            let last = Timestamp(times.last().copied().unwrap_or(0));
            let right = failures.judged(true, rules, last);
            assert_eq!(right.map(|after| after.count), then, "{times:?}");
        }
    }

    #[test]
    fn no_count_passes_the_hundredth_failure() {
        let rules = Lockout::default();
        let (mut failures, mut now, mut judged) = (Failures::default(), Timestamp(0), 0);
        for _ in 0..1_000 {
            match failures.judged(false, rules, now) {
                Ok(after) => (failures, judged) = (after, judged + 1),
                Err(Barred::Until(until)) => now = until,
                Err(Barred::ForGood) => {}
            }
        }
        assert_eq!((failures.count, judged), (FAILURES_MAX, FAILURES_MAX));
        let later = now.plus(10 * rules.pause_max_s);
        assert_eq!(failures.judged(true, rules, later), Err(Barred::ForGood));
    }

    #[test]
    fn strangers_lock_themselves_out_and_not_the_person() {
        // Who tries, whether that browser has signed in to the account before, and whose tries count together.
        let table = [
            ("hers", true, "acc|hers"),
            ("her other one", true, "acc|her other one"),
            ("a stranger's", false, "acc"),
            ("another stranger's", false, "acc"),
        ];
        for (browser, has_signed_in, name) in table {
            assert_eq!(counted_under("acc", browser, has_signed_in), name);
        }
        let rules = Lockout::default();
        let now = Timestamp(1_000);
        let mut counts = std::collections::BTreeMap::<String, Failures>::new();
        let mut fail = |browser, has_signed_in| {
            let count = counts
                .entry(counted_under("acc", browser, has_signed_in))
                .or_default();
            *count = count.failed(now);
            count.locked_until(rules, now).is_some()
        };
        for n in 0..5 {
            // A new browser each time is no new chance.
            assert_eq!(fail(["a", "b", "c", "d", "e"][n], false), n == 4);
        }
        assert!(!fail("hers", true), "a stranger locked the person out");
        // She may slip as often as anybody, and then pauses as well.
        for n in 1..5 {
            assert_eq!(fail("hers", true), n == 4);
        }
    }

    #[test]
    fn a_lock_never_outgrows_its_longest() {
        let failures = Failures {
            count: 95,
            last_at: Timestamp(0),
        };
        let rules = Lockout::default();
        assert_eq!(
            failures.locked_until(rules, Timestamp(1)),
            Some(Timestamp(86_400))
        );
        assert!(!failures.exhausted());
        assert!(
            Failures {
                count: 100,
                ..failures
            }
            .exhausted()
        );
    }
}
