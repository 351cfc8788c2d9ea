//! One table per rule of the provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod acr;
mod authorization;
mod claims;
mod claims_request;
mod client_auth;
mod code;
mod device;
mod discovery;
mod end_session;
mod error;
mod freshness;
mod introspection;
mod jwk;
mod jwt;
mod params;
mod redirect_uri;
mod refresh;
mod refusal;
mod registration;
mod request_object;
mod scope;
mod subject;
mod token;
mod upstream;

use crate::account::{Account, Home, Kind, Status};
use crate::client::{Client, Secret};
use crate::id::{AccountId, ClientId, GrantId, Sid};
use crate::session::Grant;
use crate::time::Timestamp;

const ISSUER: &str = "https://techpass.example";
const NOW: Timestamp = Timestamp(1_700_000_000);

fn client(id: &str, redirect_uris: &[&str]) -> Client {
    Client {
        redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
        scopes: ["profile", "email", "offline_access"]
            .map(str::to_owned)
            .to_vec(),
        ..Client::new(ClientId::new(id), "Docs portal".into(), Timestamp(0))
    }
}

fn secret(sha256: &str) -> Secret {
    Secret {
        sha256: sha256.to_owned(),
        sealed: None,
        created_at: Timestamp(0),
        expires_at: None,
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
        claims: Default::default(),
        nonce: Some("n-1".into()),
        auth_time: Timestamp(NOW.0 - 100),
        acr: "urn:techpass:acr:number-match".into(),
        amr: vec!["pop".into(), "swk".into(), "mfa".into()],
        created_at: NOW,
    }
}
