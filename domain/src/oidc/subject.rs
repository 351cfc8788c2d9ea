//! Which sector a client belongs to (OpenID Connect Core §8.1); clients of one sector see the same pairwise `sub`.

use crate::client::{Client, SubjectType};
use std::collections::BTreeSet;
use url::Url;

/// The sector, when the client sees pairwise subjects: the host of `sector_identifier_uri`, else the only host of its
/// redirect URIs. A client that has neither (several hosts, or addresses without a host) is a sector of its own.
pub fn sector(client: &Client) -> Option<String> {
    if client.subject_type == SubjectType::Public {
        return None;
    }
    let named = client.sector_identifier_uri.as_deref().and_then(host);
    Some(
        named
            .or_else(|| only_host(&client.redirect_uris))
            .unwrap_or_else(|| format!("client {}", client.id)),
    )
}

fn only_host(uris: &[String]) -> Option<String> {
    let hosts: Option<BTreeSet<String>> = uris.iter().map(|uri| host(uri)).collect();
    let mut hosts = hosts?.into_iter();
    hosts.next().filter(|_| hosts.next().is_none())
}

fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?.host_str().map(str::to_owned)
}
