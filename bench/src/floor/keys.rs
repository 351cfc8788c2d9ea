//! Signatures, HMAC and randomness of the floor.

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    ParsedPublicKey,
};
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// About as much as the product keeps of a fact.
pub const CLAIMS: &str = "{\"client_id\":\"machine\",\"redirect_uri\":\"http://localhost:9/callback\",\
    \"grant\":\"grt_0000000000floorfloorflo\",\"scope\":\"openid profile email\",\"expires_at\":1790000000}";

/// The keys of a floor. The signing key is always the same, so that a generator can make its messages.
pub struct Keys {
    pair: EcdsaKeyPair,
    public: ParsedPublicKey,
    hmac: hmac::Key,
    client: String,
    secret_tag: hmac::Tag,
}

/// The fixed keys, for the generator.
pub fn fixed() -> Result<Keys> {
    Keys::new("", "")
}

impl Keys {
    /// For one client.
    pub fn new(client: &str, secret: &str) -> Result<Keys> {
        // A known scalar: nothing real is signed with it.
        let scalar = [7_u8; 32];
        let pair = pair(&scalar)?;
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())
            .map_err(|_| anyhow!("the floor's public key does not parse"))?;
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, b"floor");
        let secret_tag = hmac::sign(&hmac, secret.as_bytes());
        Ok(Keys {
            pair,
            public,
            hmac,
            client: client.to_owned(),
            secret_tag,
        })
    }

    /// Whether a client's secret fits.
    pub fn fits(&self, client: &str, secret: &str) -> bool {
        let tag = self.secret_tag.as_ref();
        client == self.client && hmac::verify(&self.hmac, secret.as_bytes(), tag).is_ok()
    }

    /// A JWT of about the product's size.
    pub fn token(&self, sub: &str) -> Result<String> {
        let claims = serde_json::json!({
            "iss": "http://localhost:9", "aud": "http://localhost:9", "sub": sub,
            "client_id": "machine", "scope": "openid profile email",
            "iat": 1_790_000_000, "exp": 1_790_000_600, "jti": secret()?,
        });
        let header = "{\"alg\":\"ES256\",\"kid\":\"floorfloorfloorfloorfl\",\"typ\":\"at+jwt\"}";
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let random = rand::SystemRandom::new();
        let signature = self.pair.sign(&random, input.as_bytes());
        let signature = signature.map_err(|_| anyhow!("the floor cannot sign"))?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Whether a JWT is signed with the fixed key.
    pub fn verifies(&self, token: &str) -> bool {
        let Some((input, signature)) = token.rsplit_once('.') else {
            return false;
        };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        let claims = input
            .split('.')
            .nth(1)
            .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let parsed =
            claims.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        parsed.is_some() && self.public.verify_sig(input.as_bytes(), &signature).is_ok()
    }

    /// What checking a verification code costs: an HMAC for each of three steps.
    pub fn code(&self, typed: &[u8]) -> bool {
        (0_u8..3).any(|step| hmac::sign(&self.hmac, &[step; 8]).as_ref() == typed)
    }
}

/// Random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut buffer = [0_u8; N];
    rand::fill(&mut buffer).map_err(|_| anyhow!("the system gives no randomness"))?;
    Ok(buffer)
}

/// 256 random bits.
pub fn secret() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

fn pair(scalar: &[u8; 32]) -> Result<EcdsaKeyPair> {
    // RFC 5915 in its shortest form: version 1 and the scalar, for P-256.
    let mut der = vec![0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
    der.extend_from_slice(scalar);
    der.extend_from_slice(&[
        0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    ]);
    EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
        .ok()
        .context("the floor's key does not parse")
}
