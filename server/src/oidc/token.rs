//! The token endpoint: codes and refresh tokens (OpenID Connect Core §3.1.3, §12).

use super::subject::subject_of;
use super::{failure, json};
use crate::app::{App, Error};
use crate::chance;
use crate::seal::{hashed, sha256, sha256_b64};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value, json as object};
use techpass_domain::audit::Record;
use techpass_domain::client::Client;
use techpass_domain::id::GrantId;
use techpass_domain::oidc::claims;
use techpass_domain::oidc::code::{self, CodeBinding, Redemption};
use techpass_domain::oidc::error::{TokenError, TokenErrorCode};
use techpass_domain::oidc::jwt::typ;
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::refresh::{self, RefreshBinding, Rotation, Standing, Successor};
use techpass_domain::oidc::scope::{OFFLINE_ACCESS, Scope};
use techpass_domain::oidc::token::{self, TokenRequest};
use techpass_domain::session::Grant;
use techpass_domain::time::{Seconds, Timestamp};
use techpass_store::grants::GrantRow;
use techpass_store::write::NewRefresh;
use techpass_store::{StoreError, Write, conflict};

/// How long an access token is good.
pub const ACCESS_LIFETIME_S: Seconds = 10 * 60;
/// How long an ID token is good.
const ID_TOKEN_LIFETIME_S: Seconds = 10 * 60;
/// The absolute end of a refresh token's family: the session's, or for `offline_access` so long.
const OFFLINE_LIFETIME_S: Seconds = 30 * 24 * 60 * 60;

/// Why a request gives no tokens.
enum Refused {
    /// The client's doing.
    Client(TokenError),
    /// Ours.
    Failure(Error),
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        Refused::Client(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Failure(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Refused::Failure(error.into())
    }
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Refused::Failure(error.into())
    }
}

/// `POST /token`.
pub async fn post(app: &App, headers: &HeaderMap, body: &str) -> Response {
    match answer(app, headers, body).await {
        Ok(body) => json(200, &body),
        Err(Refused::Failure(error)) => failure(&error),
        Err(Refused::Client(error)) => {
            tracing::info!(
                error = error.code.as_str(),
                description = error.description.as_str(),
                "token request refused"
            );
            let mut response = json(error.status(), &error.body());
            if let Some(challenge) = error.www_authenticate(&app.issuer)
                && let Ok(value) = HeaderValue::from_str(&challenge)
            {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, value);
            }
            response
        }
    }
}

async fn answer(app: &App, headers: &HeaderMap, body: &str) -> Result<Value, Refused> {
    let params = Params::parse(body).map_err(TokenError::from)?;
    let client = client(app, headers, &params).await?;
    match token::parse(&params)? {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
        } => {
            let verifier = code_verifier.as_deref().map(sha256_b64);
            let redemption = Redemption {
                client_id: &client.id,
                redirect_uri: redirect_uri.as_deref(),
                verifier_s256: verifier.as_deref(),
            };
            redeem(app, &client, &code, redemption).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
        } => rotate(app, &client, &refresh_token, scope.as_ref()).await,
    }
}

/// Authenticates the client. Unknown clients and wrong secrets get the same answer.
async fn client(app: &App, headers: &HeaderMap, params: &Params) -> Result<Client, Refused> {
    let header = headers.get(header::AUTHORIZATION);
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let presented = token::client_authentication(header, params)?;
    let secret = presented.secret.as_deref().map(hashed);
    match app.store.client(&presented.client_id).await? {
        Some(client) => {
            presented.verify(&client, secret.as_deref(), app.now())?;
            Ok(client)
        }
        None => Err(presented.refused().into()),
    }
}

