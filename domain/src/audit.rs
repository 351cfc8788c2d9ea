//! What is written down: who did what, when, and by which rule. Never a secret, a code, a number or a token.

use crate::id::{AccountId, ClientId, Reference};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of the audit record, committed together with its cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// What, in dotted words: `login.granted`, `number.reported`, `client.added`.
    pub kind: String,
    /// Whom it concerns.
    pub account: Option<AccountId>,
    /// Which application.
    pub client: Option<ClientId>,
    /// What a person may quote for it.
    pub reference: Option<Reference>,
    /// Further facts by name.
    pub detail: serde_json::Value,
}
