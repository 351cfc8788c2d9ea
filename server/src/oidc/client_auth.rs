//! Who calls: client authentication, the same at every endpoint that clients call by themselves.

use super::refused::Refused;
use crate::app::{App, Error};
use crate::jose;
use crate::remote::{self, SignedError};
use crate::seal::hashed;
use http::{HeaderMap, header};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use techpass_domain::client::{AuthMethod, Client};
use techpass_domain::id::ClientId;
use techpass_domain::oidc::client_auth::{self as rules, Expect, Presented, Proof};
use techpass_domain::oidc::discovery::path;
use techpass_domain::oidc::error::{TokenError, TokenErrorCode};
use techpass_domain::oidc::jwk;
use techpass_domain::oidc::params::Params;
use techpass_domain::text::printable;
use techpass_domain::time::Timestamp;
use techpass_store::{StoreError, Write, conflict};

/// Secrets whose last use is remembered in memory.
const USES_MAX: usize = 10_000;
/// Characters of a client's name that a line of the log holds; registered ones have no more.
const CLIENT_ID_LOGGED_MAX: usize = 100;
/// An hour, in seconds.
const HOUR_S: i64 = 60 * 60;

/// The client that calls, by the method it is registered with and no other (OpenID Connect Core §9). Unknown clients,
/// other methods and wrong secrets get the same answer. `called` is the endpoint's path; with the issuer and the token
/// endpoint it is what an assertion's `aud` may name.
///
/// An assertion is used up by a commit of its own before this returns: whoever asks again with it is refused, even if
/// what the first was for has failed.
///
/// # Errors
/// `invalid_client` with 401, `invalid_request` for two methods at once.
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    called: &str,
) -> Result<Arc<Client>, Refused> {
    let header = headers.get(header::AUTHORIZATION);
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let presented = rules::presented(header, params)?;
    let client = app.store.client(&presented.client_id).await?;
    let Some(client) = client else {
        return Err(failed(&presented, "no such client"));
    };
    if !presented.method_fits(&client) {
        return Err(failed(&presented, "another method than the registered one"));
    }
    let used = match &presented.proof {
        Proof::None => None,
        Proof::Basic(secret) | Proof::Post(secret) => {
            let found = rules::living_secret(&client, &hashed(secret), app.now());
            Some(
                found
                    .ok_or_else(|| failed(&presented, "a wrong secret"))?
                    .to_owned(),
            )
        }
        Proof::Assertion(assertion) => {
            let (claims, used) = verified(app, &client, assertion, &presented).await?;
            use_up(app, &client, &claims, called).await?;
            used
        }
    };
    if let Some(secret_sha256) = used {
        note_use(app, &client.id, secret_sha256).await?;
    }
    Ok(client)
}

/// The refusal of a client that did not prove who it is, written into the log for whoever runs the server: it may be an
/// application with an old secret, or somebody who tries.
fn failed(presented: &Presented, reason: &str) -> Refused {
    note_failed(&presented.client_id, reason);
    presented.refused().into()
}

/// The line of a failed proof. The name may be anybody's invention, so it is cut and cleaned; what was shown as proof is
/// never written.
fn note_failed(client: &ClientId, reason: &str) {
    let client = printable(client.as_str(), CLIENT_ID_LOGGED_MAX);
    tracing::warn!(client, reason, "client authentication failed");
}

/// The claims of an assertion whose signature is right, and the secret it was signed with, if any.
async fn verified(
    app: &App,
    client: &Client,
    assertion: &str,
    presented: &Presented,
) -> Result<(Value, Option<String>), Refused> {
    if !jose::may_be_typ(assertion, rules::ASSERTION_TYP) {
        return Err(failed(presented, "an assertion of another type"));
    }
    let algorithms = rules::assertion_algorithms(client, &jwk::ALGORITHMS);
    if client.auth_method == AuthMethod::PrivateKeyJwt {
        return match remote::signed_by(app, client, assertion, &algorithms).await {
            Ok(claims) => Ok((claims, None)),
            Err(error) => {
                let refused = failed(presented, &error.to_string());
                match error {
                    SignedError::Keys(_) => {
                        Err(invalid("The client's jwks_uri cannot be fetched."))
                    }
                    SignedError::Token(_) => Err(refused),
                }
            }
        };
    }
    for kept in client.living_secrets(app.now()) {
        let Some(sealed) = &kept.sealed else { continue };
        let secret = open_secret(app, &client.id, &kept.sha256, sealed)?;
        if !algorithms.is_empty()
            && let Ok(claims) = jose::by_secret(assertion, &secret)
        {
            return Ok((claims, Some(kept.sha256.clone())));
        }
    }
    Err(failed(presented, "an assertion of another secret"))
}

