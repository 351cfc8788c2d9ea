//! The provider: what discovery says about it, its keys, and the client that talks to it.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, Client, ClientId, ClientSecret, DiscoveryError, EmptyExtraTokenFields,
    EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenClaims,
    IdTokenFields, IdTokenVerifier, IssuerUrl, JsonWebKeySet, ProviderMetadataWithLogout,
    RedirectUrl, StandardErrorResponse, StandardTokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::config::{Clock, Config, ConfigError, Secret};
use crate::provider_http::{CallError, ProviderHttp};

/// How long discovery is trusted before it is read again, in seconds.
const METADATA_LIFETIME_S: i64 = 60 * 60;

/// The least time between two readings of the keys because of an unknown key, in seconds: tokens
/// with invented key identifiers must not turn the portal against the provider.
const KEY_REFRESH_PAUSE_S: i64 = 5;

/// The signature algorithms the portal accepts, in ID tokens and logout tokens alike.
pub(crate) const ALGORITHMS: [CoreJwsSigningAlgorithm; 2] = [
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
];

/// Claims beyond the standard ones that the portal reads. Values of an unexpected kind are no
/// reason to refuse a log-in, so they are read loosely.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PortalClaims {
    /// The organisation to show after the name.
    #[serde(default)]
    pub(crate) organisation: Option<serde_json::Value>,
    /// The provider's session (Back-Channel Logout 1.0 §2.1).
    #[serde(default)]
    pub(crate) sid: Option<serde_json::Value>,
}

impl AdditionalClaims for PortalClaims {}

pub(crate) type PortalIdToken = IdToken<
    PortalClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
pub(crate) type PortalIdTokenClaims = IdTokenClaims<PortalClaims, CoreGenderClaim>;
pub(crate) type PortalUserInfo = UserInfoClaims<PortalClaims, CoreGenderClaim>;
pub(crate) type TokenAnswer = StandardTokenResponse<
    IdTokenFields<
        PortalClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
pub(crate) type TokenError = StandardErrorResponse<CoreErrorResponseType>;
pub(crate) type PortalClient = Client<
    PortalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    TokenError,
    TokenAnswer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why the provider could not be read.
#[derive(Debug, Error)]
pub(crate) enum ProviderError {
    /// Discovery or keys could not be read.
    #[error("discovery failed")]
    Discovery(#[source] Box<DiscoveryError<CallError>>),
    /// Discovery answered with an endpoint that the portal must not use.
    #[error("discovery names the {0} without https")]
    Insecure(&'static str),
}

impl From<DiscoveryError<CallError>> for ProviderError {
    fn from(error: DiscoveryError<CallError>) -> Self {
        Self::Discovery(Box::new(error))
    }
}

/// What is known of the provider at one moment.
pub(crate) struct Known {
    metadata: ProviderMetadataWithLogout,
    read_at: i64,
}

impl Known {
    /// The issuer, exactly as tokens must carry it.
    pub(crate) fn issuer(&self) -> &str {
        self.metadata.issuer().as_str()
    }

    /// The keys that the provider signs with.
    pub(crate) fn keys(&self) -> &CoreJsonWebKeySet {
        self.metadata.jwks()
    }

    /// Where log-outs go (RP-Initiated Logout 1.0 §2.1).
    pub(crate) fn end_session_endpoint(&self) -> Option<EndSessionUrl> {
        self.metadata
            .additional_metadata()
            .end_session_endpoint
            .clone()
    }
}

/// The provider and the portal's registration with it.
pub(crate) struct Provider {
    /// The HTTP client for calls to it.
    pub(crate) http: ProviderHttp,
    /// The portal's client identifier.
    pub(crate) client_id: ClientId,
    client_secret: Option<Secret>,
    issuer_forms: Vec<IssuerUrl>,
    redirect_uri: RedirectUrl,
    now: Clock,
    known: RwLock<Option<Arc<Known>>>,
    keys_refreshed_at: Mutex<Option<i64>>,
}

impl Provider {
    /// The configured provider, not yet contacted.
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let redirect_uri =
            RedirectUrl::new(format!("{}/auth/callback", config.origin())).map_err(|_| {
                ConfigError::Address {
                    setting: "public_url",
                    reason: "it is not an address",
                }
            })?;
        Ok(Self {
            http: ProviderHttp::new(config)?,
            client_id: ClientId::new(config.client_id.clone()),
            client_secret: config.client_secret.clone(),
            issuer_forms: issuer_forms(&config.issuer)?,
            redirect_uri,
            now: Arc::clone(&config.now),
            known: RwLock::new(None),
            keys_refreshed_at: Mutex::new(None),
        })
    }

    /// True when the text names the configured issuer.
    pub(crate) fn is_issuer(&self, text: &str) -> bool {
        self.issuer_forms.iter().any(|form| form.as_str() == text)
    }

    /// What is known of the provider, read from it when there is nothing yet or it is old. Old
    /// knowledge is better than none while the provider does not answer.
    pub(crate) async fn known(&self) -> Result<Arc<Known>, ProviderError> {
        let now = (self.now)();
        let cached = self.cached();
        if let Some(known) = &cached
            && (known.read_at..known.read_at.saturating_add(METADATA_LIFETIME_S)).contains(&now)
        {
            return Ok(Arc::clone(known));
        }
        match self.discover().await {
            Ok(metadata) => Ok(self.remember(Known {
                metadata,
                read_at: now,
            })),
            Err(error) => cached.ok_or(error),
        }
    }

    /// What is known without asking the provider.
    pub(crate) fn cached(&self) -> Option<Arc<Known>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the keys again after a signature named an unknown one. `None` when they were read
    /// again only just now.
    pub(crate) async fn refreshed(&self, old: &Known) -> Result<Option<Arc<Known>>, ProviderError> {
        if !self.may_refresh_keys() {
            return Ok(None);
        }
        let keys = JsonWebKeySet::fetch_async(old.metadata.jwks_uri(), &self.http).await?;
        let metadata = old.metadata.clone().set_jwks(keys);
        Ok(Some(self.remember(Known {
            metadata,
            read_at: old.read_at,
        })))
    }

    /// The client that makes and reads the protocol's messages.
    pub(crate) fn client(&self, known: &Known) -> PortalClient {
        let secret = self.client_secret.as_ref();
        Client::from_provider_metadata(
            known.metadata.clone(),
            self.client_id.clone(),
            secret.map(|secret| ClientSecret::new(secret.expose().to_owned())),
        )
        .set_redirect_uri(self.redirect_uri.clone())
    }

    /// The verifier of ID tokens (Core §3.1.3.7). Symmetric algorithms are not among the allowed
    /// ones, so it never needs the client's secret.
    pub(crate) fn id_token_verifier(&self, known: &Known) -> IdTokenVerifier<'_, CoreJsonWebKey> {
        let now = Arc::clone(&self.now);
        let issued = Arc::clone(&self.now);
        IdTokenVerifier::new_public_client(
            self.client_id.clone(),
            known.metadata.issuer().clone(),
            known.keys().clone(),
        )
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || system_time(now()).into())
        .set_issue_time_verifier_fn(move |at| {
            if is_recent(at.timestamp(), issued()) {
                Ok(())
            } else {
                Err("the ID token was not issued just now".to_owned())
            }
        })
    }

    fn remember(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        known
    }

    async fn discover(&self) -> Result<ProviderMetadataWithLogout, ProviderError> {
        let mut refused = DiscoveryError::Other("no issuer".to_owned());
        for form in &self.issuer_forms {
            match ProviderMetadataWithLogout::discover_async(form.clone(), &self.http).await {
                Ok(metadata) => {
                    check_endpoints(&metadata)?;
                    return Ok(metadata);
                }
                // The document names another issuer: perhaps the other form of ours.
                Err(error @ DiscoveryError::Validation(_)) => refused = error,
                Err(error) => return Err(error.into()),
            }
        }
        Err(refused.into())
    }

    fn may_refresh_keys(&self) -> bool {
        let now = (self.now)();
        let mut last = self
            .keys_refreshed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let pausing = last
            .is_some_and(|last| (last..last.saturating_add(KEY_REFRESH_PAUSE_S)).contains(&now));
        if !pausing {
            *last = Some(now);
        }
        !pausing
    }
}