/// A code, once. Whoever is second and rightful ends the grant; a stranger ends nothing.
async fn redeem(
    app: &App,
    client: &Client,
    code: &str,
    redemption: Redemption<'_>,
) -> Result<Value, Refused> {
    let now = app.now();
    let key_sha256 = hashed(code);
    let row = app.store.single_use("code", &key_sha256).await?;
    let Some(row) = row else {
        return Err(invalid_grant("The code is not valid.").into());
    };
    let binding: CodeBinding = serde_json::from_str(&row.data)?;
    if let Err(refusal) = code::redeem(&binding, row.used_at.is_some(), redemption, now) {
        if refusal.revokes_grant() {
            revoke(app, &binding.grant, "code replayed").await?;
        }
        return Err(refusal.error().into());
    }
    let grant = grant(app, &binding.grant).await?;
    let scope = Scope::parse(&grant.grant.scope).unwrap_or_default();
    let mut writes = vec![
        Write::Use {
            kind: "code",
            key_sha256,
            at: now,
        },
        Write::RequireGrant {
            id: binding.grant.clone(),
        },
    ];
    let refresh = first_refresh(app, client, &grant.grant, &scope, &mut writes)?;
    let gives = Gives {
        scope: &scope,
        refresh,
        refreshed: false,
    };
    let tokens = tokens(app, client, &grant.grant, gives).await?;
    match app.store.commit(writes).await {
        Ok(()) => Ok(tokens),
        Err(StoreError::Conflict(conflict::SINGLE_USE)) => {
            // Somebody redeemed it between the look and the commit: this is a replay.
            revoke(app, &binding.grant, "code replayed").await?;
            Err(code::Refusal::Replayed.error().into())
        }
        Err(StoreError::Conflict(_)) => Err(invalid_grant("The code is not valid.").into()),
        Err(error) => Err(error.into()),
    }
}

/// The first refresh token of a family.
fn first_refresh(
    app: &App,
    client: &Client,
    grant: &Grant,
    scope: &Scope,
    writes: &mut Vec<Write>,
) -> Result<Option<String>, Error> {
    let now = app.now();
    let lifetime_s = if scope.contains(OFFLINE_ACCESS) {
        OFFLINE_LIFETIME_S
    } else {
        app.config.session.absolute_s
    };
    let next = Successor {
        generation: 0,
        expires_at: now.plus(lifetime_s),
    };
    let (token, write) = new_refresh(client, &grant.id, next, now)?;
    writes.push(write);
    Ok(Some(token))
}

fn new_refresh(
    client: &Client,
    grant: &GrantId,
    next: Successor,
    now: Timestamp,
) -> Result<(String, Write), Error> {
    let token = chance::prefixed("tp_rt_")?;
    let binding = RefreshBinding {
        client_id: client.id.clone(),
        issued_at: now,
    };
    let write = Write::AddRefresh(NewRefresh {
        token_sha256: hashed(&token),
        grant: grant.clone(),
        generation: next.generation,
        data: serde_json::to_string(&binding)?,
        expires_at: next.expires_at,
    });
    Ok((token, write))
}

