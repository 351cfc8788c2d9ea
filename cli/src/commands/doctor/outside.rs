//! What the server shows to others, and what others show to it: certificate, listeners, upstreams.

use super::Report;
use std::net::TcpListener;
use std::time::Duration;
use techpass_domain::time::Timestamp;
use techpass_server::config::{Config, Outbound};
use techpass_server::outbound;
use techpass_server::serve::Certificate;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

/// Days before its end at which a certificate should be renewed by now.
const DAYS_LEFT_MIN: i64 = 14;
const DAY_S: i64 = 24 * 60 * 60;
/// How far this clock may be off another's, in seconds.
const SKEW_S: i64 = 60;
/// How long the mail server may take to answer.
const MAIL_WAIT: Duration = Duration::from_secs(3);

/// The certificate: whether it goes with its key, is good now and for how long, and for the hosts that browsers see.
pub(super) async fn tls(config: &Config, now: Timestamp, report: &mut Report) {
    let Some(files) = &config.tls else {
        return report.good("TLS", "ended by a proxy in front, or not used");
    };
    if let Err(error) = Certificate::load(files).await {
        report.bad("TLS", error.to_string());
    }
    validity(config, now, report);
}

/// Whether the certificate is good now and for how long, and for which hosts.
pub(super) fn validity(config: &Config, now: Timestamp, report: &mut Report) {
    let Some(tls) = &config.tls else { return };
    let shown = tls.certificate_file.display();
    let bytes = match std::fs::read(&tls.certificate_file) {
        Ok(bytes) => bytes,
        Err(error) => return report.bad("TLS", format!("{shown}: {error}")),
    };
    let first = Pem::iter_from_buffer(&bytes).next().and_then(Result::ok);
    let Some(first) = first else {
        return report.bad("TLS", format!("{shown} holds no certificate in PEM"));
    };
    let Ok(certificate) = first.parse_x509() else {
        return report.bad("TLS", format!("{shown} does not parse"));
    };
    let validity = certificate.validity();
    let left_s = validity.not_after.timestamp() - now.0;
    if validity.not_before.timestamp() > now.0 {
        report.bad("TLS", format!("{shown} is not good yet"));
    } else if left_s <= 0 {
        report.bad("TLS", format!("{shown} ended {} days ago", -left_s / DAY_S));
    } else if left_s < DAYS_LEFT_MIN * DAY_S {
        report.warning("TLS", format!("{shown} ends in {} days", left_s / DAY_S));
    } else {
        report.good(
            "TLS",
            format!("{shown} is good for {} days", left_s / DAY_S),
        );
    }
    let phone = &config.authenticator;
    let phone = phone.public_url.as_ref().filter(|_| phone.listen.is_some());
    for url in [Some(&config.public_url), phone].into_iter().flatten() {
        if let Some(host) = url.host()
            && !is_for(&certificate, &host)
        {
            report.warning(
                "TLS",
                format!("{shown} is not for {host}: browsers refuse it, unless a proxy in front has another"),
            );
        }
    }
}

/// Whether a certificate names a host among its alternative names (RFC 9525 §6): one label may be a star.
fn is_for(certificate: &X509Certificate<'_>, host: &url::Host<&str>) -> bool {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return false;
    };
    names
        .value
        .general_names
        .iter()
        .any(|name| match (name, host) {
            (GeneralName::DNSName(name), url::Host::Domain(host)) => {
                let rest = host.split_once('.').map(|(_, rest)| rest);
                name.eq_ignore_ascii_case(host)
                    || name
                        .strip_prefix("*.")
                        .zip(rest)
                        .is_some_and(|(wild, rest)| wild.eq_ignore_ascii_case(rest))
            }
            (GeneralName::IPAddress(bytes), url::Host::Ipv4(ip)) => *bytes == ip.octets(),
            (GeneralName::IPAddress(bytes), url::Host::Ipv6(ip)) => *bytes == ip.octets(),
            _ => false,
        })
}

/// Whether the mail server can be reached. Nothing is said to it.
pub(super) async fn mail(config: &Config, report: &mut Report) {
    let Some(mail) = &config.mail else { return };
    let usual = if mail.server.scheme() == "smtps" {
        465
    } else {
        587
    };
    let host = mail.server.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = mail.server.port().unwrap_or(usual);
    let reached = tokio::net::TcpStream::connect((host, port));
    match tokio::time::timeout(MAIL_WAIT, reached).await {
        Ok(Ok(_)) => report.good("mail", format!("{host}:{port} can be reached")),
        Ok(Err(error)) => report.warning("mail", format!("{host}:{port}: {error}")),
        Err(_) => report.warning("mail", format!("{host}:{port} does not answer")),
    }
}

