//! From an authorization code to a person: token endpoint, ID token, UserInfo.

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClaimsVerificationError, LocalizedClaim,
    Nonce, OAuth2TokenResponse, PkceCodeVerifier, RequestTokenError, SignatureVerificationError,
    SubjectIdentifier, TokenResponse, UserInfoError,
};
use thiserror::Error;

use crate::attempts::Attempt;
use crate::config::Secret;
use crate::provider::{
    Known, PortalIdToken, PortalIdTokenClaims, PortalUserInfo, Provider, ProviderError, TokenAnswer,
};
use crate::provider_http::CallError;
use crate::sessions::Person;

/// The longest name, organisation or address that is shown, in characters.
const LABEL_CHARS_MAX: usize = 200;

/// Why a code did not become a person. The text goes to the log: it names no token, code or
/// address of a person.
#[derive(Debug, Error)]
pub(crate) enum SignInError {
    /// The provider cannot be read.
    #[error("the provider cannot be read: {0}")]
    Provider(#[from] ProviderError),
    /// A call to the provider failed.
    #[error("the {0} did not answer")]
    Call(&'static str),
    /// The provider refused the code.
    #[error("the token endpoint refused the code: {0}")]
    CodeRefused(String),
    /// An answer is not what the standard says.
    #[error("the provider's answer is not usable: {0}")]
    Answer(String),
    /// The ID token must not be believed.
    #[error("the ID token is refused: {0}")]
    IdToken(String),
}

impl SignInError {
    /// True when trying again later may help.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Provider(_) | Self::Call(_))
    }
}

/// Redeems a code and checks everything that comes back (Core §3.1.3, §5.3.2).
pub(crate) async fn redeem(
    provider: &Provider,
    code: &str,
    attempt: Attempt,
) -> Result<Person, SignInError> {
    let known = provider.known().await?;
    let tokens = exchange(provider, &known, code, &attempt.verifier).await?;
    let id_token = tokens
        .id_token()
        .ok_or_else(|| SignInError::IdToken("there is none in the answer".to_owned()))?;
    let access_token = tokens.access_token();
    let nonce = Nonce::new(attempt.nonce);
    let claims = verify(provider, known.clone(), id_token, &nonce, access_token).await?;
    let user_info = user_info(provider, &known, access_token, claims.subject()).await?;
    Ok(person(&claims, user_info.as_ref(), id_token))
}

async fn exchange(
    provider: &Provider,
    known: &Known,
    code: &str,
    verifier: &str,
) -> Result<TokenAnswer, SignInError> {
    let client = provider.client(known);
    let request = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .map_err(|_| SignInError::Answer("discovery names no token endpoint".to_owned()))?
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
    request
        .request_async(&provider.http)
        .await
        .map_err(|error| match error {
            RequestTokenError::ServerResponse(refusal) => match refusal.error() {
                CoreErrorResponseType::Extension(_) => SignInError::Call("token endpoint"),
                code => SignInError::CodeRefused(code.to_string()),
            },
            RequestTokenError::Request(_) => SignInError::Call("token endpoint"),
            RequestTokenError::Parse(error, _) => {
                SignInError::Answer(format!("token answer, at `{}`", error.path()))
            }
            RequestTokenError::Other(_) => SignInError::Answer("empty token answer".to_owned()),
        })
}

/// Verifies the ID token; an unknown key is looked for once in freshly read keys.
async fn verify(
    provider: &Provider,
    known: std::sync::Arc<Known>,
    id_token: &PortalIdToken,
    nonce: &Nonce,
    access_token: &AccessToken,
) -> Result<PortalIdTokenClaims, SignInError> {
    match verify_with(provider, &known, id_token, nonce, access_token) {
        Err(Refusal::UnknownKey) => {}
        Err(Refusal::Refused(why)) => return Err(SignInError::IdToken(why)),
        Ok(claims) => return Ok(claims),
    }
    let unknown = || SignInError::IdToken("it names an unknown key".to_owned());
    let fresh = provider.refreshed(&known).await?.ok_or_else(unknown)?;
    verify_with(provider, &fresh, id_token, nonce, access_token).map_err(|refusal| match refusal {
        Refusal::UnknownKey => unknown(),
        Refusal::Refused(why) => SignInError::IdToken(why),
    })
}

enum Refusal {
    UnknownKey,
    Refused(String),
}

impl From<ClaimsVerificationError> for Refusal {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(error) => error.into(),
            error => Self::Refused(error.to_string()),
        }
    }
}

