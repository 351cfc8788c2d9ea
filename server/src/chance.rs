//! The only source of randomness: the cryptographic generator of aws-lc.

use aws_lc_rs::rand::fill;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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

/// A row's name: a prefix and 96 random bits; `now_s` in front makes rows of a table sort by time.
pub fn row_id(prefix: &str, now_s: i64) -> Result<String, NoRandomness> {
    let tail = URL_SAFE_NO_PAD.encode(bytes::<12>()?);
    Ok(format!("{prefix}_{now_s:010x}{tail}"))
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
