//! Client credentials: a token in the client's own name (RFC 6749 §4.4). Nothing is written for it, since the token says
//! everything itself; only its revocation is.

use crate::app::App;
use crate::chance;
use crate::keys;
use crate::oidc::refused::Refused;
use serde_json::{Value, json};
use techpass_domain::client::Client;
use techpass_domain::oidc::client_credentials::{self, MachineTokenInput};
use techpass_domain::oidc::jwt::typ;
use techpass_domain::oidc::scope::Scope;

/// The token response (RFC 6749 §4.4.3): no refresh token, no ID token.
pub async fn issue(app: &App, client: &Client, asked: Option<&Scope>) -> Result<Value, Refused> {
    client_credentials::confidential(client)?;
    let scope = client_credentials::granted(client, asked)?;
    let alg = client.id_token_signed_response_alg;
    let claims = client_credentials::access_token(&MachineTokenInput {
        issuer: &app.issuer,
        audience: &app.issuer,
        client,
        scope: &scope,
        jti: &chance::secret().map_err(crate::app::Error::from)?,
        issued_at: app.now(),
        lifetime_s: app.config.tokens.access_s,
    });
    let keys = keys::ready(app, alg).await?;
    let mut body = json!({
        "access_token": keys.sign(alg, typ::ACCESS_TOKEN, &claims.into())?,
        "token_type": "Bearer",
        "expires_in": app.config.tokens.access_s,
    });
    if let Some(members) = body.as_object_mut().filter(|_| !scope.is_empty()) {
        members.insert("scope".to_owned(), scope.to_string().into());
    }
    Ok(body)
}
