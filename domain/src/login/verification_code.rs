//! Verification codes (RFC 6238): which step counts, and what a code that fits another step says.

use crate::time::{Seconds, Timestamp};

/// Length of a step.
pub const PERIOD_S: Seconds = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Steps before and after the current one that are accepted.
pub const WINDOW: i64 = 1;
/// Steps away up to which a code is taken for a sign of a wrong clock.
pub const HINT_WINDOW: i64 = 10;

/// What a typed code turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits this step, which was not used before.
    Right {
        /// The step to use up.
        step: i64,
    },
    /// It fits a step at or before the last used one.
    Used,
    /// It fits a step further off: the phone's clock is off by about so many seconds (negative: slow).
    ClockOff {
        /// Seconds, a multiple of [`PERIOD_S`].
        seconds: Seconds,
    },
    /// It fits nothing.
    Wrong,
}

/// The step of a moment (RFC 6238 §4.2).
pub fn step_of(now: Timestamp) -> i64 {
    now.0.div_euclid(PERIOD_S)
}

/// Judges a code by the steps it fits. `fits` lists every step within [`HINT_WINDOW`] of now whose code is the typed
/// one; the caller has computed all of them, right or not, so that the time taken tells nothing.
pub fn judge(fits: &[i64], last_used: Option<i64>, now: Timestamp) -> Verdict {
    let current = step_of(now);
    let near = fits.iter().filter(|step| (*step - current).abs() <= WINDOW);
    let mut used = false;
    for &step in near {
        if last_used.is_none_or(|last| step > last) {
            return Verdict::Right { step };
        }
        used = true;
    }
    if used {
        return Verdict::Used;
    }
    let far = fits.iter().map(|step| step - current);
    match far.min_by_key(|off| off.abs()) {
        Some(off) if off.abs() <= HINT_WINDOW => Verdict::ClockOff {
            seconds: off * PERIOD_S,
        },
        _ => Verdict::Wrong,
    }
}

/// The digits of a typed code; spaces and dashes are ignored. `None` when something else was typed.
pub fn digits(typed: &str) -> Option<String> {
    let text: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    (text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_either_side_once_each() {
        let now = Timestamp(3_000);
        let current = 100;
        let table = [
            (vec![100], None, Verdict::Right { step: 100 }),
            (vec![99], None, Verdict::Right { step: 99 }),
            (vec![101], None, Verdict::Right { step: 101 }),
            (vec![100], Some(100), Verdict::Used),
            (vec![99], Some(100), Verdict::Used),
            (vec![101], Some(100), Verdict::Right { step: 101 }),
            (vec![99, 101], Some(100), Verdict::Right { step: 101 }),
            (vec![98], None, Verdict::ClockOff { seconds: -60 }),
            (vec![104], None, Verdict::ClockOff { seconds: 120 }),
            (vec![90], None, Verdict::ClockOff { seconds: -300 }),
            (vec![89], None, Verdict::Wrong),
            (vec![], None, Verdict::Wrong),
        ];
        assert_eq!(step_of(now), current);
        for (fits, last_used, verdict) in table {
            assert_eq!(
                judge(&fits, last_used, now),
                verdict,
                "{fits:?} {last_used:?}"
            );
        }
    }

    #[test]
    fn spaces_and_dashes_are_ignored_and_nothing_else() {
        assert_eq!(digits(" 123 456 ").as_deref(), Some("123456"));
        assert_eq!(digits("123-456").as_deref(), Some("123456"));
        for typed in ["12345", "1234567", "12345a", "", "１２３４５６"] {
            assert_eq!(digits(typed), None, "{typed:?}");
        }
    }
}
