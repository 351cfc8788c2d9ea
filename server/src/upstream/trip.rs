//! What is learned of an upstream, redeeming its code, and the account that its subject is linked to.

use super::{Upstream, text};
use crate::app::{App, Error};
use crate::chance;
use crate::seal::left_half_b64;
use crate::web::observe;
use crate::{jose, outbound};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use techpass_domain::account::{Account, Home, Kind, Status, domain_of, normalize_login_id};
use techpass_domain::audit::Record;
use techpass_domain::client::SigningAlg;
use techpass_domain::id::{AccountId, UpstreamId};
use techpass_domain::oidc::claims::TokenHash;
use techpass_domain::oidc::jwt::Unverified;
use techpass_domain::oidc::upstream::{self as rules, Expect};
use techpass_domain::text::printable;
use techpass_domain::time::{Seconds, Timestamp};
use techpass_store::{StoreError, Write};
use url::Url;

/// How long what was learned is good without asking again.
const LEARNED_FOR_S: Seconds = 60 * 60;
/// How soon keys may be fetched again because a token names an unknown one.
const REFETCH_AFTER_S: Seconds = 10;

/// An upstream's metadata and keys.
pub struct Learned {
    /// Where browsers go.
    pub authorization_endpoint: Url,
    /// Whether it names itself in answers (RFC 9207).
    pub iss_parameter: bool,
    token_endpoint: Url,
    userinfo_endpoint: Option<Url>,
    jwks: Value,
    at: Timestamp,
}

/// What was asked of the upstream in this trip.
pub struct Asked {
    /// The `nonce` its ID token must repeat.
    pub nonce: String,
    /// The PKCE verifier.
    pub verifier: String,
    /// The redirect URI that was sent.
    pub redirect_uri: String,
    /// When the browser left.
    pub left_at: Timestamp,
    /// `max_age`, when it was asked for.
    pub max_age: Option<Seconds>,
    /// Whether a fresh sign-in was demanded.
    pub fresh: bool,
}

/// Who came back, verified.
pub struct Identity {
    /// The upstream's `sub`.
    pub subject: String,
    /// Its `auth_time`.
    pub auth_time: Timestamp,
    /// Its `amr`.
    pub amr: Vec<String>,
    /// Its `acr`.
    pub acr: Option<String>,
    access_token: String,
}

/// Metadata and keys, from memory while they are fresh. `again` asks anew, unless that happened a moment ago. One asks for
/// all who wait, and what that came to holds for them too: a home organisation that is down is not asked in turn by each.
pub async fn learn(app: &App, upstream: &Upstream, again: bool) -> Result<Arc<Learned>, String> {
    if let Some(known) = fresh(app, upstream, again).await {
        return Ok(known);
    }
    let asking = upstream.asking.try_acquire();
    let _place = asking.map_err(|_| "many wait for its metadata already".to_owned())?;
    let before = upstream.tries.load(Ordering::Acquire);
    let _turn = upstream.turn.lock().await;
    if upstream.tries.load(Ordering::Acquire) != before {
        let known = fresh(app, upstream, again).await;
        return known.ok_or_else(|| "it did not answer a moment ago".to_owned());
    }
    let learned = ask(app, upstream).await;
    upstream.tries.fetch_add(1, Ordering::Release);
    learned
}

async fn fresh(app: &App, upstream: &Upstream, again: bool) -> Option<Arc<Learned>> {
    let limit = if again {
        REFETCH_AFTER_S
    } else {
        LEARNED_FOR_S
    };
    let known = upstream.learned.read().await;
    let known = known.as_ref()?;
    let age = app.now().since(known.at);
    (0..limit).contains(&age).then(|| Arc::clone(known))
}

async fn ask(app: &App, upstream: &Upstream) -> Result<Arc<Learned>, String> {
    let now = app.now();
    let base = &upstream.issuer;
    let metadata = fetch(
        app,
        &format!("{base}/.well-known/openid-configuration"),
        None,
    )
    .await?;
    // Discovery §4.3: the document must be about the issuer that was asked.
    if text(&metadata, "issuer") != Some(base) {
        return Err("the discovery document names another issuer".to_owned());
    }
    let endpoint = |name: &str| -> Result<Url, String> {
        let url = text(&metadata, name).and_then(|text| Url::parse(text).ok());
        let url = url.ok_or_else(|| format!("the discovery document has no {name}"))?;
        let as_safe = url.scheme() == "https" || upstream.config.issuer.scheme() == "http";
        if !as_safe || !outbound::allowed(&app.config.outbound, &url) {
            return Err(format!("{name} may not be called"));
        }
        Ok(url)
    };
    let jwks_uri = endpoint("jwks_uri")?;
    let iss_parameter = metadata
        .get("authorization_response_iss_parameter_supported")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let learned = Arc::new(Learned {
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint: endpoint("token_endpoint")?,
        userinfo_endpoint: endpoint("userinfo_endpoint").ok(),
        iss_parameter,
        jwks: fetch(app, jwks_uri.as_str(), None).await?,
        at: now,
    });
    *upstream.learned.write().await = Some(Arc::clone(&learned));
    Ok(learned)
}

