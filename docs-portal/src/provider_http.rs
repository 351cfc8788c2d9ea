//! Calls to the provider: no redirects followed, five seconds, one megabyte.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use thiserror::Error;

use crate::config::{Config, ConfigError, is_this_computer};

/// The time a call may take from first to last byte.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// An HTTP client for the `openidconnect` crate.
///
/// Redirects are not followed: a provider has no reason to send them at these endpoints, and
/// following one would carry credentials to an address nobody configured.
pub(crate) struct ProviderHttp {
    client: Client,
}

/// Why a call to the provider failed. Its text has no address and no parameter in it.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// Not reached, not answered in time, or not HTTP.
    #[error("the call failed")]
    Call(#[source] reqwest::Error),
    /// The answer is larger than the portal reads.
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// The answer cannot be passed on.
    #[error("the answer is not usable HTTP")]
    Unusable(#[source] http::Error),
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        Self::Call(error.without_url())
    }
}

impl ProviderHttp {
    /// A client that trusts the computer's certificate authorities and the configured ones.
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .timeout(CALL_TIMEOUT);
        let extra = match &config.extra_ca_pem {
            Some(pem) => read_certificates(pem)?,
            None => Vec::new(),
        };
        if config.issuer.scheme() == "http" {
            // No TLS will be spoken, so a computer without certificate authorities is no obstacle.
            builder = builder.tls_certs_only(extra);
        } else if !extra.is_empty() {
            builder = builder.tls_certs_merge(extra);
        }
        if config.demo || is_this_computer(&config.issuer) {
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder.build().map_err(ConfigError::HttpClient)?,
        })
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let mut answer = self.client.execute(request.try_into()?).await?;
        let mut to = http::Response::builder().status(answer.status());
        if let Some(headers) = to.headers_mut() {
            headers.extend(answer.headers().clone());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        to.body(body).map_err(CallError::Unusable)
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.fetch(request))
    }
}

fn read_certificates(pem: &[u8]) -> Result<Vec<Certificate>, ConfigError> {
    match Certificate::from_pem_bundle(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(ConfigError::ExtraCa),
    }
}
