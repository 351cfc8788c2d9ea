//! One table per rule of the provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod authorization;
mod claims;
mod code;
mod discovery;
mod end_session;
mod error;
mod jwt;
mod params;
mod redirect_uri;
mod refresh;
mod scope;
mod token;
mod upstream;

use crate::account::{Account, Home, Kind, Status};
use crate::client::{AuthMethod, Client, LogoutStyle, SigningAlg};
use crate::id::{AccountId, ClientId, GrantId, Sid};
use crate::session::Grant;
use crate::time::Timestamp;

const ISSUER: &str = "https://techpass.example";
const NOW: Timestamp = Timestamp(1_700_000_000);

fn client(id: &str, redirect_uris: &[&str]) -> Client {
    Client {
        id: ClientId::new(id),
        name: "Docs portal".into(),
        redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
        auth_method: AuthMethod::ClientSecretBasic,
        secret_sha256: None,
        id_token_signed_response_alg: SigningAlg::ES256,
        pkce_optional: false,
        scopes: ["profile", "email", "offline_access"]
            .map(str::to_owned)
            .to_vec(),
        test: false,
        broker: false,
        development: false,
        logout: LogoutStyle::Ask,
        initiate_login_uri: None,
        created_at: Timestamp(0),
    }
}

fn account() -> Account {
    Account {
        id: AccountId::new("acc_1"),
        login_id: "mei.tan@agency.example".into(),
        name: "Mei Tan".into(),
        organisation: Some("Agency".into()),
        email: Some("mei.tan@agency.example".into()),
        kind: Kind::Officer,
        home: Home::Local,
        status: Status::Active,
        tenant_administrator: false,
        claims: Default::default(),
        created_at: Timestamp(1_600_000_000),
    }
}

fn grant() -> Grant {
    Grant {
        id: GrantId::new("g1"),
        client: ClientId::new("docs"),
        account: AccountId::new("acc_1"),
        sid: Sid::new("sid_1"),
        scope: "openid email".into(),
        nonce: Some("n-1".into()),
        auth_time: Timestamp(NOW.0 - 100),
        acr: "urn:techpass:acr:number-match".into(),
        amr: vec!["pop".into(), "swk".into(), "mfa".into()],
        created_at: NOW,
    }
}
