//! The application's side: authorization requests, redeeming codes, verifying ID tokens, userinfo.

use crate::http::{Answer, Site, Wire, parameter, path_of};
use crate::world::{CALLBACK, PORTAL, basic, secret};
use anyhow::{Context, Result, anyhow, bail};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::rc::Rc;
use std::sync::Arc;
use techpass_server::seal::sha256_b64;

/// What an application knows of its provider.
pub struct Provider {
    site: Arc<Site>,
    authorization: String,
    key: ParsedPublicKey,
    client: String,
}

impl Provider {
    /// Reads discovery and keys, as an application does at its start.
    pub async fn learn(site: &Arc<Site>, client_secret: &str) -> Result<Rc<Provider>> {
        let mut wire = Wire::new(site);
        let keys = wire.get("/jwks.json").await?.expect(200)?.json()?;
        let keys = keys.get("keys").and_then(Value::as_array);
        let ec = keys
            .into_iter()
            .flatten()
            .find(|key| key.get("kty").is_some_and(|kty| kty == "EC"))
            .context("the provider has no EC key")?;
        let mut point = vec![4];
        for name in ["x", "y"] {
            let text = ec.get(name).and_then(Value::as_str).unwrap_or_default();
            point.extend(URL_SAFE_NO_PAD.decode(text)?);
        }
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .map_err(|_| anyhow!("the provider's key does not parse"))?;
        Ok(Rc::new(Provider {
            site: Arc::clone(site),
            authorization: basic(PORTAL, client_secret),
            key,
            client: PORTAL.to_owned(),
        }))
    }
}

/// One browser's trip through the application.
pub struct Trip {
    state: String,
    nonce: String,
    verifier: String,
}

impl Trip {
    /// Fresh secrets.
    pub fn new() -> Result<Trip> {
        Ok(Trip {
            state: secret()?,
            nonce: secret()?,
            verifier: secret()?,
        })
    }

    /// The PKCE verifier.
    pub fn verifier(&self) -> &str {
        &self.verifier
    }

    /// The nonce.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The form that redeems a code.
    pub fn redemption(&self, code: &str) -> String {
        format!(
            "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback&code_verifier={}",
            self.verifier
        )
    }

    /// Where the application sends the browser.
    pub fn authorize(&self, more: &str) -> String {
        let challenge = sha256_b64(&self.verifier);
        format!(
            "/authorize?response_type=code&client_id={PORTAL}&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback\
             &scope=openid+profile+email&state={}&nonce={}&code_challenge={challenge}&code_challenge_method=S256{more}",
            self.state, self.nonce
        )
    }
}

/// The application's own connection to its provider.
pub struct Relying {
    provider: Rc<Provider>,
    wire: Wire,
}

/// What the application got.
pub struct Tokens {
    /// For userinfo.
    pub access: String,
}

impl Relying {
    /// Connects when it is first used.
    pub fn new(provider: &Rc<Provider>) -> Relying {
        Relying {
            wire: Wire::new(&provider.site),
            provider: Rc::clone(provider),
        }
    }

    /// Asks the token endpoint.
    pub async fn token(&mut self, form: &str) -> Result<Answer> {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", self.provider.authorization.as_str()),
        ];
        self.wire.call("POST", "/token", &headers, Some(form)).await
    }

    /// Takes the redirect apart, redeems the code and verifies the ID token.
    pub async fn finish(&mut self, trip: &Trip, redirect: &str) -> Result<Tokens> {
        if !redirect.starts_with(CALLBACK) {
            bail!(
                "the browser went to {} instead of the application",
                path_of(redirect)
            );
        }
        if parameter(redirect, "state").as_deref() != Some(&trip.state) {
            bail!("another state came back");
        }
        let code = parameter(redirect, "code").context("no code came back")?;
        let tokens = self
            .token(&trip.redemption(&code))
            .await?
            .expect(200)?
            .json()?;
        let text = |name: &str| tokens.get(name).and_then(Value::as_str);
        let claims = self.verified(text("id_token").context("no ID token came")?)?;
        if claims.get("nonce").and_then(Value::as_str) != Some(&trip.nonce) {
            bail!("another nonce came back");
        }
        Ok(Tokens {
            access: text("access_token")
                .context("no access token came")?
                .to_owned(),
        })
    }

    fn verified(&self, token: &str) -> Result<Value> {
        let (input, signature) = token.rsplit_once('.').context("no JWS")?;
        let signature = URL_SAFE_NO_PAD.decode(signature)?;
        let verified = self.provider.key.verify_sig(input.as_bytes(), &signature);
        verified.map_err(|_| anyhow!("the ID token's signature is wrong"))?;
        let claims = input.split('.').nth(1).context("no claims")?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
        if claims.get("aud").and_then(Value::as_str) != Some(&self.provider.client) {
            bail!("the ID token is for somebody else");
        }
        Ok(claims)
    }

    /// Asks who it is.
    pub async fn userinfo(&mut self, access: &str) -> Result<()> {
        let header = format!("Bearer {access}");
        let answer = self
            .wire
            .call("GET", "/userinfo", &[("authorization", &header)], None)
            .await?;
        answer.expect(200)?;
        Ok(())
    }
}
