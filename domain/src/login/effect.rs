//! What the shell must do, in one commit with saving the login.

use crate::access::Factor;
use crate::id::{AccountId, ChallengeId};

/// Why a number is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberEnd {
    /// Typed right.
    Approved,
    /// Typed wrong.
    Wrong,
    /// Declined.
    Declined,
    /// Declined and reported.
    Reported,
    /// Nobody answered in time.
    Expired,
    /// A newer number took its place, or the login went elsewhere.
    Superseded,
}

/// Something to carry out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Lay the request out for the phones of the account and ring them.
    NotifyPhones(ChallengeId),
    /// Close the request with this result.
    EndNumber(ChallengeId, NumberEnd),
    /// Count a failure against the account.
    CountFailure(Factor),
    /// Forget the failures of this factor.
    ClearFailures(Factor),
    /// Put the account on hold and end its sessions: a request was reported.
    Hold(AccountId),
    /// Keep what the account allowed the application.
    RememberConsent(AccountId),
    /// Keep the account signed in in this browser.
    StartSession,
    /// Give the client its code.
    IssueCode,
}
