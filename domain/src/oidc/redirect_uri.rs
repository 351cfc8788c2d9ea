//! Which redirect URI may be used: byte for byte one that is registered (RFC 9700 §2.1), with the one exception of
//! loopback ports for native clients (RFC 8252 §7.3).

use crate::client::{ApplicationType, AuthMethod, Client};

/// Whether answers to this client may go to `sent`. A fragment is never permitted (RFC 6749 §3.1.2).
pub fn is_registered(sent: &str, client: &Client) -> bool {
    let mut registered = client.redirect_uris.iter();
    !sent.contains('#')
        && registered.any(|uri| uri == sent || (is_native(client) && same_loopback(uri, sent)))
}

/// Whether a client may run on a person's machine: it says so, or it has no secret to keep (RFC 8252 §8.4).
fn is_native(client: &Client) -> bool {
    client.application_type == ApplicationType::Native || client.auth_method == AuthMethod::None
}

/// RFC 8252 §7.3: a native client listens on whichever port the system gives it, so only the port may differ. The name
/// `localhost` is not one of the two addresses (§8.3): it can be made to point elsewhere.
fn same_loopback(registered: &str, sent: &str) -> bool {
    match (loopback(registered), loopback(sent)) {
        (Some(registered), Some(sent)) => registered == sent,
        _ => false,
    }
}

/// Address and what follows the port, of an `http` URI on a loopback address. Nothing but an optional port may stand
/// between the address and the path, so user information and longer host names are none.
fn loopback(uri: &str) -> Option<(&'static str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let (address, rest) = ["127.0.0.1", "[::1]"]
        .into_iter()
        .find_map(|address| Some((address, rest.strip_prefix(address)?)))?;
    let rest = match rest.strip_prefix(':') {
        Some(port_and_rest) => {
            let end = port_and_rest.find(|c: char| !c.is_ascii_digit());
            let (port, rest) =
                port_and_rest.split_at_checked(end.unwrap_or(port_and_rest.len()))?;
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            rest
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((address, rest))
}
