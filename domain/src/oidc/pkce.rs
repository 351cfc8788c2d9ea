//! Proof Key for Code Exchange (RFC 7636), S256 only.

/// Whether a text can be an S256 challenge: 43 characters of base64url (RFC 7636 §4.2).
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(base64url)
}

/// Whether a text can be a verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
pub fn is_verifier(text: &str) -> bool {
    let unreserved = |b: u8| base64url(b) || b == b'.' || b == b'~';
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

/// RFC 7636 §4.6: whether the challenge is the base64url SHA-256 of the verifier, which the caller computed.
pub fn matches(challenge: &str, computed_s256_of_verifier: &str) -> bool {
    same(challenge.as_bytes(), computed_s256_of_verifier.as_bytes())
}

/// Whether a redemption fits its request. A challenge never redeems without its verifier (RFC 7636 §4.6), and a request
/// that had none never redeems with one (RFC 9700 §2.1.1: PKCE downgrade).
pub fn redeems(challenge: Option<&str>, computed_s256_of_verifier: Option<&str>) -> bool {
    match (challenge, computed_s256_of_verifier) {
        (None, None) => true,
        (Some(challenge), Some(computed)) => matches(challenge, computed),
        _ => false,
    }
}

/// Compares without telling by its duration where two texts of one length differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    let pairs = a.iter().zip(b);
    let difference = pairs.fold(0_u8, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && std::hint::black_box(difference) == 0
}

fn base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
