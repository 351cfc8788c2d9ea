use crate::id::AccountId;
use crate::login::{Asked, Refusal, Strength};
use crate::oidc::refusal::code_of;
use crate::problem::Problem;

#[test]
fn a_client_is_told_what_its_request_could_not_have() {
    let usual = Asked::default();
    let only = Asked {
        only: Some(AccountId::new("acc_1")),
        ..Asked::default()
    };
    let strong = Asked {
        strength: Strength::Required,
        ..Asked::default()
    };
    for (asked, refusal, code) in [
        (&usual, Refusal::LoginRequired, "login_required"),
        (&usual, Refusal::Expired, "login_required"),
        (&usual, Refusal::InteractionRequired, "interaction_required"),
        (
            &usual,
            Refusal::AccountSelectionRequired,
            "account_selection_required",
        ),
        (&usual, Refusal::ConsentRequired, "consent_required"),
        (&usual, Refusal::Cancelled(None), "access_denied"),
        (&usual, Refusal::Upstream, "access_denied"),
        (&usual, Refusal::Problem(Problem::DeviceSe), "access_denied"),
        (
            &usual,
            Refusal::Cancelled(Some(Problem::TooWeak)),
            "access_denied",
        ),
        (
            &usual,
            Refusal::Problem(Problem::WrongAccount),
            "access_denied",
        ),
        (
            &only,
            Refusal::Cancelled(Some(Problem::WrongAccount)),
            "login_required",
        ),
        (&only, Refusal::Cancelled(None), "access_denied"),
        (
            &strong,
            Refusal::Problem(Problem::NoAuthenticator),
            "unmet_authentication_requirements",
        ),
        (
            &strong,
            Refusal::Cancelled(Some(Problem::TooWeak)),
            "unmet_authentication_requirements",
        ),
        (&strong, Refusal::Problem(Problem::OnHold), "access_denied"),
    ] {
        assert_eq!(code_of(asked, refusal).as_str(), code, "{refusal:?}");
    }
}
