//! Key pairs of every algorithm: made, written down, parsed once, used.

use crate::app::Error;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use techpass_domain::client::SigningAlg;
use zeroize::Zeroizing;

enum Private {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ed(Ed25519KeyPair),
}

/// A parsed pair.
pub struct Pair {
    private: Private,
    public: ParsedPublicKey,
}

/// A new pair, written down.
pub struct Made {
    /// The private half, PKCS#8.
    pub der: Zeroizing<Vec<u8>>,
    /// The public half without names: `kty` and what belongs to it (RFC 7518 §6, RFC 8037 §2).
    pub public: Value,
}

/// Makes a pair. An RSA one takes a while.
pub fn generate(alg: SigningAlg) -> Result<Made, Error> {
    let failed = |_| Error::internal("a signing key cannot be made");
    let (der, public) = match alg {
        SigningAlg::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
            let der = pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec();
            (der, ec_jwk(pair.public_key().as_ref())?)
        }
        SigningAlg::RS256 | SigningAlg::PS256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let der = AsDer::<Pkcs8V1Der<'static>>::as_der(&pair).map_err(failed)?;
            let public = pair.public_key();
            let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
            let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
            let public = json!({ "kty": "RSA", "n": n, "e": e });
            (der.as_ref().to_vec(), public)
        }
        SigningAlg::EdDSA => {
            let pair = Ed25519KeyPair::generate().map_err(failed)?;
            let der = pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec();
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            (der, json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))
        }
    };
    Ok(Made {
        der: Zeroizing::new(der),
        public,
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

impl Pair {
    /// Parses a private half as [`generate`] wrote it down.
    pub fn parse(alg: SigningAlg, der: &[u8]) -> Result<Pair, Error> {
        let failed = |_| Error::internal("a signing key does not parse");
        let public = |bytes: &[u8]| ParsedPublicKey::new(verification(alg), bytes).map_err(failed);
        let rsa = |encoding: &'static dyn RsaEncoding| -> Result<Pair, Error> {
            let pair = RsaKeyPair::from_pkcs8(der).map_err(failed)?;
            Ok(Pair {
                public: public(pair.public_key().as_ref())?,
                private: Private::Rsa(pair, encoding),
            })
        };
        match alg {
            SigningAlg::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                let pair = pair.map_err(failed)?;
                Ok(Pair {
                    public: public(pair.public_key().as_ref())?,
                    private: Private::Ec(pair),
                })
            }
            SigningAlg::RS256 => rsa(&RSA_PKCS1_SHA256),
            SigningAlg::PS256 => rsa(&RSA_PSS_SHA256),
            SigningAlg::EdDSA => {
                let pair = Ed25519KeyPair::from_pkcs8(der).map_err(failed)?;
                Ok(Pair {
                    public: public(pair.public_key().as_ref())?,
                    private: Private::Ed(pair),
                })
            }
        }
    }

    /// The signature over a message, as JWS has it.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        let failed = |_| Error::internal("signing failed");
        match &self.private {
            Private::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Private::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Private::Ed(pair) => {
                let signature = pair.try_sign(message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }

    /// Whether this pair signed a message.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

fn verification(alg: SigningAlg) -> &'static dyn VerificationAlgorithm {
    match alg {
        SigningAlg::ES256 => &ECDSA_P256_SHA256_FIXED,
        SigningAlg::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        SigningAlg::PS256 => &RSA_PSS_2048_8192_SHA256,
        SigningAlg::EdDSA => &ED25519,
    }
}
