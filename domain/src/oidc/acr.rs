//! Which authentication class a request asks for, and which one its ID token states (OpenID Connect Core §5.5.1.1).

use super::authorization::AuthorizationRequest;
use super::error::{AuthorizationError, AuthorizationErrorCode};
use crate::login::Strength;
use crate::login::requirement::{ACR_NUMBER_MATCH, ACR_SINGLE_FACTOR};

/// The classes that sign-ins reach, the strongest first.
pub const SUPPORTED: [&str; 2] = [ACR_NUMBER_MATCH, ACR_SINGLE_FACTOR];

/// §5.5.1.1: when `acr` is essential and no class that would do is one that sign-ins here reach, nobody need be asked.
pub(super) fn reachable(request: &AuthorizationRequest) -> Result<(), AuthorizationError> {
    match request.claims.essential_acr() {
        Some(values) if !SUPPORTED.iter().any(|known| holds(values, known)) => {
            Err(AuthorizationError::new(
                AuthorizationErrorCode::UnmetAuthenticationRequirements,
                &format!(
                    "No sign-in here reaches the essential acr of the parameter claims; there are {}.",
                    SUPPORTED.join(" and ")
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// What the request asks of the sign-in's strength: an essential class demands it, `acr_values` and a voluntary `acr`
/// claim prefer it. A list that also takes the weaker class asks for nothing.
pub fn strength(request: &AuthorizationRequest) -> Strength {
    let only_strong =
        |values: &[String]| holds(values, ACR_NUMBER_MATCH) && !holds(values, ACR_SINGLE_FACTOR);
    match request.claims.essential_acr() {
        Some(values) if only_strong(values) => Strength::Required,
        Some(_) => Strength::Usual,
        None if only_strong(voluntary(request)) => Strength::Preferred,
        None => Strength::Usual,
    }
}

/// The class that the ID token states: the one that was reached, or a weaker one that it includes, where only that one
/// was asked for (§5.5.1.1: the value returned is one of those requested).
pub fn stated(request: &AuthorizationRequest, reached: &str) -> String {
    let wanted = request.claims.essential_acr();
    let wanted = wanted.unwrap_or_else(|| voluntary(request));
    let includes = reached == ACR_NUMBER_MATCH && holds(wanted, ACR_SINGLE_FACTOR);
    match includes && !holds(wanted, reached) {
        true => ACR_SINGLE_FACTOR.to_owned(),
        false => reached.to_owned(),
    }
}

fn voluntary(request: &AuthorizationRequest) -> &[String] {
    let by_claim = request.claims.voluntary_acr();
    by_claim.unwrap_or(&request.acr_values)
}

fn holds(values: &[String], value: &str) -> bool {
    values.iter().any(|one| one == value)
}
