//! What the master key does: seal private keys and seeds, derive what must not be stored. And SHA-256 of secrets.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::path::Path;
use techpass_domain::oidc::claims::TokenHash;
use zeroize::Zeroizing;

/// Why something sealed cannot be opened, or sealed at all.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The master key file is missing or unreadable.
    #[error("cannot read the master key {path}: {reason}; `techpass init` makes one")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file holds something else.
    #[error("the master key {0} must hold 64 hexadecimal digits")]
    Malformed(String),
    /// Sealed under another master key, for another row, or damaged.
    #[error("a sealed value does not open: it was sealed under another master key, or was altered")]
    DoesNotOpen,
    /// No randomness, or a length that the cipher refuses.
    #[error("a value cannot be sealed")]
    CannotSeal,
}

/// The master key, parsed. It never leaves the process and never enters the database.
pub struct Seal {
    aead: LessSafeKey,
    derive: hmac::Key,
}

impl Seal {
    /// From 32 bytes.
    pub fn new(master: &[u8; 32]) -> Result<Seal, SealError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"techpass master key v1");
        let prk = salt.extract(master);
        let part = |info: &'static [u8]| -> Result<Zeroizing<[u8; 32]>, SealError> {
            let mut out = Zeroizing::new([0_u8; 32]);
            let info = [info];
            let okm = prk.expand(&info, hkdf::HKDF_SHA256);
            okm.and_then(|okm| okm.fill(out.as_mut_slice()))
                .map_err(|_| SealError::CannotSeal)?;
            Ok(out)
        };
        let sealing = part(b"seal")?;
        let key = UnboundKey::new(&AES_256_GCM, sealing.as_slice());
        Ok(Seal {
            aead: LessSafeKey::new(key.map_err(|_| SealError::CannotSeal)?),
            derive: hmac::Key::new(hmac::HMAC_SHA256, part(b"derive")?.as_slice()),
        })
    }

    /// From a file of 64 hexadecimal digits.
    pub fn from_file(path: &Path) -> Result<Seal, SealError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| SealError::Unreadable {
            path: shown.clone(),
            reason: error.to_string(),
        })?;
        let text = Zeroizing::new(text);
        let bytes = unhex(text.trim()).ok_or(SealError::Malformed(shown))?;
        Seal::new(&bytes)
    }

    /// Seals bytes for one place, such as `signing_keys|KID`; they open only there.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = crate::chance::bytes::<NONCE_LEN>().map_err(|_| SealError::CannotSeal)?;
        let mut sealed = plain.to_vec();
        let aad = Aad::from(place.as_bytes());
        self.aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| SealError::CannotSeal)?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(out)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, body) = sealed
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SealError::DoesNotOpen)?;
        let mut body = body.to_vec();
        let aad = Aad::from(place.as_bytes());
        let plain = self
            .aead
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut body);
        let plain = plain.map_err(|_| SealError::DoesNotOpen)?;
        Ok(Zeroizing::new(plain.to_vec()))
    }

    /// 32 bytes that follow from the master key, a purpose and a value; nobody else can compute them.
    pub fn derived(&self, purpose: &str, value: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.derive, format!("{purpose}|{value}").as_bytes());
        let mut out = [0_u8; 32];
        for (to, from) in out.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        out
    }

    /// The same in base64url.
    pub fn derived_text(&self, purpose: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.derived(purpose, value))
    }

    /// The number that belongs to a challenge's nonce: 10 to 99. It is stored nowhere.
    pub fn number(&self, nonce: &str) -> u8 {
        let drawn = self.derived("number", nonce);
        let wide = drawn
            .first_chunk::<8>()
            .map_or(0, |eight| u64::from_be_bytes(*eight));
        10 + u8::try_from(wide % 90).unwrap_or(0)
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut out = [0_u8; 32];
    for (to, pair) in out.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *to = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(out)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut out = [0_u8; 32];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

/// The left half of a token's hash in base64url: `at_hash` (OpenID Connect Core §3.1.3.6).
pub fn left_half_b64(hash: TokenHash, token: &str) -> String {
    let algorithm = match hash {
        TokenHash::Sha256 => &digest::SHA256,
        TokenHash::Sha512 => &digest::SHA512,
    };
    let digest = digest::digest(algorithm, token.as_bytes());
    let left = digest.as_ref().get(..algorithm.output_len() / 2);
    URL_SAFE_NO_PAD.encode(left.unwrap_or_default())
}

/// SHA-256 of a secret, in hexadecimal: how secrets stand in the database.
pub fn hashed(secret: &str) -> String {
    hex(&sha256(secret.as_bytes()))
}

/// SHA-256 in base64url: `token_hash`, PKCE's S256, `jti` keys.
pub fn sha256_b64(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()))
}

/// Compares in constant time.
pub fn same(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_sealed_for_one_place_opens_only_there_and_only_unaltered() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let sealed = seal.seal("a|1", b"secret").unwrap();
        assert_eq!(seal.open("a|1", &sealed).unwrap().as_slice(), b"secret");
        assert!(seal.open("a|2", &sealed).is_err());
        assert!(Seal::new(&[8; 32]).unwrap().open("a|1", &sealed).is_err());
        let mut altered = sealed.clone();
        *altered.last_mut().unwrap() ^= 1;
        assert!(seal.open("a|1", &altered).is_err());
        assert!(seal.open("a|1", &[]).is_err());
    }

    #[test]
    fn numbers_are_two_digits_and_every_one_occurs() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let drawn: std::collections::BTreeSet<u8> =
            (0..5_000).map(|n| seal.number(&n.to_string())).collect();
        assert_eq!(drawn.len(), 90);
        assert_eq!((drawn.first(), drawn.last()), (Some(&10), Some(&99)));
    }
}
