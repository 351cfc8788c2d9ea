//! Refresh tokens: rotation, replay, and the lost answer (RFC 6749 §6, RFC 9700 §4.14).
//!
//! Each use replaces the token by the next generation of its family. A used one that comes back means that two parties
//! hold it, so the family ends; unless the answer with the successor may simply have been lost.

use super::error::{TokenError, TokenErrorCode};
use crate::id::ClientId;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// For how long after its use a token may come back because the answer was lost, in seconds.
pub const LOST_ANSWER_S: Seconds = 30;

/// What is kept with a refresh token beside its family, generation and end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshBinding {
    /// For whom.
    pub client_id: ClientId,
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// Where the token that came stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// For whom it was issued.
    pub client_id: &'a ClientId,
    /// Its place in the family, from 0.
    pub generation: i64,
    /// The absolute end of the family; no rotation moves it.
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// Whether it has a successor that was never used.
    pub successor_unused: bool,
    /// Whether the grant was revoked, or its session ended.
    pub revoked: bool,
}

/// The next token of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Its place.
    pub generation: i64,
    /// Its end, the family's.
    pub expires_at: Timestamp,
}

/// What a good token gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Use the token and issue its successor.
    Next(Successor),
    /// Revoke the successor that got lost and issue another in its place.
    ReplaceLost(Successor),
}

/// Why a token gives nothing. The client learns only `invalid_grant`; the record says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was issued to another client.
    #[error("the refresh token was issued to another client")]
    Foreign,
    /// Its grant was revoked.
    #[error("the grant was revoked")]
    Revoked,
    /// The family's absolute end.
    #[error("the refresh token has expired")]
    Expired,
    /// It was used before.
    #[error("the refresh token was used before")]
    Replayed,
}

impl Refusal {
    /// Whether the whole family and the grant end (RFC 9700 §4.14.2).
    pub fn revokes_grant(self) -> bool {
        self == Refusal::Replayed
    }

    /// What the client is told.
    pub fn error(self) -> TokenError {
        TokenError::new(
            TokenErrorCode::InvalidGrant,
            "The refresh token is not valid.",
        )
    }
}

/// What happens with a token that `client` sent, after it authenticated.
pub fn rotate(token: Standing<'_>, client: &ClientId, now: Timestamp) -> Result<Rotation, Refusal> {
    if token.client_id != client {
        return Err(Refusal::Foreign);
    }
    if token.revoked {
        return Err(Refusal::Revoked);
    }
    if now >= token.expires_at {
        return Err(Refusal::Expired);
    }
    let successor = Successor {
        generation: token.generation.saturating_add(1),
        expires_at: token.expires_at,
    };
    match token.used_at {
        None => Ok(Rotation::Next(successor)),
        Some(used_at) if token.successor_unused && recent(used_at, now) => {
            Ok(Rotation::ReplaceLost(successor))
        }
        Some(_) => Err(Refusal::Replayed),
    }
}

/// A clock that was set back makes nothing recent.
fn recent(used_at: Timestamp, now: Timestamp) -> bool {
    (-LOST_ANSWER_S..=LOST_ANSWER_S).contains(&now.since(used_at))
}
