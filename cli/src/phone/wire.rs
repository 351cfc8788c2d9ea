//! The way to a server: JSON over HTTPS, and what can go wrong on it.

use super::link::address;
use crate::terminal::printable;
use anyhow::{Context, Result, anyhow};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response, header, redirect};
use serde_json::Value;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;
use techpass_server::outbound::{has_proxy, leads_to_loopback};

/// How long a server may take to answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// A server said no, in the words of the protocol.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The `error` member, such as `wrong_number`.
    pub error: String,
    /// A sentence for the person.
    pub message: String,
    /// The server's time in Unix seconds, where it said it.
    pub now: Option<i64>,
    /// How long to keep quiet, in seconds, where the server said it.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// The phone's clock is off, and the server said its own time.
    pub fn clock(&self) -> Option<i64> {
        self.now.filter(|_| self.error == "clock_skew")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = match self.error.as_str() {
            "wrong_number" => {
                "that is not the number on the computer; nothing was approved: get a new number in the browser"
            }
            "expired" => "the request has expired; nothing was approved",
            "already_answered" => "the request was answered before, on this phone or another",
            "unknown_request" => "the server does not know this request any more",
            "invalid_phone" => "the server does not know this phone; it may have been removed",
            "invalid_token" => {
                "the link was used before, has expired or is not complete; ask for a new one"
            }
            "clock_skew" => "this computer's clock is off",
            "too_many_requests" => "the server wants to be asked more slowly",
            _ => "",
        };
        match (known, self.message.as_str()) {
            ("", "") => write!(f, "the server refused with status {}", self.status),
            ("", message) => write!(f, "the server refused: {message}"),
            (known, _) => f.write_str(known),
        }
    }
}

impl Error for Refusal {}

/// A server did not answer.
#[derive(Debug)]
pub struct Unreachable {
    host: String,
    cause: reqwest::Error,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be reached", self.host)
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// What a server answered.
pub struct Reply {
    status: u16,
    body: Value,
    retry_after_s: Option<u64>,
}

impl Reply {
    /// The body, when the server did as asked.
    ///
    /// # Errors
    /// When it refused.
    pub fn accepted(self) -> Result<Value, Refusal> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let text = |name: &str| {
            let text = self.body.get(name).and_then(Value::as_str);
            printable(text.unwrap_or_default())
        };
        Err(Refusal {
            status: self.status,
            error: text("error"),
            message: text("message"),
            now: self.body.get("now").and_then(Value::as_i64),
            retry_after_s: self.retry_after_s,
        })
    }
}

/// Speaks HTTP. Redirects are not followed: a signed message is for the address it names.
pub struct Wire {
    /// Certificate authorities to trust besides the computer's own, in PEM.
    given: Option<String>,
    usual: Clients,
    /// Of issuers with certificate authorities of their own: these, in PEM, and the way there.
    own: HashMap<String, (String, Clients)>,
}

struct Clients {
    usual: Client,
    /// Without a proxy; only where the environment names one.
    straight: Option<Client>,
}

impl Clients {
    fn trusting(authorities: &[Certificate]) -> Result<Clients> {
        let base = || -> ClientBuilder {
            Client::builder()
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(ANSWER_TIMEOUT)
                .tls_certs_merge(authorities.to_vec())
        };
        let straight = has_proxy().then(|| base().no_proxy().build());
        Ok(Clients {
            usual: base().build().context("cannot start the HTTP client")?,
            straight: straight
                .transpose()
                .context("cannot start the HTTP client")?,
        })
    }
}

fn certificates(pem: &str, place: &str) -> Result<Vec<Certificate>> {
    Certificate::from_pem_bundle(pem.as_bytes())
        .ok()
        .filter(|found| !found.is_empty())
        .with_context(|| format!("{place} holds no certificate"))
}

impl Wire {
    /// Trusts the computer's certificate authorities, and those of a PEM file as well.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn new(ca: Option<&Path>) -> Result<Wire> {
        let (mut given, mut authorities) = (None, Vec::new());
        if let Some(path) = ca {
            let shown = path.display().to_string();
            let pem = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
            let pem = String::from_utf8_lossy(&pem).into_owned();
            authorities = certificates(&pem, &shown)?;
            given = Some(pem);
        }
        Ok(Wire {
            given,
            usual: Clients::trusting(&authorities)?,
            own: HashMap::new(),
        })
    }

    /// Trusts further certificate authorities (PEM) for one issuer.
    ///
    /// # Errors
    /// When there is no certificate in the text.
    pub fn trust(&mut self, issuer: &str, pem: &str) -> Result<()> {
        let mut authorities = certificates(pem, "the phone file's entry of a server")?;
        if let Some(given) = self.given.as_deref().filter(|given| *given != pem) {
            authorities.extend(certificates(given, "the file of --ca")?);
        }
        let clients = Clients::trusting(&authorities)?;
        let kept = (pem.to_owned(), clients);
        self.own.insert(issuer.to_owned(), kept);
        Ok(())
    }

    /// The certificate authorities (PEM) that are trusted for an issuer besides the computer's own.
    pub fn trusted(&self, issuer: &str) -> Option<String> {
        let own = self.own.get(issuer).map(|(pem, _)| pem);
        self.given.as_ref().or(own).cloned()
    }

    /// Reads `ISSUER` + `path` with a proof in the `Authorization` header.
    ///
    /// # Errors
    /// [`Unreachable`], or when the answer is too large.
    pub async fn get(&self, issuer: &str, path: &str, proof: &str) -> Result<Reply> {
        let client = self.client(issuer).await?;
        let request = client.get(format!("{issuer}{path}"));
        let request = request.header(header::AUTHORIZATION, format!("Phone {proof}"));
        self.send(issuer, request).await
    }

    /// Sends a JSON body to `ISSUER` + `path`.
    ///
    /// # Errors
    /// [`Unreachable`], or when the answer is too large.
    pub async fn post(&self, issuer: &str, path: &str, body: &Value) -> Result<Reply> {
        let client = self.client(issuer).await?;
        let request = client.post(format!("{issuer}{path}"));
        self.send(issuer, request.json(body)).await
    }

    /// A proxy could not find this computer.
    async fn client(&self, issuer: &str) -> Result<&Client> {
        let own = self.own.get(issuer).map(|(_, clients)| clients);
        let clients = own.unwrap_or(&self.usual);
        let url = address(issuer)?;
        Ok(match &clients.straight {
            Some(straight) if leads_to_loopback(&url).await => straight,
            _ => &clients.usual,
        })
    }

    async fn send(&self, issuer: &str, request: RequestBuilder) -> Result<Reply> {
        let unreachable = |cause: reqwest::Error| Unreachable {
            host: host(issuer),
            cause: cause.without_url(),
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let retry_after_s = retry_after(&response);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > ANSWER_MAX {
                return Err(anyhow!("{} answered with too much", host(issuer)));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status,
            // What is no JSON is a refusal without words, or fails where its members are read.
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            retry_after_s,
        })
    }
}

fn retry_after(response: &Response) -> Option<u64> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// The server's name for messages.
pub fn host(issuer: &str) -> String {
    let url = address(issuer).ok();
    let host = url.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(
            url.port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
        )
    });
    host.unwrap_or_else(|| "the server".to_owned())
}