async fn fetch(app: &App, url: &str, bearer: Option<&str>) -> Result<Value, String> {
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    if !outbound::allowed(&app.config.outbound, &parsed) {
        return Err("the address may not be called".to_owned());
    }
    let mut request = observe::traced(app.http.get(parsed).await);
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    answer(request.send().await).await
}

async fn answer(sent: Result<reqwest::Response, reqwest::Error>) -> Result<Value, String> {
    let answer = sent.map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    let body = outbound::body(answer).await?;
    if !status.is_success() {
        return Err(format!("the upstream answered {}", status.as_u16()));
    }
    serde_json::from_slice(&body).map_err(|_| "the upstream's answer is not JSON".to_owned())
}

/// Redeems the code and verifies the ID token to the letter (Core §3.1.3.7).
pub async fn redeem(
    app: &App,
    upstream: &Upstream,
    code: &str,
    asked: &Asked,
) -> Result<Identity, String> {
    let learned = learn(app, upstream, false).await?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &asked.redirect_uri),
        ("code_verifier", &asked.verifier),
    ];
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let request = app.http.post(learned.token_endpoint.clone()).await;
    let sent = observe::traced(request)
        .basic_auth(
            encode(&upstream.config.client_id),
            Some(encode(&upstream.secret)),
        )
        .form(&form)
        .send()
        .await;
    let tokens = answer(sent).await?;
    let id_token = text(&tokens, "id_token").ok_or("the upstream sent no ID token")?;
    let access_token = text(&tokens, "access_token").unwrap_or_default().to_owned();
    if !jose::may_be_id_token(id_token) {
        return Err("the ID token has another type".to_owned());
    }
    let claims = signed_by(app, upstream, id_token).await?;
    at_hash_fits(id_token, &claims, &access_token)?;
    let now = app.now();
    let expect = Expect {
        issuer: &upstream.issuer,
        client_id: &upstream.config.client_id,
        nonce: &asked.nonce,
        now,
        skew_s: app.config.limits.clock_skew_s,
        // A fresh sign-in is one that happened after the browser left.
        max_age: match asked.fresh {
            true => Some(now.since(asked.left_at)),
            false => asked.max_age,
        },
    };
    let identity = rules::upstream_id_token(&claims, &expect).map_err(|error| error.to_string())?;
    Ok(Identity {
        subject: identity.sub,
        // Without a word about when, the moment it was issued is the latest it can be.
        auth_time: identity.auth_time.unwrap_or(asked.left_at),
        amr: identity.amr,
        acr: identity.acr,
        access_token,
    })
}

/// Core §3.1.3.8: the ID token, whose signature was verified, names the access token that came with it, when it names one.
fn at_hash_fits(id_token: &str, claims: &Value, access_token: &str) -> Result<(), String> {
    let Some(named) = claims.get("at_hash") else {
        return Ok(());
    };
    let token = Unverified::parse(id_token).map_err(|error| error.to_string())?;
    let alg = SigningAlg::parse(&token.header.alg).ok_or("the ID token's algorithm is unknown")?;
    let half = left_half_b64(TokenHash::of(alg), access_token);
    (named.as_str() == Some(half.as_str()))
        .then_some(())
        .ok_or_else(|| "the ID token names another access token".to_owned())
}

/// The claims of a token that the upstream signed. A key that is not known may be a new one: the keys are fetched again once.
pub async fn signed_by(app: &App, upstream: &Upstream, id_token: &str) -> Result<Value, String> {
    let learned = learn(app, upstream, false).await?;
    let algorithms = &upstream.config.algorithms;
    match jose::by_jwks(id_token, &learned.jwks, algorithms) {
        Err(jose::JoseError::NoKey) => {
            let fresh = learn(app, upstream, true).await?;
            jose::by_jwks(id_token, &fresh.jwks, algorithms).map_err(|error| error.to_string())
        }
        other => other.map_err(|error| error.to_string()),
    }
}

