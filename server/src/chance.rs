//! The only source of randomness: the cryptographic generator of aws-lc; and the names of rows, which are random for the most
//! part.

use crate::clock::within_second;
use aws_lc_rs::rand::fill;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::atomic::{AtomicI64, Ordering};

/// The operating system gives no randomness. Nothing safe can be done without it.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

/// Fresh random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut buffer = [0_u8; N];
    fill(&mut buffer).map_err(|_| NoRandomness)?;
    Ok(buffer)
}

/// A secret of 256 random bits in base64url (43 characters).
pub fn secret() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// A secret with a prefix that secret scanners can find, such as `tp_rt_`.
pub fn prefixed(prefix: &str) -> Result<String, NoRandomness> {
    Ok(format!("{prefix}{}", secret()?))
}

/// A row's name: a prefix, the time, and 96 random bits. `now_s` in front makes rows of a table sort by time, and a part of the
/// second those that this process makes within one: lines of the audit record, requests on a phone.
pub fn row_id(prefix: &str, now_s: i64) -> Result<String, NoRandomness> {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let part = next_part(&LAST, now_s, i64::from(within_second()));
    let tail = URL_SAFE_NO_PAD.encode(bytes::<12>()?);
    Ok(format!("{prefix}_{now_s:010x}{part:05x}{tail}"))
}

/// Bits of a part of a second, microseconds as long as the order allows it.
const PART_BITS: u32 = 20;
const PART_MAX: i64 = (1 << PART_BITS) - 1;
/// How late after its second a row may be named, in seconds; what is later is of a clock that was set back.
const LATE_MAX_S: i64 = 60;

/// The part of the next name, behind the last one of its second, which `last` keeps together with that second.
fn next_part(last: &AtomicI64, now_s: i64, micros: i64) -> i64 {
    let unless_late = |last| {
        let late = is_late(last, now_s);
        (!late).then(|| now_s << PART_BITS | part_at(last, now_s, micros))
    };
    let last = last.fetch_update(Ordering::AcqRel, Ordering::Acquire, unless_late);
    let (Ok(last) | Err(last)) = last;
    part_at(last, now_s, micros)
}

/// Whether a second was over before its row was named, as with a slow request.
fn is_late(last: i64, now_s: i64) -> bool {
    (1..=LATE_MAX_S).contains(&((last >> PART_BITS) - now_s))
}

fn part_at(last: i64, now_s: i64, micros: i64) -> i64 {
    if is_late(last, now_s) {
        PART_MAX
    } else if last >> PART_BITS == now_s {
        micros.max((last & PART_MAX) + 1).min(PART_MAX)
    } else {
        micros
    }
}

/// A reference that a person can read out: eight characters of Crockford's base 32, `7K4M-2Q9X`.
pub fn reference() -> Result<String, NoRandomness> {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let letter = |byte: u8| {
        let place = usize::from(byte % 32);
        ALPHABET.get(place).copied().map_or('0', char::from)
    };
    let drawn = bytes::<8>()?;
    let (first, second) = drawn.split_at(4);
    let text = |half: &[u8]| half.iter().copied().map(letter).collect::<String>();
    Ok(format!("{}-{}", text(first), text(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_second_are_named_in_their_order() {
        let last = AtomicI64::new(0);
        for (now_s, micros, part) in [
            (10, 20, 20),
            (10, 30, 30),
            (10, 30, 31),
            // Read before the second was over, named after it.
            (10, 3, 32),
            (11, 5, 5),
            (10, 6, PART_MAX),
            (11, 6, 6),
            (11, PART_MAX, PART_MAX),
            (11, 7, PART_MAX),
            (1_764_000_000, 999_999, 999_999),
            // The clock is set back, and time goes on from there.
            (12, 8, 8),
            (12, 8, 9),
        ] {
            assert_eq!(next_part(&last, now_s, micros), part, "{now_s} {micros}");
        }
    }
}
