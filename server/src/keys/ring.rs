//! The keys of an instance, parsed: what it signs with, and what it believes of itself.

use super::pair::Pair;
use super::{life, place};
use crate::app::Error;
use crate::seal::{Seal, sha256};
use crate::web::document::Document;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use techpass_domain::client::SigningAlg;
use techpass_domain::keys::{KeyState, SET_MAX_AGE_S};
use techpass_domain::oidc::jwt::{self, Unverified};
use techpass_domain::time::Timestamp;
use techpass_store::keeping::KeyRow;

/// Tokens of a generation of the memory below; about a kilobyte each.
const REMEMBERED_MAX: usize = 4_096;

struct Key {
    kid: String,
    alg: SigningAlg,
    state: KeyState,
    pair: Pair,
}

/// The keys as they are at one moment.
pub struct KeyRing {
    keys: HashMap<String, Key>,
    /// The JWK set (RFC 7517 §5): public members of the keys that are next, active or lately retired.
    pub jwks: Document,
    fingerprint: Vec<(String, String, bool)>,
    remembered: Mutex<Remembered>,
}

/// A token that was verified: its type and its claims.
type Verified = (&'static str, Arc<Value>);

/// Tokens that were verified lately, by hash: looking one up costs far less than a signature. When a generation is full
/// it becomes the old one, and the old one is forgotten. It goes with the ring, so no revoked key leaves anything in it.
#[derive(Default)]
struct Remembered {
    young: HashMap<[u8; 32], Verified>,
    old: HashMap<[u8; 32], Verified>,
}

impl Remembered {
    fn get(&mut self, hash: &[u8; 32]) -> Option<Verified> {
        if let Some(verified) = self.young.get(hash) {
            return Some(verified.clone());
        }
        let verified = self.old.remove(hash)?;
        self.put(*hash, verified.clone());
        Some(verified)
    }

    fn put(&mut self, hash: [u8; 32], verified: Verified) {
        if self.young.len() >= REMEMBERED_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, verified);
    }
}

/// What tells one state of the keys from another: names, states, and whether each is published.
pub fn fingerprint(rows: &[KeyRow], now: Timestamp) -> Vec<(String, String, bool)> {
    let one = |row: &KeyRow| {
        let published = life(row).is_some_and(|life| life.published(now));
        (row.kid.clone(), row.state.clone(), published)
    };
    rows.iter().map(one).collect()
}

impl KeyRing {
    /// Parses the rows. Keys that were retired long ago are kept for one thing: an old ID token is still a hint of who
    /// is meant (RP-Initiated Logout §2). Revoked ones are not even opened.
    pub fn parse(rows: &[KeyRow], seal: &Seal, now: Timestamp) -> Result<KeyRing, Error> {
        let mut keys = HashMap::new();
        let mut published = Vec::new();
        for row in rows {
            let Some(life) = life(row) else {
                return Err(Error::internal(
                    "a signing key has an unknown algorithm or state",
                ));
            };
            if life.state == KeyState::Revoked {
                continue;
            }
            if life.published(now) {
                published.push(serde_json::from_str::<Value>(&row.public_jwk)?);
            }
            let der = seal.open(&place(&row.kid), &row.sealed_private)?;
            let key = Key {
                kid: row.kid.clone(),
                alg: life.alg,
                state: life.state,
                pair: Pair::parse(life.alg, &der)?,
            };
            keys.insert(row.kid.clone(), key);
        }
        Ok(KeyRing {
            keys,
            jwks: Document::new(&json!({ "keys": published }), SET_MAX_AGE_S),
            fingerprint: fingerprint(rows, now),
            remembered: Mutex::default(),
        })
    }

    /// Whether it was made of these rows as they are now.
    pub fn is_of(&self, rows: &[KeyRow], now: Timestamp) -> bool {
        self.fingerprint == fingerprint(rows, now)
    }

    fn active(&self, alg: SigningAlg) -> Option<&Key> {
        self.keys
            .values()
            .find(|key| key.alg == alg && key.state == KeyState::Active)
    }

    /// Whether there is an active key of the algorithm.
    pub fn can_sign(&self, alg: SigningAlg) -> bool {
        self.active(alg).is_some()
    }

