//! What a client is told of a login that ended without a code (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).

use super::error::AuthorizationErrorCode as Code;
use crate::login::{Asked, Refusal, Strength};
use crate::problem::Problem;

/// The code of the error. What the request itself demanded and the sign-in could not meet has a code of its own; every
/// other refusal is `access_denied`.
pub fn code_of(asked: &Asked, refusal: Refusal) -> Code {
    match refusal {
        Refusal::LoginRequired | Refusal::Expired => Code::LoginRequired,
        Refusal::InteractionRequired => Code::InteractionRequired,
        Refusal::AccountSelectionRequired => Code::AccountSelectionRequired,
        Refusal::ConsentRequired => Code::ConsentRequired,
        Refusal::Upstream | Refusal::Cancelled(None) => Code::AccessDenied,
        Refusal::Cancelled(Some(problem)) | Refusal::Problem(problem) => of_problem(asked, problem),
    }
}

fn of_problem(asked: &Asked, problem: Problem) -> Code {
    let too_weak = matches!(problem, Problem::TooWeak | Problem::NoAuthenticator);
    match problem {
        // Core §3.1.2.1, §5.5.1: only one account would have done.
        Problem::WrongAccount if asked.only.is_some() => Code::LoginRequired,
        // Core §5.5.1.1: the essential class was not reached.
        _ if too_weak && asked.strength == Strength::Required => {
            Code::UnmetAuthenticationRequirements
        }
        _ => Code::AccessDenied,
    }
}
