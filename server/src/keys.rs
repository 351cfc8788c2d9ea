//! Signing keys: made at first start, sealed at rest, parsed once, rotated by command.

use crate::app::{App, Error};
use crate::chance;
use crate::seal::{Seal, sha256_b64};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use techpass_domain::audit::Record;
use techpass_domain::client::SigningAlg;
use techpass_domain::time::{Seconds, Timestamp};
use techpass_store::keeping::KeyRow;
use techpass_store::write::NewKey;
use techpass_store::{Store, Write};

/// How long a retired key stays published: longer than any token it signed lives.
pub const RETIRED_FOR_S: Seconds = 24 * 60 * 60;

enum Private {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

struct Key {
    kid: String,
    alg: SigningAlg,
    private: Private,
}

/// The keys of an instance, parsed.
pub struct KeyRing {
    active: Vec<Key>,
    /// The JWK set (RFC 7517 §5): active, next and recently retired keys, public members only.
    pub jwks: Value,
}

impl KeyRing {
    /// Reads the keys, making those that are missing.
    pub async fn load(store: &Store, seal: &Seal, now: Timestamp) -> Result<KeyRing, Error> {
        let mut rows = store.keys().await?;
        for alg in [SigningAlg::ES256, SigningAlg::RS256] {
            let missing = !rows
                .iter()
                .any(|row| row.alg == alg.as_str() && row.state == "active");
            if missing {
                let key = generate(alg, "active", seal, now)?;
                store.commit(vec![Write::AddKey(key)]).await?;
            }
        }
        rows = store.keys().await?;
        KeyRing::parse(&rows, seal, now)
    }

    fn parse(rows: &[KeyRow], seal: &Seal, now: Timestamp) -> Result<KeyRing, Error> {
        let mut active = Vec::new();
        let mut published = Vec::new();
        for row in rows {
            let dead = row
                .retired_at
                .is_some_and(|at| now.since(at) > RETIRED_FOR_S);
            if dead {
                continue;
            }
            published.push(serde_json::from_str::<Value>(&row.public_jwk)?);
            if row.state == "active" {
                let der = seal.open(&place(&row.kid), &row.sealed_private)?;
                active.push(parse_private(&row.kid, &row.alg, &der)?);
            }
        }
        Ok(KeyRing {
            active,
            jwks: json!({ "keys": published }),
        })
    }

    /// Whether there is an active key of the algorithm.
    pub fn can_sign(&self, alg: SigningAlg) -> bool {
        self.active.iter().any(|key| key.alg == alg)
    }

    /// Signs claims as a compact JWS (RFC 7515 §3.1) with the active key of the algorithm.
    pub fn sign(&self, alg: SigningAlg, typ: &str, claims: &Value) -> Result<String, Error> {
        let key = self
            .active
            .iter()
            .find(|key| key.alg == alg)
            .ok_or_else(|| Error::internal("no active signing key"))?;
        let header = json!({ "alg": alg.as_str(), "kid": key.kid, "typ": typ });
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = sign_bytes(&key.private, input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Makes a new active key of each algorithm and retires the present ones, which stay published until their last token
/// is dead.
pub async fn rotate(app: &App) -> Result<Vec<String>, Error> {
    let (store, seal, now) = (&app.store, &app.seal, app.now());
    let rows = store.keys().await?;
    let mut writes = Vec::new();
    let mut made = Vec::new();
    for row in rows.iter().filter(|row| row.state == "active") {
        writes.push(Write::SetKeyState {
            kid: row.kid.clone(),
            state: "retired",
            at: now,
        });
    }
    for alg in [SigningAlg::ES256, SigningAlg::RS256] {
        let key = generate(alg, "active", seal, now)?;
        made.push(key.kid.clone());
        writes.push(Write::AddKey(key));
    }
    writes.push(app.audit(Record {
        at: now,
        kind: "keys.rotated".to_owned(),
        account: None,
        client: None,
        reference: None,
        detail: json!({ "kids": made }),
    })?);
    store.commit(writes).await?;
    Ok(made)
}

fn place(kid: &str) -> String {
    format!("signing_keys|{kid}")
}

fn generate(
    alg: SigningAlg,
    state: &'static str,
    seal: &Seal,
    now: Timestamp,
) -> Result<NewKey, Error> {
    let failed = |_| Error::internal("a signing key cannot be made");
    let (der, mut public) = match alg {
        SigningAlg::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
            let der = pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec();
            (der, ec_jwk(pair.public_key().as_ref())?)
        }
        SigningAlg::RS256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'static>>::as_der(&pair);
            let der = der.map_err(failed)?.as_ref().to_vec();
            let public = pair.public_key();
            let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
            let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
            (der, json!({ "kty": "RSA", "n": n, "e": e }))
        }
    };
    let kid = sha256_b64(&format!("{public}{}", chance::secret()?));
    let kid: String = kid.chars().take(22).collect();
    if let Some(members) = public.as_object_mut() {
        members.insert("kid".into(), kid.clone().into());
        members.insert("use".into(), "sig".into());
        members.insert("alg".into(), alg.as_str().into());
    }
    Ok(NewKey {
        sealed_private: seal.seal(&place(&kid), &der)?,
        kid,
        alg: alg.as_str().to_owned(),
        state,
        public_jwk: public.to_string(),
        created_at: now,
    })
}

/// The JWK of an uncompressed P-256 point.
fn ec_jwk(point: &[u8]) -> Result<Value, Error> {
    let coordinates = point.strip_prefix(&[4]).filter(|xy| xy.len() == 64);
    let (x, y) = coordinates
        .and_then(|xy| xy.split_at_checked(32))
        .ok_or_else(|| Error::internal("a public key has an unexpected form"))?;
    Ok(json!({
        "kty": "EC",
        "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
    }))
}

fn parse_private(kid: &str, alg: &str, der: &[u8]) -> Result<Key, Error> {
    let failed = |_| Error::internal("a signing key does not parse");
    let (alg, private) = match SigningAlg::parse(alg) {
        Some(SigningAlg::ES256) => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
            (SigningAlg::ES256, Private::Es256(pair.map_err(failed)?))
        }
        Some(SigningAlg::RS256) => {
            let pair = RsaKeyPair::from_pkcs8(der).map_err(failed)?;
            (SigningAlg::RS256, Private::Rs256(pair))
        }
        None => return Err(Error::internal("a signing key has an unknown algorithm")),
    };
    Ok(Key {
        kid: kid.to_owned(),
        alg,
        private,
    })
}

fn sign_bytes(private: &Private, message: &[u8]) -> Result<Vec<u8>, Error> {
    let random = SystemRandom::new();
    let failed = |_| Error::internal("signing failed");
    match private {
        Private::Es256(pair) => {
            let signature = pair.sign(&random, message).map_err(failed)?;
            Ok(signature.as_ref().to_vec())
        }
        Private::Rs256(pair) => {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                .map_err(failed)?;
            Ok(signature)
        }
    }
}