    /// Signs claims as a compact JWS (RFC 7515 §3.1) with the active key of the algorithm.
    pub fn sign(&self, alg: SigningAlg, typ: &str, claims: &Value) -> Result<String, Error> {
        let key = self
            .active(alg)
            .ok_or_else(|| Error::internal("no active signing key"))?;
        let header = json!({ "alg": alg.as_str(), "kid": key.kid, "typ": typ });
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
        let signature = key.pair.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The claims of a token of this type that one of these keys signed, whatever its age. The key's own algorithm
    /// counts, never the header's (RFC 8725 §3.1); a header without `kid` names no key of ours.
    pub fn believed(&self, token: &str, typ: &'static str) -> Option<Arc<Value>> {
        let hash = sha256(token.as_bytes());
        let verified = self.remembered().get(&hash);
        if let Some((of, claims)) = verified {
            return (of == typ).then_some(claims);
        }
        let compact = Unverified::parse(token).ok()?;
        let key = self.keys.get(compact.header.kid.as_deref()?)?;
        if compact.header.alg != key.alg.as_str() || !jwt::is_typ(&compact.header, typ) {
            return None;
        }
        let input = compact.signing_input.as_bytes();
        if !key.pair.signed(input, &compact.signature) {
            return None;
        }
        let claims = Arc::new(compact.claims().ok()?);
        self.remembered().put(hash, (typ, Arc::clone(&claims)));
        Some(claims)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::{Keeper, made_row};
    use techpass_domain::keys::KeyRules;
    use techpass_domain::oidc::jwt::typ::{ACCESS_TOKEN, ID_TOKEN};

    fn rows(seal: &Seal, state: KeyState) -> Vec<KeyRow> {
        let rules = KeyRules::default();
        let keeper = Keeper {
            seal,
            rules: &rules,
            now: Timestamp(0),
        };
        let one = |alg| {
            made_row(
                super::super::pair::generate(alg).unwrap(),
                alg,
                state,
                &keeper,
            )
            .unwrap()
        };
        SigningAlg::ALL
            .map(one)
            .into_iter()
            .map(|new| KeyRow {
                kid: new.kid,
                alg: new.alg,
                state: new.state.to_owned(),
                public_jwk: new.public_jwk,
                sealed_private: new.sealed_private,
                created_at: new.created_at,
                retired_at: None,
            })
            .collect()
    }

    #[test]
    fn every_algorithm_signs_and_others_can_verify_with_what_is_published() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let rows = rows(&seal, KeyState::Active);
        let ring = KeyRing::parse(&rows, &seal, Timestamp(0)).unwrap();
        for alg in SigningAlg::ALL {
            let token = ring.sign(alg, "JWT", &json!({ "n": 1 })).unwrap();
            assert!(ring.believed(&token, ACCESS_TOKEN).is_none());
            assert_eq!(
                *ring.believed(&token, ID_TOKEN).unwrap(),
                json!({ "n": 1 }),
                "{alg:?}"
            );
            // Once more, from memory.
            assert!(ring.believed(&token, ID_TOKEN).is_some());
            assert!(ring.believed(&token, ACCESS_TOKEN).is_none());
            let jwk = rows.iter().find(|row| row.alg == alg.as_str()).unwrap();
            let jwk: Value = serde_json::from_str(&jwk.public_jwk).unwrap();
            assert_eq!(jwk["use"], "sig");
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(jwk.get(private).is_none(), "{alg:?} {private}");
            }
            let parsed: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
            let key = jsonwebtoken::DecodingKey::from_jwk(&parsed).unwrap();
            let (input, signature) = token.rsplit_once('.').unwrap();
            let algorithm: jsonwebtoken::Algorithm = alg.as_str().parse().unwrap();
            let good = jsonwebtoken::crypto::verify(signature, input.as_bytes(), &key, algorithm);
            assert!(good.unwrap(), "{alg:?}");
        }
    }

    #[test]
    fn a_token_of_another_hand_is_not_believed() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let ring = KeyRing::parse(&rows(&seal, KeyState::Active), &seal, Timestamp(0)).unwrap();
        let other = KeyRing::parse(&rows(&seal, KeyState::Active), &seal, Timestamp(0)).unwrap();
        let foreign = other.sign(SigningAlg::ES256, "JWT", &json!({})).unwrap();
        assert!(ring.believed(&foreign, ID_TOKEN).is_none());
        let token = ring
            .sign(SigningAlg::ES256, "JWT", &json!({ "n": 1 }))
            .unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let header = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let kid = |alg| ring.active(alg).unwrap().kid.clone();
        for (what, header) in [
            ("no kid", header(json!({ "alg": "ES256" }))),
            ("no alg", header(json!({ "kid": kid(SigningAlg::ES256) }))),
            (
                "none",
                header(json!({ "alg": "none", "kid": kid(SigningAlg::ES256) })),
            ),
            (
                "hmac",
                header(json!({ "alg": "HS256", "kid": kid(SigningAlg::ES256) })),
            ),
            (
                "another key",
                header(json!({ "alg": "ES256", "kid": kid(SigningAlg::RS256) })),
            ),
            (
                "crit",
                header(json!({ "alg": "ES256", "kid": kid(SigningAlg::ES256), "crit": ["exp"] })),
            ),
        ] {
            let forged = format!("{header}.{}.{}", parts[1], parts[2]);
            assert!(ring.believed(&forged, ID_TOKEN).is_none(), "{what}");
        }
        let payload = URL_SAFE_NO_PAD.encode(r#"{"n":2}"#);
        let forged = format!("{}.{payload}.{}", parts[0], parts[2]);
        assert!(ring.believed(&forged, ID_TOKEN).is_none());
    }

    #[test]
    fn a_revoked_key_is_neither_published_nor_believed() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let mut rows = rows(&seal, KeyState::Active);
        let ring = KeyRing::parse(&rows, &seal, Timestamp(0)).unwrap();
        let token = ring.sign(SigningAlg::ES256, "JWT", &json!({})).unwrap();
        for row in &mut rows {
            row.state = "revoked".to_owned();
        }
        assert!(!ring.is_of(&rows, Timestamp(0)));
        let ring = KeyRing::parse(&rows, &seal, Timestamp(0)).unwrap();
        assert!(ring.believed(&token, ID_TOKEN).is_none());
        assert_eq!(ring.jwks.text(), r#"{"keys":[]}"#);
    }
}