/// The longest age of a token that was issued just now, in seconds.
const RECENT_S: i64 = 10 * 60;

/// How far the provider's clock may be ahead, in seconds.
const CLOCK_AHEAD_S: i64 = 60;

/// True for a moment of issue that fits a token received now.
pub(crate) fn is_recent(issued_at: i64, now: i64) -> bool {
    (now.saturating_sub(RECENT_S)..=now.saturating_add(CLOCK_AHEAD_S)).contains(&issued_at)
}

fn system_time(unix_s: i64) -> std::time::SystemTime {
    let since = std::time::Duration::from_secs(u64::try_from(unix_s).unwrap_or(0));
    std::time::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(std::time::UNIX_EPOCH)
}

/// An address type cannot tell `https://id.example` from `https://id.example/`, an issuer can.
fn issuer_forms(issuer: &Url) -> Result<Vec<IssuerUrl>, ConfigError> {
    let text = issuer.as_str();
    let mut forms = vec![text];
    if issuer.path() == "/" {
        forms.insert(0, text.trim_end_matches('/'));
    }
    forms
        .into_iter()
        .map(|form| {
            IssuerUrl::new(form.to_owned()).map_err(|_| ConfigError::Address {
                setting: "issuer",
                reason: "it is not an address",
            })
        })
        .collect()
}

/// A provider reached over HTTPS has all its endpoints there.
fn check_endpoints(metadata: &ProviderMetadataWithLogout) -> Result<(), ProviderError> {
    if metadata.issuer().url().scheme() != "https" {
        return Ok(());
    }
    let logout = metadata.additional_metadata().end_session_endpoint.as_ref();
    let endpoints = [
        (
            "authorization endpoint",
            Some(metadata.authorization_endpoint().url()),
        ),
        (
            "token endpoint",
            metadata.token_endpoint().map(|endpoint| endpoint.url()),
        ),
        (
            "UserInfo endpoint",
            metadata.userinfo_endpoint().map(|endpoint| endpoint.url()),
        ),
        (
            "end session endpoint",
            logout.map(|endpoint| endpoint.url()),
        ),
        ("keys", Some(metadata.jwks_uri().url())),
    ];
    for (name, url) in endpoints {
        if url.is_some_and(|url| url.scheme() != "https") {
            return Err(ProviderError::Insecure(name));
        }
    }
    Ok(())
}