/// The account linked to the subject; a new one where the configuration allows it. Never one that merely has the same
/// address.
pub async fn account(
    app: &App,
    upstream: &Upstream,
    identity: &Identity,
) -> Result<Result<Account, String>, Error> {
    let linked = app
        .store
        .linked_account(&upstream.issuer, &identity.subject)
        .await?;
    if let Some(account) = linked {
        return Ok(Ok(account));
    }
    if !upstream.config.create_accounts {
        return Ok(Err("the subject is linked to no account".to_owned()));
    }
    match userinfo(app, upstream, identity).await {
        Ok(claims) => create(app, upstream, identity, &claims).await,
        Err(reason) => Ok(Err(reason)),
    }
}

async fn userinfo(app: &App, upstream: &Upstream, identity: &Identity) -> Result<Value, String> {
    let learned = learn(app, upstream, false).await?;
    let endpoint = learned.userinfo_endpoint.as_ref();
    let endpoint = endpoint.ok_or("the upstream has no userinfo endpoint")?;
    let claims = fetch(app, endpoint.as_str(), Some(&identity.access_token)).await?;
    // Core §5.3.2: the answer must be about the same subject.
    if text(&claims, "sub") != Some(&identity.subject) {
        return Err("the userinfo answer is about another subject".to_owned());
    }
    Ok(claims)
}

async fn create(
    app: &App,
    upstream: &Upstream,
    identity: &Identity,
    claims: &Value,
) -> Result<Result<Account, String>, Error> {
    let named = text(claims, "preferred_username").or_else(|| text(claims, "email"));
    let Some(Ok(login_id)) = named.map(normalize_login_id) else {
        return Ok(Err("the upstream names no login ID".to_owned()));
    };
    let domains = &upstream.config.domains;
    if !domains.iter().any(|domain| domain == domain_of(&login_id)) {
        return Ok(Err(
            "the login ID is not of the upstream's domains".to_owned()
        ));
    }
    let now = app.now();
    // What cannot be shown is left out: the person cannot help what their record elsewhere holds.
    let limited = |name: &str| {
        let shown = printable(text(claims, name)?, 200).trim().to_owned();
        (!shown.is_empty()).then_some(shown)
    };
    let account = Account {
        id: AccountId::new(chance::row_id("acc", now.0)?),
        name: limited("name").unwrap_or_else(|| login_id.clone()),
        organisation: limited("organisation"),
        email: limited("email"),
        kind: Kind::Officer,
        home: Home::Upstream(UpstreamId::new(upstream.config.id.as_str())),
        status: Status::Active,
        tenant_administrator: false,
        claims: Default::default(),
        created_at: now,
        login_id,
    };
    let writes = vec![
        Write::AddAccount(account.clone()),
        Write::Link {
            issuer: upstream.issuer.clone(),
            subject: identity.subject.clone(),
            account: account.id.clone(),
            at: now,
        },
        app.audit(Record {
            at: now,
            kind: "account.created".to_owned(),
            account: Some(account.id.clone()),
            client: None,
            reference: None,
            detail: serde_json::json!({ "upstream": upstream.config.id }),
        })?,
    ];
    match app.store.commit(writes).await {
        Ok(()) => Ok(Ok(account)),
        Err(StoreError::Conflict(_)) => Ok(Err(
            "the login ID belongs to an account that is not linked to this subject".to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    #[test]
    fn the_access_token_is_named_by_the_hash_of_the_id_tokens_algorithm() {
        for (alg, at_hash) in [
            ("ES256", "YiHPD2T9DaX5B837XJXtow"),
            ("RS256", "YiHPD2T9DaX5B837XJXtow"),
            ("PS256", "YiHPD2T9DaX5B837XJXtow"),
            ("EdDSA", "nM_8k04LoVPQDh1346b6eHC5pCiIJeMDBg3Dhz6Pbt4"),
        ] {
            let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string());
            let token = format!("{header}.e30.AAAA");
            let claims = json!({ "at_hash": at_hash });
            assert_eq!(
                at_hash_fits(&token, &claims, "an-access-token"),
                Ok(()),
                "{alg}"
            );
            assert!(at_hash_fits(&token, &claims, "another").is_err(), "{alg}");
        }
    }
}
