//! Devices without a browser (RFC 8628): the two codes, polling, and what a person is asked.

use super::error::{TokenError, TokenErrorCode as Code};
use super::scope::{self, Scope};
use crate::client::Client;
use crate::id::{ClientId, Sid};
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a device may wait for somebody, in seconds (`expires_in`).
pub const LIFETIME_S: Seconds = 10 * 60;
/// How long a device pauses between two questions at first, in seconds (`interval`).
pub const INTERVAL_S: Seconds = 5;
/// By how much a device that asks too often must slow down (§3.5).
const SLOWER_BY_S: Seconds = 5;
/// The network may bring two questions together by this much.
const JITTER_S: Seconds = 1;
/// The letters of user codes: no vowels, so no words, and nothing that looks like something else (§6.1).
pub const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a user code: 34 bits (§6.1).
pub const USER_CODE_LETTERS: usize = 8;

/// A user code in the form in which it is shown, `WDJB-MJHT`, from what a person typed: case, spaces and dashes do not
/// count (§6.1). `None` when it cannot be one.
pub fn user_code(typed: &str) -> Option<String> {
    let mut letters = String::new();
    for c in typed.chars() {
        let upper = c.to_ascii_uppercase();
        let known = u8::try_from(upper).is_ok_and(|byte| ALPHABET.contains(&byte));
        match c {
            _ if known => letters.push(upper),
            '-' | '\u{2010}'..='\u{2015}' => {}
            c if c.is_whitespace() => {}
            _ => return None,
        }
        if letters.len() > USER_CODE_LETTERS {
            return None;
        }
    }
    let (first, second) = letters.split_at_checked(USER_CODE_LETTERS / 2)?;
    (letters.len() == USER_CODE_LETTERS).then(|| format!("{first}-{second}"))
}

/// What a device asks for (§3.1).
pub fn scope_of(client: &Client, asked: Option<&Scope>) -> Result<Scope, TokenError> {
    let asked = asked.cloned().unwrap_or_default().supported();
    if let Some(beyond) = asked.beyond(&client.scopes) {
        let description = format!("The client is not registered for the scope {beyond}.");
        return Err(TokenError::new(Code::InvalidScope, &description));
    }
    let given = asked.given_to(client);
    if given.is_empty() {
        return Ok(Scope::parse(scope::OPENID).unwrap_or_default());
    }
    Ok(given)
}

/// Where a device's request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Nobody has answered.
    Pending,
    /// Somebody let the device in.
    Allowed,
    /// Somebody refused.
    Denied,
    /// The device has its tokens.
    Redeemed,
}

impl DeviceState {
    /// All of them.
    pub const ALL: [DeviceState; 4] = [
        DeviceState::Pending,
        DeviceState::Allowed,
        DeviceState::Denied,
        DeviceState::Redeemed,
    ];
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceState::Pending => "pending",
            DeviceState::Allowed => "allowed",
            DeviceState::Denied => "denied",
            DeviceState::Redeemed => "redeemed",
        }
    }
    /// The state by that name.
    pub fn parse(text: &str) -> Option<DeviceState> {
        DeviceState::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// A device's request, as far as polling goes.
#[derive(Clone, Copy, Debug)]
pub struct Polled<'a> {
    /// For whom the code was issued.
    pub client: &'a ClientId,
    /// Where it stands.
    pub state: DeviceState,
    /// How long the device must pause, in seconds.
    pub interval_s: Seconds,
    /// When it asked last.
    pub polled_at: Option<Timestamp>,
    /// Its end.
    pub expires_at: Timestamp,
}

/// What a device is told (§3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// The tokens, if it is the first to take them.
    Tokens,
    /// `authorization_pending`; the moment is kept.
    Pending,
    /// `slow_down`, and from now on it pauses so long.
    SlowDown(Seconds),
    /// `access_denied`.
    Denied,
    /// `expired_token`.
    Expired,
    /// `invalid_grant`: another client's code, or one that was redeemed.
    Invalid,
}

impl Poll {
    /// What the client is told; nothing where there are tokens.
    pub fn error(self) -> Option<TokenError> {
        let (code, description) = match self {
            Poll::Tokens => return None,
            Poll::Pending => (Code::AuthorizationPending, "Nobody has answered yet."),
            Poll::SlowDown(_) => (Code::SlowDown, "Pause 5 seconds longer from now on."),
            Poll::Denied => (Code::AccessDenied, "The person refused."),
            Poll::Expired => (Code::ExpiredToken, "Nobody answered in time; begin again."),
            Poll::Invalid => (Code::InvalidGrant, "The device_code is not valid."),
        };
        Some(TokenError::new(code, description))
    }
}

/// What a device that asks again is told, after its client authenticated.
pub fn poll(request: Polled<'_>, client: &ClientId, now: Timestamp) -> Poll {
    if request.client != client || request.state == DeviceState::Redeemed {
        return Poll::Invalid;
    }
    if now >= request.expires_at {
        return Poll::Expired;
    }
    let too_soon = request
        .polled_at
        .is_some_and(|at| (0..request.interval_s - JITTER_S).contains(&now.since(at)));
    match request.state {
        DeviceState::Denied => Poll::Denied,
        DeviceState::Allowed => Poll::Tokens,
        DeviceState::Pending if too_soon => {
            Poll::SlowDown(request.interval_s.saturating_add(SLOWER_BY_S))
        }
        DeviceState::Pending => Poll::Pending,
        DeviceState::Redeemed => Poll::Invalid,
    }
}

/// Whether a person who typed the code may still answer for the device.
pub fn may_answer(state: DeviceState, expires_at: Timestamp, now: Timestamp) -> bool {
    state == DeviceState::Pending && now < expires_at
}

/// Whether the answer comes from where the sign-in happened: the session entry that signed in for this device, in the
/// browser that presses the button.
pub fn is_theirs(signed_in_by: Option<&Sid>, here: &[Sid]) -> bool {
    signed_in_by.is_some_and(|sid| here.contains(sid))
}
