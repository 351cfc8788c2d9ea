//! The provider's keys as a careful application keeps them: fetched anew for a `kid` it has not seen.

use crate::http::Wire;
use anyhow::{Context, Result, anyhow, bail};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Keys by name.
#[derive(Default)]
pub struct KeyCache {
    keys: RefCell<BTreeMap<String, Rc<ParsedPublicKey>>>,
    /// How often the set was fetched.
    pub fetched: Cell<usize>,
    /// How many tokens were verified.
    pub verified: Cell<usize>,
}

impl KeyCache {
    /// The claims of a token whose signature holds; `None` when the keys cannot be fetched now.
    pub async fn verified(&self, wire: &mut Wire, token: &str) -> Result<Option<Value>> {
        let (input, signature) = token.rsplit_once('.').context("no JWS")?;
        let mut parts = input.split('.');
        let mut part = || -> Result<Value> {
            let part = parts.next().context("no JWS")?;
            Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
        };
        let (header, claims) = (part()?, part()?);
        let kid = header
            .get("kid")
            .and_then(Value::as_str)
            .context("no kid")?;
        if !self.keys.borrow().contains_key(kid) {
            match wire.get("/jwks.json").await {
                Ok(answer) if answer.status == 200 => self.keep(&answer.json()?)?,
                _ => return Ok(None),
            }
        }
        let Some(key) = self.keys.borrow().get(kid).cloned() else {
            bail!("the key set does not have the key that signed");
        };
        let signature = URL_SAFE_NO_PAD.decode(signature)?;
        key.verify_sig(input.as_bytes(), &signature)
            .map_err(|_| anyhow!("the signature is wrong"))?;
        self.verified.set(self.verified.get() + 1);
        Ok(Some(claims))
    }

    fn keep(&self, set: &Value) -> Result<()> {
        self.fetched.set(self.fetched.get() + 1);
        let mut keys = BTreeMap::new();
        for key in set
            .get("keys")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
            if text("kty") != "EC" {
                continue;
            }
            let mut point = vec![4];
            for name in ["x", "y"] {
                point.extend(URL_SAFE_NO_PAD.decode(text(name))?);
            }
            let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
            let parsed = parsed.map_err(|_| anyhow!("a key does not parse"))?;
            keys.insert(text("kid").to_owned(), Rc::new(parsed));
        }
        *self.keys.borrow_mut() = keys;
        Ok(())
    }
}
