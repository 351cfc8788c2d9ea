//! The sector of pairwise subjects (OpenID Connect Core §8.1).

use super::refuse;
use super::uri::host;
use crate::client::{Client, SubjectType};
use crate::oidc::error::RegistrationError;
use serde_json::Value;

/// Core §8.1: without a `sector_identifier_uri` the sector is the host that all redirect URIs have.
pub(super) fn check(client: &Client) -> Result<(), RegistrationError> {
    match client.subject_type == SubjectType::Pairwise && sector_of(client).is_none() {
        true => refuse(
            "sector_identifier_uri",
            "is needed with subject_type pairwise when the redirect_uris do not all have one host",
        ),
        false => Ok(()),
    }
}

/// The host that names the sector; none when the redirect URIs leave it open.
fn sector_of(client: &Client) -> Option<String> {
    if let Some(uri) = &client.sector_identifier_uri {
        return host(uri);
    }
    let mut hosts = client.redirect_uris.iter().map(|uri| host(uri));
    let first = hosts.next()??;
    hosts
        .all(|other| other.as_ref() == Some(&first))
        .then_some(first)
}

/// Dynamic Client Registration §5: the document at `sector_identifier_uri` is a list that holds every redirect URI.
pub fn sector_permits(document: &[u8], client: &Client) -> Result<(), RegistrationError> {
    let name = "sector_identifier_uri";
    let Ok(Value::Array(listed)) = serde_json::from_slice(document) else {
        return refuse(name, "does not lead to a JSON array of redirect URIs");
    };
    let holds = |uri: &String| listed.iter().any(|listed| listed.as_str() == Some(uri));
    match client.redirect_uris.iter().all(holds) {
        true => Ok(()),
        false => refuse(
            name,
            "leads to a list that does not hold every one of the redirect_uris",
        ),
    }
}
