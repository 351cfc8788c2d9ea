//! A session that ended at the upstream ends here too (Back-Channel Logout §2.5 to §2.8): a report there puts an account
//! on hold, and what rests on it must not go on.

use super::{Upstream, trip};
use crate::app::{App, Error};
use crate::jose;
use crate::oidc::{backchannel, end_session, json};
use crate::seal::sha256_b64;
use axum::response::Response;
use techpass_domain::oidc::jwt::typ;
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::upstream::{Expect, UpstreamLogout, upstream_logout_token};
use techpass_store::{StoreError, Write, conflict};

/// How long a token's `jti` is remembered.
const REMEMBERED_S: i64 = 60 * 60;

/// `POST /upstream/ID/backchannel-logout`.
pub async fn post(app: &App, id: &str, body: &str) -> Response {
    let refused = |description: &str| {
        json(
            400,
            &serde_json::json!({ "error": "invalid_request", "error_description": description }),
        )
    };
    let Some(upstream) = app.upstreams.get(id) else {
        return refused("There is no such upstream.");
    };
    let token = Params::parse(body)
        .ok()
        .and_then(|params| params.owned("logout_token"));
    let Some(token) = token else {
        return refused("The logout_token is missing.");
    };
    match believed(app, &upstream, &token).await {
        Ok(logout) => match end(app, &upstream, &logout).await {
            Ok(()) => json(200, &serde_json::json!({})),
            Err(error) => crate::oidc::failure(&error),
        },
        Err(reason) => {
            tracing::warn!(upstream = id, reason, "a logout token was refused");
            refused("The logout_token is not valid.")
        }
    }
}

async fn believed(app: &App, upstream: &Upstream, token: &str) -> Result<UpstreamLogout, String> {
    if !jose::says_typ(token, typ::LOGOUT_TOKEN) {
        return Err("another type".to_owned());
    }
    let claims = trip::signed_by(app, upstream, token).await?;
    let expect = Expect {
        issuer: &upstream.issuer,
        client_id: &upstream.config.client_id,
        nonce: "",
        now: app.now(),
        skew_s: app.config.limits.clock_skew_s,
        max_age: None,
    };
    upstream_logout_token(&claims, &expect).map_err(|error| error.to_string())
}

/// Ends every session of the linked account, in every browser. A token that comes twice ends nothing more.
async fn end(app: &App, upstream: &Upstream, logout: &UpstreamLogout) -> Result<(), Error> {
    let now = app.now();
    let mut writes = vec![Write::Burn {
        kind: "upstream-jti",
        key_sha256: sha256_b64(&format!("{}|{}", upstream.issuer, logout.jti)),
        at: now,
        expires_at: now.plus(REMEMBERED_S),
    }];
    let linked = app
        .store
        .linked_account(&upstream.issuer, &logout.sub)
        .await?;
    if let Some(account) = linked {
        for entry in app.store.entries_of(&account.id).await? {
            writes.extend(end_session::ending(app, &entry).await?);
        }
    }
    match app.store.commit(writes).await {
        Ok(()) => {
            backchannel::deliver_soon(app);
            Ok(())
        }
        Err(StoreError::Conflict(conflict::SINGLE_USE)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
