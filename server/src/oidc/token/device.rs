//! A device that asks whether somebody has let it in (RFC 8628 §3.4, §3.5).

use super::{Gives, grant, invalid_grant, refresh, tokens};
use crate::app::App;
use crate::oidc::refused::Refused;
use crate::seal::hashed;
use serde_json::Value;
use techpass_domain::client::Client;
use techpass_domain::oidc::device::{self, Poll, Polled};
use techpass_domain::oidc::scope::Scope;
use techpass_store::device_grants::{DeviceRow, DeviceWrite};
use techpass_store::{StoreError, Write};

/// What the device is told; of several that take the tokens one wins.
pub async fn poll(app: &App, client: &Client, device_code: &str) -> Result<Value, Refused> {
    let now = app.now();
    let device_sha256 = hashed(device_code);
    let Some(row) = app.store.device_grant_by_code(&device_sha256).await? else {
        return Err(invalid_grant("The device_code is not valid.").into());
    };
    let polled = Polled {
        client: &row.client,
        state: row.state,
        interval_s: row.interval_s,
        polled_at: row.polled_at,
        expires_at: row.expires_at,
    };
    let told = device::poll(polled, &client.id, now);
    let interval_s = match told {
        Poll::Pending => Some(row.interval_s),
        Poll::SlowDown(interval_s) => Some(interval_s),
        _ => None,
    };
    if let Some(interval_s) = interval_s {
        let id = row.id.clone();
        let at = now;
        let write = DeviceWrite::Polled { id, at, interval_s };
        app.store.commit(vec![Write::Device(write)]).await?;
    }
    match told.error() {
        Some(error) => Err(error.into()),
        None => take(app, client, row).await,
    }
}

async fn take(app: &App, client: &Client, row: DeviceRow) -> Result<Value, Refused> {
    let Some(id) = row.grant else {
        return Err(invalid_grant("The device_code is not valid.").into());
    };
    let grant = grant(app, &id).await?;
    let scope = Scope::parse(&grant.grant.scope).unwrap_or_default();
    let redeemed = DeviceWrite::Redeemed {
        id: row.id,
        at: app.now(),
    };
    let mut writes = vec![Write::Device(redeemed), Write::RequireGrant { id }];
    let refresh = refresh::first(app, client, &grant.grant, &scope, &mut writes)?;
    let gives = Gives {
        scope: &scope,
        refresh,
        refreshed: false,
    };
    let tokens = tokens(app, client, &grant.grant, gives).await?;
    match app.store.commit(writes).await {
        Ok(()) => Ok(tokens),
        Err(StoreError::Conflict(_)) => Err(invalid_grant("The device_code is not valid.").into()),
        Err(error) => Err(error.into()),
    }
}
