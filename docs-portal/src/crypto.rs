//! The little cryptography the portal does itself: random values, hashes, comparison.

use aws_lc_rs::{constant_time, digest};
use openidconnect::CsrfToken;

/// The number of random bytes in a value that must not be guessed.
const TOKEN_BYTES: u32 = 32;

/// The length of such a value, as unpadded base64url.
const TOKEN_CHARS: usize = 43;

/// A SHA-256 value.
pub(crate) type Hash = [u8; 32];

/// 256 random bits as 43 characters of base64url.
pub(crate) fn random_token() -> String {
    CsrfToken::new_random_len(TOKEN_BYTES).secret().clone()
}

/// True when a value has the form that [`random_token`] gives.
pub(crate) fn looks_like_token(value: &str) -> bool {
    value.len() == TOKEN_CHARS
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// SHA-256. Only hashes of cookies are kept, so that a copy of the memory opens no session.
pub(crate) fn sha256(value: &str) -> Hash {
    let mut hash = [0; 32];
    let digest = digest::digest(&digest::SHA256, value.as_bytes());
    for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    hash
}

/// Compares in a time that does not depend on where two values differ.
pub(crate) fn same(left: &str, right: &str) -> bool {
    constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

/// A short reference that a person can read aloud, such as `7K4M-2Q9X` (Crockford base 32). It is
/// shown on a page and written to the log, and means nothing else.
pub(crate) fn reference() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut text = String::with_capacity(9);
    for (place, byte) in sha256(&random_token()).iter().take(8).enumerate() {
        if place == 4 {
            text.push('-');
        }
        let letter = ALPHABET
            .get(usize::from(byte & 31))
            .copied()
            .unwrap_or(b'0');
        text.push(char::from(letter));
    }
    text
}
