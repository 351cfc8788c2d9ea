//! What a log must never hold.

use super::people::PASSWORD;

/// How the product's secrets begin: codes, refresh tokens, client secrets; and every JWT.
const BEGINNINGS: [&str; 4] = ["tp_ac_", "tp_rt_", "tp_cs_", "eyJ"];

/// Panics with the line that holds a secret: one that the product made, or one of those that the test knows.
pub fn assert_none(log: &str, known: &[String]) {
    for line in log.lines() {
        for beginning in BEGINNINGS.iter().chain([&PASSWORD]) {
            assert!(
                !line.contains(beginning),
                "the log holds {beginning}…: {line}"
            );
        }
        for secret in known {
            assert!(
                !line.contains(secret.as_str()),
                "the log holds the secret {secret}: {line}"
            );
        }
    }
}
