//! What has been proven in a login. Proofs carry the account and the moment; changing the account drops them.

use crate::account::{Account, Home, Kind, Status};
use crate::device::DeviceEvidence;
use crate::id::{AccountId, Sid};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a login needs to know of an account; refreshed from the record at every step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Who {
    /// The account.
    pub id: AccountId,
    /// Where its first factor is checked.
    pub home: Home,
    /// Officer, vendor, …
    pub kind: Kind,
    /// May it sign in.
    pub status: Status,
    /// Whether at least one phone is enrolled.
    pub has_authenticator: bool,
    /// Whether it allowed this application all of what the request asks for, before.
    #[serde(default)]
    pub consented: bool,
}

impl Who {
    /// The view of a record. What it allowed an application is not in the record; the shell adds it.
    pub fn of(account: &Account, has_authenticator: bool) -> Who {
        Who {
            id: account.id.clone(),
            home: account.home.clone(),
            kind: account.kind,
            status: account.status.clone(),
            has_authenticator,
            consented: false,
        }
    }
}

/// Whom the person said they are. An unknown login ID walks the same pages as a known one, and never succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// There is a record.
    Known(Who),
    /// There is none here. Its home may know it (then an upstream answers), or nobody does.
    Unknown {
        /// Where its domain is at home.
        home: Home,
        /// The kind it is treated as: the usual one of this server, so that nothing tells it apart.
        kind: Kind,
    },
}

impl Chosen {
    /// The account, when there is a record.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Chosen::Known(who) => Some(&who.id),
            Chosen::Unknown { .. } => None,
        }
    }
    /// Where the first factor is checked.
    pub fn home(&self) -> &Home {
        match self {
            Chosen::Known(who) => &who.home,
            Chosen::Unknown { home, .. } => home,
        }
    }
    /// The kind policies see.
    pub fn kind(&self) -> Kind {
        match self {
            Chosen::Known(who) => who.kind,
            Chosen::Unknown { kind, .. } => *kind,
        }
    }
}

/// One factor, proven by one account at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proof {
    /// Who proved it.
    pub account: AccountId,
    /// When.
    pub at: Timestamp,
}

/// What an upstream provider said, already verified and mapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UpstreamProof {
    /// The account here that is linked to the upstream's subject.
    pub account: AccountId,
    /// The upstream's `auth_time`.
    pub at: Timestamp,
    /// The upstream's `amr` (RFC 8176), passed on as it came.
    pub amr: Vec<String>,
    /// The upstream's `acr`, when it is one that this server knows.
    pub acr: Option<String>,
}

/// The factors proven so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proofs {
    /// The password was right.
    pub password: Option<Proof>,
    /// A verification code was right.
    pub code: Option<Proof>,
    /// The number was typed and signed on the phone.
    pub number: Option<Proof>,
    /// The home organisation vouched.
    pub upstream: Option<UpstreamProof>,
    /// The computer's class was proven and counted as a factor.
    pub device: Option<Proof>,
}

impl Proofs {
    /// Nothing proven.
    pub fn is_empty(&self) -> bool {
        *self == Proofs::default()
    }
}

/// One account of the session that the browser came with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SignedIn {
    /// Who, refreshed.
    pub who: Who,
    /// Its entry in the session.
    pub sid: Sid,
    /// When it authenticated.
    pub auth_time: Timestamp,
    /// What it proved then.
    pub proofs: Proofs,
}

/// Everything known of this attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// Whom the person chose, or the request named, or the session had alone.
    pub chosen: Option<Chosen>,
    /// Whether a person chose it on a page of this login.
    pub picked: bool,
    /// What was shown of the computer in this login.
    pub device: DeviceEvidence,
    /// Proven in this login.
    pub here: Proofs,
    /// Proven before, in the session; with the moment of that authentication.
    pub before: Option<SignedIn>,
    /// Consent was given in this login.
    pub consent: bool,
}