impl From<SignatureVerificationError> for Refusal {
    fn from(error: SignatureVerificationError) -> Self {
        match error {
            SignatureVerificationError::NoMatchingKey => Self::UnknownKey,
            error => Self::Refused(error.to_string()),
        }
    }
}

fn verify_with(
    provider: &Provider,
    known: &Known,
    id_token: &PortalIdToken,
    nonce: &Nonce,
    access_token: &AccessToken,
) -> Result<PortalIdTokenClaims, Refusal> {
    let verifier = provider.id_token_verifier(known);
    let claims = id_token.claims(&verifier, nonce)?;
    // The crate leaves `azp` to its callers (Core §2: when present it names the authorized party).
    if claims
        .authorized_party()
        .is_some_and(|party| *party != provider.client_id)
    {
        return Err(Refusal::Refused("`azp` names another client".to_owned()));
    }
    if let Some(expected) = claims.access_token_hash() {
        let key = id_token.signing_key(&verifier)?;
        let actual = AccessTokenHash::from_token(access_token, id_token.signing_alg()?, key)
            .map_err(|error| Refusal::Refused(error.to_string()))?;
        if actual != *expected {
            return Err(Refusal::Refused(
                "`at_hash` is of another access token".to_owned(),
            ));
        }
    }
    Ok(claims.clone())
}

/// Asks UserInfo for the claims of the scopes `profile` and `email`. `None` when the provider has
/// no such endpoint.
async fn user_info(
    provider: &Provider,
    known: &Known,
    access_token: &AccessToken,
    subject: &SubjectIdentifier,
) -> Result<Option<PortalUserInfo>, SignInError> {
    // RFC 6750 §2.1. Other characters cannot be put into a header.
    if !access_token
        .secret()
        .bytes()
        .all(|byte| byte.is_ascii_graphic())
    {
        return Err(SignInError::Answer(
            "access token of forbidden characters".to_owned(),
        ));
    }
    let client = provider.client(known);
    let Ok(request) = client.user_info(access_token.clone(), Some(subject.clone())) else {
        return Ok(None);
    };
    match request.request_async(&provider.http).await {
        Ok(claims) => Ok(Some(claims)),
        Err(error) => Err(user_info_error(&error)),
    }
}

fn user_info_error(error: &UserInfoError<CallError>) -> SignInError {
    match error {
        UserInfoError::Request(_) => SignInError::Call("UserInfo endpoint"),
        UserInfoError::Response(status, ..) if status.is_server_error() => {
            SignInError::Call("UserInfo endpoint")
        }
        UserInfoError::Response(status, ..) => {
            SignInError::Answer(format!("UserInfo status {}", status.as_u16()))
        }
        UserInfoError::ClaimsVerification(ClaimsVerificationError::InvalidSubject(_)) => {
            SignInError::Answer("UserInfo is about another subject".to_owned())
        }
        _ => SignInError::Answer("UserInfo cannot be read".to_owned()),
    }
}

/// Puts the person together: UserInfo first, the ID token where UserInfo is silent.
fn person(
    claims: &PortalIdTokenClaims,
    info: Option<&PortalUserInfo>,
    id_token: &PortalIdToken,
) -> Person {
    let sub = claims.subject().to_string();
    let email = info
        .and_then(|info| info.email())
        .or_else(|| claims.email())
        .and_then(|email| label(email.as_str()));
    let full_name = info
        .and_then(|info| plain(info.name()))
        .or_else(|| plain(claims.name()))
        .and_then(|name| label(name.as_str()));
    let user_name = info
        .and_then(|info| info.preferred_username())
        .or_else(|| claims.preferred_username())
        .and_then(|name| label(name.as_str()));
    let organisation = info
        .and_then(|info| info.additional_claims().organisation.as_ref())
        .or(claims.additional_claims().organisation.as_ref())
        .and_then(|value| value.as_str())
        .and_then(label);
    let sid = claims
        .additional_claims()
        .sid
        .as_ref()
        .and_then(|value| value.as_str());
    Person {
        name: full_name
            .or(user_name)
            .or_else(|| email.clone())
            .unwrap_or_else(|| sub.clone()),
        sub,
        sid: sid.map(str::to_owned),
        organisation,
        email,
        id_token: Secret::from(id_token.to_string()),
    }
}

/// The value of a claim in no particular language, or in any when there is none.
fn plain<T>(claim: Option<&LocalizedClaim<T>>) -> Option<&T> {
    let claim = claim?;
    claim
        .get(None)
        .or_else(|| claim.iter().next().map(|(_, value)| value))
}

/// Text that is fit to be shown: not empty, not endless, no control characters.
fn label(text: &str) -> Option<String> {
    let clean: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(LABEL_CHARS_MAX)
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}