/// Whether the addresses can be listened on; a running server has them already.
pub(super) fn listeners(config: &Config, running: bool, report: &mut Report) {
    let all = [
        Some(&config.listen),
        config.authenticator.listen.as_ref(),
        config.management.listen.as_ref(),
    ];
    for address in all.into_iter().flatten() {
        match TcpListener::bind(address) {
            Ok(_) => report.good("listener", format!("{address} is free")),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && running => {
                report.good("listener", format!("{address} is taken, and a server runs"));
            }
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse
                    && config.database_file().is_none() =>
            {
                report.warning(
                    "listener",
                    format!("{address} is taken, by a server or another program"),
                );
            }
            Err(error) => report.bad("listener", format!("{address}: {error}")),
        }
    }
}

/// Whether each upstream answers as itself, and what its clock says of this one's.
pub(super) async fn upstreams(config: &Config, now: Timestamp, report: &mut Report) {
    if config.upstream.is_empty() {
        return;
    }
    let client = match outbound::client(&config.outbound) {
        Ok(client) => client,
        Err(error) => return report.bad("upstream", error.to_string()),
    };
    for upstream in &config.upstream {
        let issuer = upstream.issuer.as_str().trim_end_matches('/');
        match discovered(&config.outbound, &client, issuer).await {
            Ok(date) => {
                report.good("upstream", format!("{} answers as itself", upstream.issuer));
                let Some(theirs) = date else { continue };
                let off_s = now.since(theirs);
                if off_s.abs() > SKEW_S {
                    report.warning(
                        "clock",
                        format!("{off_s} s off the clock of {}", upstream.issuer),
                    );
                }
            }
            Err(reason) => report.bad("upstream", format!("{}: {reason}", upstream.issuer)),
        }
    }
}

/// Whether the public address leads to this server, as browsers get there. From inside of some networks it does not.
pub(super) async fn public(config: &Config, report: &mut Report) {
    let own = Outbound {
        allow_private: true,
        ..config.outbound.clone()
    };
    let issuer = config.issuer();
    let found = match outbound::client(&own) {
        Ok(client) => discovered(&own, &client, &issuer).await,
        Err(error) => Err(error.to_string()),
    };
    match found {
        Ok(_) => report.good("public", format!("{issuer} leads here")),
        Err(reason) => report.warning("public", format!("{issuer}, asked from here: {reason}")),
    }
}

async fn discovered(
    outbound: &Outbound,
    client: &outbound::Client,
    issuer: &str,
) -> Result<Option<Timestamp>, String> {
    let url = format!("{issuer}/.well-known/openid-configuration");
    let url = url::Url::parse(&url).map_err(|error| error.to_string())?;
    if !outbound::allowed(outbound, &url) {
        return Err("private addresses are not called; see outbound.allow_private".to_owned());
    }
    let answer = client.get(url).await.send().await;
    let answer = answer.map_err(|error| error.without_url().to_string())?;
    if !answer.status().is_success() {
        return Err(format!("answered {}", answer.status().as_u16()));
    }
    let date = answer.headers().get(http::header::DATE);
    let date = date.and_then(|value| value.to_str().ok()).and_then(moment);
    let body = outbound::body(answer).await?;
    let document: serde_json::Value =
        serde_json::from_slice(&body).map_err(|_| "its metadata is no JSON".to_owned())?;
    let named = document.get("issuer").and_then(serde_json::Value::as_str);
    if named != Some(issuer) {
        return Err(format!(
            "its metadata names {}",
            named.unwrap_or("no issuer")
        ));
    }
    Ok(date)
}

/// An HTTP date (RFC 9110 §5.6.7).
fn moment(text: &str) -> Option<Timestamp> {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let parsed = time::PrimitiveDateTime::parse(text, format).ok()?;
    Some(Timestamp(parsed.assume_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_certificate_is_for_the_hosts_it_names() {
        let names = ["techpass.example", "*.agency.example", "192.0.2.7"];
        let made = rcgen::generate_simple_self_signed(names.map(str::to_owned)).unwrap();
        let der = made.cert.der();
        let (_, certificate) = x509_parser::parse_x509_certificate(der).unwrap();
        for (url, good) in [
            ("https://techpass.example", true),
            ("https://TechPass.example:8443", true),
            ("https://wog.agency.example", true),
            ("https://192.0.2.7", true),
            ("https://agency.example", false),
            ("https://a.wog.agency.example", false),
            ("https://sign-in.example", false),
            ("https://192.0.2.8", false),
        ] {
            let url = url::Url::parse(url).unwrap();
            assert_eq!(is_for(&certificate, &url.host().unwrap()), good, "{url}");
        }
    }
}
