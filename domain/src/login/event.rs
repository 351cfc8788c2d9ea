//! What happened, already verified by the shell: hashes compared, signatures checked, rows consumed.

use super::evidence::{Chosen, SignedIn, UpstreamProof, Who};
use crate::device::DeviceEvidence;
use crate::id::ChallengeId;
use crate::time::Timestamp;

/// Something that happened to a login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::large_enum_variant)] // One event lives for one step; a box would only be in every reader's way.
pub enum Event {
    /// A person chose an account or typed a login ID. With the session's entry, when it is signed in here.
    AccountChosen(Chosen, Option<SignedIn>),
    /// "Use another account".
    AnotherAccount,
    /// A password was checked.
    PasswordChecked {
        /// Whether it was right.
        right: bool,
    },
    /// A verification code was checked, and consumed if it was right.
    CodeChecked {
        /// Whether it was right and not used before.
        right: bool,
    },
    /// A number was drawn for the browser and its request laid out for the phone.
    NumberSent {
        /// The request.
        challenge: ChallengeId,
        /// Until when it may be answered.
        expires_at: Timestamp,
    },
    /// No number may be sent for now.
    NumberLimited {
        /// Until when.
        until: Timestamp,
    },
    /// A phone of the account answered with a valid signature.
    NumberAnswered {
        /// Which request.
        challenge: ChallengeId,
        /// Whether the typed number was the one shown.
        right: bool,
    },
    /// "No, it's not me".
    NumberDeclined {
        /// Which request.
        challenge: ChallengeId,
        /// Whether it was reported.
        reported: bool,
    },
    /// The same browser asked for a number of the same account in another login, which took this one's place.
    NumberSuperseded {
        /// Which request.
        challenge: ChallengeId,
    },
    /// The upstream provider vouched for an account.
    UpstreamReturned {
        /// The linked account.
        who: Who,
        /// Whether it is the one that the person chose here.
        as_chosen: bool,
        /// What the upstream said.
        proof: UpstreamProof,
    },
    /// The upstream provider refused, and has told the person why.
    UpstreamRefused,
    /// The computer was looked at again.
    DeviceSeen(DeviceEvidence),
    /// The person allowed the application to have what it asked for.
    ConsentGiven,
    /// The person went back to the application.
    Cancelled,
    /// The browser is here to take the answer.
    Collected,
}
