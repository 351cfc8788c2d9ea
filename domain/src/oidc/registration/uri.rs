//! Addresses of a client.

use super::{Policy, refuse};
use crate::client::{ApplicationType, Client, GrantType};
use crate::oidc::error::{RegistrationError, RegistrationErrorCode as Code};
use url::{Host, Url};

/// The rules for all of them.
pub(super) fn check(client: &Client, policy: &Policy) -> Result<(), RegistrationError> {
    redirect_uris(client, policy)?;
    for uri in &client.post_logout_redirect_uris {
        if let Err(why) = redirect_uri(uri, client.application_type, policy) {
            return refuse("post_logout_redirect_uris", why);
        }
    }
    for (name, uri) in [
        ("client_uri", &client.client_uri),
        ("logo_uri", &client.logo_uri),
        ("policy_uri", &client.policy_uri),
        ("tos_uri", &client.tos_uri),
    ] {
        page(name, uri.as_deref())?;
    }
    for (name, uri) in [
        ("jwks_uri", &client.jwks_uri),
        ("sector_identifier_uri", &client.sector_identifier_uri),
        ("initiate_login_uri", &client.initiate_login_uri),
        ("backchannel_logout_uri", &client.backchannel_logout_uri),
        ("frontchannel_logout_uri", &client.frontchannel_logout_uri),
    ] {
        if let Some(uri) = uri {
            endpoint(name, uri, policy)?;
        }
    }
    for uri in &client.request_uris {
        // Core §6.2: here a fragment is the hash of the content.
        let without_hash = uri.split('#').next().unwrap_or_default();
        endpoint("request_uris", without_hash, policy)?;
    }
    frontchannel(client)
}

/// An absolute address, without anything that a browser reads differently than this server does.
fn absolute(uri: &str) -> Result<Url, &'static str> {
    if !uri.bytes().all(|b| b.is_ascii_graphic()) || uri.contains(['*', '\\']) {
        return Err("must be written in full, in ASCII, without *, spaces and backslashes");
    }
    let Ok(url) = Url::parse(uri) else {
        return Err("is not an absolute address; write it in full");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password");
    }
    Ok(url)
}

fn without_fragment(uri: &str) -> Result<Url, &'static str> {
    match uri.contains('#') {
        true => Err("must not hold a fragment (#)"),
        false => absolute(uri),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The host, for people.
pub(super) fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?.host_str().map(str::to_owned)
}

/// RFC 6749 §3.1.2.2: whoever uses the authorization endpoint says where answers go.
fn redirect_uris(client: &Client, policy: &Policy) -> Result<(), RegistrationError> {
    let bad = |why: &str| {
        Err(RegistrationError::new(
            Code::InvalidRedirectUri,
            "redirect_uris",
            why,
        ))
    };
    if client.redirect_uris.is_empty() && client.may(GrantType::AuthorizationCode) {
        return bad("is missing; it must hold at least one address");
    }
    for uri in &client.redirect_uris {
        if let Err(why) = redirect_uri(uri, client.application_type, policy) {
            return bad(why);
        }
    }
    Ok(())
}

/// Dynamic Client Registration §2 and RFC 8252 §7: web clients use https, native ones a scheme of their own, loopback,
/// or an https address that their system leads to them. Plain http is for loopback, or where it is configured.
fn redirect_uri(uri: &str, kind: ApplicationType, policy: &Policy) -> Result<(), &'static str> {
    let url = without_fragment(uri)?;
    match (url.scheme(), kind) {
        ("https", _) => has_host(&url),
        ("http", _) if is_loopback(&url) => Ok(()),
        ("http", ApplicationType::Web) if policy.allow_http => has_host(&url),
        ("http", _) => Err("must be https; http is for loopback addresses"),
        (_, ApplicationType::Web) => {
            Err("must be https; other schemes are for clients whose application_type is native")
        }
        (scheme, ApplicationType::Native) if scheme.contains('.') => Ok(()),
        (_, ApplicationType::Native) => Err(
            "must use a scheme that is a domain name turned round, like com.example.app (RFC 8252 section 7.1)",
        ),
    }
}

fn has_host(url: &Url) -> Result<(), &'static str> {
    match url.has_host() {
        true => Ok(()),
        false => Err("names no host"),
    }
}

/// A page that people are led to: https or http, so that no script can stand in its place.
fn page(name: &str, uri: Option<&str>) -> Result<(), RegistrationError> {
    let Some(uri) = uri else { return Ok(()) };
    match absolute(uri) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(()),
        Ok(_) => refuse(name, "must be an https address"),
        Err(why) => refuse(name, why),
    }
}

/// An address that this server calls, or that it sends people to with something to do: https, or http on loopback or
/// where it is configured.
fn endpoint(name: &str, uri: &str, policy: &Policy) -> Result<(), RegistrationError> {
    match without_fragment(uri) {
        Ok(url) if url.scheme() == "https" => Ok(()),
        Ok(url) if url.scheme() == "http" && (policy.allow_http || is_loopback(&url)) => Ok(()),
        Ok(_) => refuse(name, "must be an https address"),
        Err(why) => refuse(name, why),
    }
}

/// Front-Channel Logout §2: scheme, host and port are those of a redirect URI.
fn frontchannel(client: &Client) -> Result<(), RegistrationError> {
    let origin = |uri: &String| Url::parse(uri).ok().map(|url| url.origin());
    let Some(uri) = &client.frontchannel_logout_uri else {
        return Ok(());
    };
    let ours = origin(uri);
    match client.redirect_uris.iter().any(|uri| origin(uri) == ours) {
        true => Ok(()),
        false => refuse(
            "frontchannel_logout_uri",
            "must have the scheme, host and port of one of the redirect_uris",
        ),
    }
}
