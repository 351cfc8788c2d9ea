//! Codes that can be redeemed, laid into the database of a running server as its own commands would.

use crate::phone::now_s;
use crate::relying::{Provider, Relying};
use crate::world::{CALLBACK, Filler, PORTAL, World, secret};
use anyhow::Result;
use serde_json::{Value, json};
use std::rc::Rc;
use techpass_domain::time::Timestamp;
use techpass_server::seal::{hashed, sha256_b64};
use techpass_store::Write;

/// Codes with the verifier that all of them share.
pub struct Codes {
    /// The codes.
    pub codes: Vec<String>,
    verifier: String,
}

impl Codes {
    /// Makes so many, each with a grant of its own, for the world's vendors in turn.
    pub async fn make(world: &World, count: usize) -> Result<Codes> {
        let filler = Filler::of(&world.database, &crate::world::MASTER_KEY).await?;
        let verifier = secret()?;
        let challenge = sha256_b64(&verifier);
        let now = now_s();
        let (mut codes, mut writes) = (Vec::with_capacity(count), Vec::new());
        for person in world.vendors.iter().cycle().take(count) {
            let id = format!("grt_{}", secret()?);
            let code = format!("tp_ac_{}", secret()?);
            let grant = serde_json::from_value(json!({
                "id": id, "client": PORTAL, "account": person.account,
                "sid": format!("sid_{}", secret()?), "scope": "openid profile email",
                "nonce": secret()?, "auth_time": now, "acr": "urn:techpass:acr:number-match",
                "amr": ["pwd", "mfa"], "created_at": now,
            }))?;
            let binding = json!({
                "client_id": PORTAL, "redirect_uri": CALLBACK, "code_challenge": challenge,
                "grant": id, "expires_at": now + 600,
            });
            let expires_at = Timestamp(now + 86_400);
            writes.push(Write::AddGrant { grant, expires_at });
            writes.push(Write::Issue {
                kind: "code",
                key_sha256: hashed(&code),
                data: binding.to_string(),
                expires_at: Timestamp(now + 600),
            });
            codes.push(code);
            if writes.len() > 2000 {
                filler.store().commit(std::mem::take(&mut writes)).await?;
            }
        }
        filler.store().commit(writes).await?;
        filler.close().await?;
        Ok(Codes { codes, verifier })
    }

    fn form(&self, code: &str) -> String {
        format!(
            "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback&code_verifier={}",
            self.verifier
        )
    }

    /// Redeems them all, for what they give.
    pub async fn redeem(&self, provider: &Rc<Provider>) -> Result<Vec<Value>> {
        let mut application = Relying::new(provider);
        let mut all = Vec::with_capacity(self.codes.len());
        for code in &self.codes {
            all.push(
                application
                    .token(&self.form(code))
                    .await?
                    .expect(200)?
                    .json()?,
            );
        }
        Ok(all)
    }

    /// Deals them out to `count` applications that redeem them.
    pub fn deal(&self, provider: &Rc<Provider>, count: usize) -> Vec<Redeemer> {
        let one = |n: usize| Redeemer {
            application: Relying::new(provider),
            forms: self
                .codes
                .iter()
                .skip(n)
                .step_by(count)
                .map(|code| self.form(code))
                .collect(),
        };
        (0..count).map(one).collect()
    }
}

/// An application with codes to redeem.
pub struct Redeemer {
    application: Relying,
    forms: Vec<String>,
}

impl Redeemer {
    /// Redeems the next one; whether there was one.
    pub async fn next(&mut self) -> Result<bool> {
        let Some(form) = self.forms.pop() else {
            return Ok(false);
        };
        self.application.token(&form).await?.expect(200)?;
        Ok(true)
    }
}
