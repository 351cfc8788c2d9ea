//! Verification codes (RFC 6238): six digits, thirty seconds, SHA-1.

use anyhow::{Result, anyhow};
use serde::Deserialize;
use totp_rs::{Algorithm, Builder, Secret, Totp};

/// The `code` member of an enrolment's answer. It has no `Debug`, since the seed is a secret.
#[derive(Deserialize)]
pub struct CodeSeed {
    /// The seed in base32.
    pub secret: String,
    period: u64,
    digits: u8,
    algorithm: String,
}

impl CodeSeed {
    /// Whether this phone can make the codes that the server wants.
    ///
    /// # Errors
    /// When it wants other codes than RFC 6238 has by default, or the seed does not parse.
    pub fn check(&self) -> Result<()> {
        if (self.period, self.digits, self.algorithm.as_str()) != (30, 6, "SHA1") {
            return Err(anyhow!(
                "the server wants verification codes of a kind that this phone cannot make"
            ));
        }
        totp(&self.secret).map(drop)
    }
}

/// The code of a moment, in Unix seconds of the server's clock.
///
/// # Errors
/// When the seed does not parse.
pub fn at(seed_base32: &str, now: i64) -> Result<String> {
    Ok(totp(seed_base32)?
        .generate(now.try_into().unwrap_or(0))
        .to_string())
}

fn totp(seed_base32: &str) -> Result<Totp> {
    let damaged = || anyhow!("the seed of the verification codes does not parse");
    let seed = seed_base32.trim_end_matches('=').to_ascii_uppercase();
    let secret = Secret::try_from_base32(seed).map_err(|_| damaged())?;
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(secret)
        .build()
        .map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    use super::*;

    /// "12345678901234567890" of RFC 6238, appendix B, in base32.
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_the_last_six_digits_of_the_standards_table() {
        for (now, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(at(SEED, now).unwrap(), code);
        }
        assert_eq!(at(&SEED.to_lowercase(), 59).unwrap(), "287082");
    }

    #[test]
    fn other_kinds_of_code_are_refused() {
        let seed = |period, digits, algorithm: &str, secret: &str| CodeSeed {
            secret: secret.to_owned(),
            period,
            digits,
            algorithm: algorithm.to_owned(),
        };
        assert!(seed(30, 6, "SHA1", SEED).check().is_ok());
        assert!(seed(60, 6, "SHA1", SEED).check().is_err());
        assert!(seed(30, 8, "SHA1", SEED).check().is_err());
        assert!(seed(30, 6, "SHA256", SEED).check().is_err());
        assert!(seed(30, 6, "SHA1", "1!").check().is_err());
        assert!(seed(30, 6, "SHA1", "GEZDG").check().is_err());
    }
}