fn invalid(description: &str) -> Refused {
    TokenError::new(TokenErrorCode::InvalidClient, description).into()
}

fn place(client: &ClientId, secret_sha256: &str) -> String {
    format!("client_secret|{client}|{secret_sha256}")
}

fn open_secret(
    app: &App,
    client: &ClientId,
    secret_sha256: &str,
    sealed: &str,
) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(sealed);
    let bytes = bytes.map_err(|_| Error::internal("a sealed secret does not parse"))?;
    Ok(app.seal.open(&place(client, secret_sha256), &bytes)?)
}

/// A secret under the master key, for `client_secret_jwt`, whose HMAC needs it; in base64url.
pub fn seal_secret(app: &App, client: &ClientId, secret: &str) -> Result<String, Error> {
    use base64::Engine;
    let sealed = app
        .seal
        .seal(&place(client, &hashed(secret)), secret.as_bytes())?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sealed))
}

/// RFC 7523 §3 and Core §9: the claims must be for us and now, and the assertion is used once.
async fn use_up(app: &App, client: &Client, claims: &Value, called: &str) -> Result<(), Refused> {
    let refused = |description: &str| {
        note_failed(&client.id, description);
        invalid(description)
    };
    let at = |path: &str| format!("{}{path}", app.issuer);
    let expect = Expect {
        client_id: &client.id,
        audiences: &[app.issuer.clone(), at(path::TOKEN), at(called)],
        lifetime_max_s: app.config.limits.assertion_lifetime_s,
        skew_s: app.config.limits.clock_skew_s,
        now: app.now(),
    };
    let once = rules::check_assertion(claims, expect).map_err(|error| {
        let description = error.to_string();
        refused(&description)
    })?;
    let burn = Write::Burn {
        kind: "client_assertion",
        key_sha256: hashed(&format!("{}\n{}", client.id, once.jti)),
        at: app.now(),
        expires_at: once.until,
    };
    match app.store.commit(vec![burn]).await {
        Ok(()) => Ok(()),
        Err(StoreError::Conflict(conflict::SINGLE_USE)) => Err(refused(
            "The assertion was used before; make a new one for each request.",
        )),
        Err(error) => Err(error.into()),
    }
}

/// When secrets were last used, to the hour, so that an hour's requests cause one write.
#[derive(Default)]
pub struct Uses(Mutex<HashMap<String, i64>>);

impl Uses {
    /// Whether this is the first use of its hour that this process sees.
    fn first(&self, secret_sha256: &str, now: Timestamp) -> bool {
        let hour = now.0.div_euclid(HOUR_S);
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.get(secret_sha256) == Some(&hour) {
            return false;
        }
        if uses.len() >= USES_MAX {
            uses.retain(|_, at| *at == hour);
        }
        if uses.len() >= USES_MAX {
            uses.clear();
        }
        uses.insert(secret_sha256.to_owned(), hour) != Some(hour)
    }
}

async fn note_use(app: &App, client: &ClientId, secret_sha256: String) -> Result<(), Error> {
    let now = app.now();
    if !app.secret_uses.first(&secret_sha256, now) {
        return Ok(());
    }
    let note = Write::NoteSecretUse {
        client: client.clone(),
        secret_sha256,
        at: Timestamp(now.0.div_euclid(HOUR_S) * HOUR_S),
    };
    Ok(app.store.commit(vec![note]).await?)
}