/// A refresh token, once; its successor takes its place.
async fn rotate(
    app: &App,
    client: &Client,
    token: &str,
    scope: Option<&Scope>,
) -> Result<Value, Refused> {
    let now = app.now();
    let token_sha256 = hashed(token);
    let row = app.store.refresh_token(&token_sha256).await?;
    let Some(row) = row else {
        return Err(invalid_grant("The refresh token is not valid.").into());
    };
    let binding: RefreshBinding = serde_json::from_str(&row.data)?;
    let successor = match &row.successor_sha256 {
        Some(hash) => app.store.refresh_token(hash).await?,
        None => None,
    };
    let grant = app.store.grant(&row.grant).await?;
    let standing = Standing {
        client_id: &binding.client_id,
        generation: row.generation,
        expires_at: row.expires_at,
        used_at: row.used_at,
        successor_unused: successor.is_some_and(|next| next.used_at.is_none()),
        revoked: grant
            .as_ref()
            .is_none_or(|grant| grant.revoked_at.is_some()),
    };
    let rotation = match refresh::rotate(standing, &client.id, now) {
        Ok(rotation) => rotation,
        Err(refusal) => {
            if refusal.revokes_grant() {
                revoke(app, &row.grant, "refresh token replayed").await?;
            }
            return Err(refusal.error().into());
        }
    };
    let grant = grant.ok_or_else(|| invalid_grant("The refresh token is not valid."))?;
    may_still(app, &grant.grant).await?;
    let granted = Scope::parse(&grant.grant.scope).unwrap_or_default();
    let scope = granted.narrowed(scope)?;
    let (next, lost) = match rotation {
        Rotation::Next(next) => (next, None),
        Rotation::ReplaceLost(next) => (next, row.successor_sha256),
    };
    let (fresh, add) = new_refresh(client, &row.grant, next, now)?;
    let replace = replacing(token_sha256, lost, hashed(&fresh), now);
    let require = Write::RequireGrant { id: row.grant };
    let gives = Gives {
        scope: &scope,
        refresh: Some(fresh),
        refreshed: true,
    };
    let tokens = tokens(app, client, &grant.grant, gives).await?;
    match app.store.commit(vec![replace, add, require]).await {
        Ok(()) => Ok(tokens),
        // Of two at once the second gets nothing; that alone is no proof of theft, and the first answer stands.
        Err(StoreError::Conflict(_)) => {
            Err(invalid_grant("The refresh token is not valid.").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Uses the token up; or, where its answer got lost, puts another successor in the place of the lost one.
fn replacing(
    token_sha256: String,
    lost: Option<String>,
    successor_sha256: String,
    at: Timestamp,
) -> Write {
    match lost {
        None => Write::UseRefresh {
            token_sha256,
            successor_sha256,
            at,
        },
        Some(lost_sha256) => Write::ReplaceSuccessor {
            token_sha256,
            lost_sha256,
            successor_sha256,
            at,
        },
    }
}

/// An account that may not sign in any more gets no new tokens either.
async fn may_still(app: &App, grant: &Grant) -> Result<(), Refused> {
    let account = app.store.account(&grant.account).await?;
    let active =
        account.is_some_and(|account| account.status == techpass_domain::account::Status::Active);
    if active {
        Ok(())
    } else {
        Err(invalid_grant("The account may not sign in.").into())
    }
}

async fn grant(app: &App, id: &GrantId) -> Result<GrantRow, Refused> {
    let grant = app.store.grant(id).await?;
    match grant {
        Some(grant) if grant.revoked_at.is_none() => {
            may_still(app, &grant.grant).await?;
            Ok(grant)
        }
        _ => Err(invalid_grant("The code is not valid.").into()),
    }
}

async fn revoke(app: &App, id: &GrantId, cause: &str) -> Result<(), Error> {
    let grant = app.store.grant(id).await?;
    let record = Record {
        at: app.now(),
        kind: "grant.revoked".to_owned(),
        account: grant.as_ref().map(|row| row.grant.account.clone()),
        client: grant.as_ref().map(|row| row.grant.client.clone()),
        reference: None,
        detail: object!({ "cause": cause }),
    };
    let at = app.now();
    let revoke = Write::RevokeGrant { id: id.clone(), at };
    Ok(app.store.commit(vec![revoke, app.audit(record)?]).await?)
}

/// What a token response rests on beside the grant.
struct Gives<'a> {
    scope: &'a Scope,
    refresh: Option<String>,
    refreshed: bool,
}

/// The token response (RFC 6749 §5.1, Core §3.1.3.3).
async fn tokens(
    app: &App,
    client: &Client,
    grant: &Grant,
    gives: Gives<'_>,
) -> Result<Value, Error> {
    let Gives { scope, refresh, .. } = gives;
    let subject = subject_of(app, client, &grant.account);
    let person = asked_by_name(app, grant).await?;
    let now = app.now();
    let keys = app.keys();
    let alg = client.id_token_signed_response_alg;
    let access = claims::access_token(&claims::AccessTokenInput {
        issuer: &app.issuer,
        audience: &app.issuer,
        subject: &subject,
        grant,
        scope,
        jti: &format!("{}.{}", grant.id, chance::secret()?),
        issued_at: now,
        lifetime_s: ACCESS_LIFETIME_S,
    });
    let access = keys.sign(alg, typ::ACCESS_TOKEN, &access.into())?;
    let half = sha256(access.as_bytes());
    let at_hash = URL_SAFE_NO_PAD.encode(half.first_chunk::<16>().map_or(&[][..], |h| h));
    let id = claims::id_token(&claims::IdTokenInput {
        issuer: &app.issuer,
        subject: &subject,
        grant,
        person: &person,
        issued_at: now,
        lifetime_s: ID_TOKEN_LIFETIME_S,
        at_hash: Some(&at_hash),
        refreshed: gives.refreshed,
    });
    let mut body = object!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFETIME_S,
        "scope": scope.to_string(),
        "id_token": keys.sign(alg, typ::ID_TOKEN, &id.into())?,
    });
    if let (Some(refresh), Some(members)) = (refresh, body.as_object_mut()) {
        members.insert("refresh_token".to_owned(), refresh.into());
    }
    Ok(body)
}

/// What the request wants of the person in the ID token (Core §5.5).
async fn asked_by_name(app: &App, grant: &Grant) -> Result<Map<String, Value>, Error> {
    let wanted = &grant.claims.id_token;
    if wanted.is_empty() {
        return Ok(Map::new());
    }
    let account = app.store.account(&grant.account).await?;
    let of = |account| claims::person(&account, std::iter::empty(), wanted);
    Ok(account.map(of).unwrap_or_default())
}

fn invalid_grant(description: &str) -> TokenError {
    TokenError::new(TokenErrorCode::InvalidGrant, description)
}
