//! The only source of randomness: the cryptographic generator of aws-lc; and the names of rows, which are random for the most
//! part.

use crate::clock::within_second;
use aws_lc_rs::rand::fill;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::cmp::Ordering::{Equal, Greater, Less};
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
    let tail = URL_SAFE_NO_PAD.encode(bytes::<12>()?);
    let micros = i64::from(within_second());
    let later = |last| {
        let (second, part) = named_at(last, now_s, micros);
        (second >= last >> PART_BITS).then_some(second << PART_BITS | part)
    };
    let last = LAST.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
    let (Ok(last) | Err(last)) = last;
    let (second, part) = named_at(last, now_s, micros);
    Ok(format!("{prefix}_{second:010x}{part:05x}{tail}"))
}

/// Bits of a part of a second, microseconds as long as the order allows it.
const PART_BITS: u32 = 20;
const PART_MAX: i64 = (1 << PART_BITS) - 1;
/// The last second that a row was named in, and the part of it.
static LAST: AtomicI64 = AtomicI64::new(0);

/// Second and part of the next name, always behind the last of that second.
fn named_at(last: i64, now_s: i64, micros: i64) -> (i64, i64) {
    let (second, part) = (last >> PART_BITS, last & PART_MAX);
    let part = match now_s.cmp(&second) {
        // The second was over before its row was named, as with a slow request; or the clock was set back.
        Less => PART_MAX,
        Equal => micros.max(part + 1).min(PART_MAX),
        Greater => micros,
    };
    (now_s, part)
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
        let at = |second: i64, part: i64| second << PART_BITS | part;
        for (last, now_s, micros, part) in [
            (at(9, 500), 10, 20, 20),
            (at(10, 20), 10, 30, 30),
            // Read before the second was over, named after it.
            (at(10, 20), 10, 3, 21),
            (at(10, 20), 10, 20, 21),
            (at(11, 20), 10, 30, PART_MAX),
            (at(10, PART_MAX), 10, 30, PART_MAX),
            (0, 1_764_000_000, 999_999, 999_999),
        ] {
            assert_eq!(
                named_at(last, now_s, micros),
                (now_s, part),
                "{last} {now_s}"
            );
        }
    }

    #[test]
    fn what_is_named_later_sorts_behind() {
        let names: Vec<_> = (0..1_000)
            .map(|_| row_id("aud", i64::from(u32::MAX)).ok())
            .collect();
        assert!(
            names.is_sorted() && names.iter().all(Option::is_some),
            "{names:?}"
        );
    }
}
