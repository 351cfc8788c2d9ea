//! Every change the product can make, as values. Values handed to [`crate::Store::commit`] together happen together.

use crate::db::{Statement, Value};
use crate::device_grants::DeviceWrite;
use crate::error::StoreError;
use serde::Serialize;
use techpass_domain::account::{Account, Status};
use techpass_domain::audit::Record;
use techpass_domain::authenticator::{Authenticator, Challenge, Closed};
use techpass_domain::client::Client;
use techpass_domain::consent::Consent;
use techpass_domain::device::Device;
use techpass_domain::id::{
    AccountId, AuthenticatorId, ChallengeId, ClientId, DeviceId, GrantId, LoginId, SessionId, Sid,
};
use techpass_domain::login::lockout::Failures;
use techpass_domain::session::{Entry, Grant};
use techpass_domain::time::Timestamp;

/// Names of the conflicts a commit can meet ([`StoreError::Conflict`]); each says which expectation failed.
pub mod conflict {
    /// The login ID or account exists.
    pub const ACCOUNT: &str = "account";
    /// That upstream subject is linked to an account already.
    pub const LINK: &str = "link";
    /// Somebody else changed the login first.
    pub const LOGIN: &str = "login";
    /// The request to the phone was closed before.
    pub const CHALLENGE: &str = "challenge";
    /// The one-time value was used before, has expired, or never was.
    pub const SINGLE_USE: &str = "single-use";
    /// The verification code's step was used before.
    pub const STEP: &str = "step";
    /// Somebody else counted a failure first.
    pub const FAILURES: &str = "failures";
    /// The session's secret was replaced first.
    pub const SESSION: &str = "session";
    /// The session entry has ended.
    pub const ENTRY: &str = "entry";
    /// The refresh token was used before.
    pub const REFRESH: &str = "refresh";
    /// The grant was revoked.
    pub const GRANT: &str = "grant";
    /// There is no such row, or there is one already.
    pub const ROW: &str = "row";
    /// The epoch was changed first by somebody else.
    pub const EPOCH: &str = "epoch";
}

/// A new login row.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Its row.
    pub id: LoginId,
    /// SHA-256 of the secret in its address.
    pub address_sha256: String,
    /// SHA-256 of the browser's cookie.
    pub browser_sha256: String,
    /// What the server keeps of it, as JSON.
    pub data: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A new refresh token.
#[derive(Clone, Debug)]
pub struct NewRefresh {
    /// SHA-256 of the token.
    pub token_sha256: String,
    /// The family.
    pub grant: GrantId,
    /// Its place in the family, from 0.
    pub generation: i64,
    /// What the rules keep of it, as JSON.
    pub data: String,
    /// Its absolute end.
    pub expires_at: Timestamp,
}

/// A new signing key, sealed.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its name in the JWKS.
    pub kid: String,
    /// What it signs with, `ES256`.
    pub alg: String,
    /// `active` or `next`.
    pub state: &'static str,
    /// Its public half, JSON.
    pub public_jwk: String,
    /// Its private half under the master key.
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One change.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // each variant says what its fields are
pub enum Write {
    /// A new account; conflict when the login ID is taken.
    AddAccount(Account),
    /// The account as it is now.
    UpdateAccount(Account),
    /// Another status only, when it is still the expected one.
    SetStatus {
        account: AccountId,
        from: Status,
        to: Status,
    },
    /// Ties an upstream's subject to an account; one account per subject.
    Link {
        issuer: String,
        subject: String,
        account: AccountId,
        at: Timestamp,
    },
    /// The password's hash in PHC form.
    SetPassword {
        account: AccountId,
        phc: String,
        at: Timestamp,
    },
    /// Failures of a factor, when they are still the expected ones.
    SetFailures {
        account: String,
        factor: &'static str,
        from: Option<Failures>,
        to: Failures,
    },
    /// Nothing is written, but the failures of a factor must still be the expected ones.
    RequireFailures {
        account: String,
        factor: &'static str,
        expected: Option<Failures>,
    },
    /// Forgets the failures of an account, in every browser; of one factor, or of all.
    ForgetFailures {
        account: AccountId,
        factor: Option<&'static str>,
    },
    /// A phone with its sealed seed.
    AddAuthenticator {
        authenticator: Authenticator,
        sealed_seed: Vec<u8>,
    },
    /// The phone is no more.
    RemoveAuthenticator { id: AuthenticatorId, at: Timestamp },
    /// Uses up a verification code's step and all before it.
    UseStep { id: AuthenticatorId, step: i64 },
    /// A request to the phone.
    AddChallenge(Challenge),
    /// Closes a request; only the first one does.
    CloseChallenge {
        id: ChallengeId,
        closed: Closed,
        at: Timestamp,
    },
    /// Closes a request if it is still open.
    CloseChallengeIfOpen {
        id: ChallengeId,
        closed: Closed,
        at: Timestamp,
    },
    /// A new client; conflict when the id is taken.
    AddClient(Client),
    /// The client as it is now.
    UpdateClient(Client),
    /// The client is no more; everything it was given is revoked with it.
    RemoveClient { id: ClientId, at: Timestamp },
    /// A client's secret was used, in this hour.
    NoteSecretUse {
        client: ClientId,
        secret_sha256: String,
        at: Timestamp,
    },
    /// A computer and the hash of its key.
    AddDevice { device: Device, key_sha256: String },
    /// The computer is no more.
    RemoveDevice { id: DeviceId, at: Timestamp },
    /// A new login.
    AddLogin(NewLogin),
    /// The login after a step; conflict unless it is still at `version`.
    SaveLogin {
        id: LoginId,
        version: i64,
        data: String,
    },
    /// A new session.
    AddSession {
        id: SessionId,
        secret_sha256: String,
        expires_at: Timestamp,
    },
    /// A new secret for a session; the previous one is good a moment longer, for requests under way.
    RotateSession {
        id: SessionId,
        from_sha256: String,
        to_sha256: String,
        previous_until: Timestamp,
        expires_at: Timestamp,
    },
    /// An account signs in in a session.
    AddEntry { entry: Entry, expires_at: Timestamp },
    /// A living entry, renewed.
    UpdateEntry { entry: Entry, expires_at: Timestamp },
    /// Ends an entry.
    EndEntry { sid: Sid, at: Timestamp },
    /// Remembers an account in a browser's picker.
    Remember {
        browser_sha256: String,
        account: AccountId,
        at: Timestamp,
    },
    /// Takes an account from a browser's picker.
    Forget {
        browser_sha256: String,
        account: AccountId,
    },
    /// A one-time value, to be used later.
    Issue {
        kind: &'static str,
        key_sha256: String,
        data: String,
        expires_at: Timestamp,
    },
    /// Uses a one-time value: the first one wins, expired ones never.
    Use {
        kind: &'static str,
        key_sha256: String,
        at: Timestamp,
    },
    /// Uses up every value of a kind that is kept with exactly this.
    UseAll {
        kind: &'static str,
        data: String,
        at: Timestamp,
    },
    /// Uses up a value that somebody else made, such as a `jti`: the first one wins.
    Burn {
        kind: &'static str,
        key_sha256: String,
        at: Timestamp,
        expires_at: Timestamp,
    },
    /// A grant.
    AddGrant { grant: Grant, expires_at: Timestamp },
    /// Revokes a grant and everything it begot.
    RevokeGrant { id: GrantId, at: Timestamp },
    /// Revokes the grants of a session entry, but for these. Behind [`Write::EndEntry`] it leaves none out, not even one
    /// that was given a moment ago: an entry that has ended gives no more.
    RevokeGrantsOf {
        sid: Sid,
        but: Vec<GrantId>,
        at: Timestamp,
    },
    /// Nothing is written, but the grant must not have been revoked.
    RequireGrant { id: GrantId },
    /// A refresh token.
    AddRefresh(NewRefresh),
    /// Uses a refresh token: the first one wins.
    UseRefresh {
        token_sha256: String,
        successor_sha256: String,
        at: Timestamp,
    },
    /// Replaces the successor of a used token whose answer was lost; conflict when the successor was used.
    ReplaceSuccessor {
        token_sha256: String,
        lost_sha256: String,
        successor_sha256: String,
        at: Timestamp,
    },
    /// What an account allows a client, in place of what it allowed before.
    SaveConsent(Consent),
    /// The account allows the client nothing any more: its consent is gone and its grants are revoked.
    WithdrawConsent {
        account: AccountId,
        client: ClientId,
        at: Timestamp,
    },
    /// Whom a pairwise subject stands for.
    KnowSubject { sub: String, account: AccountId },
    /// A change to a device's request.
    Device(DeviceWrite),
    /// A signing key.
    AddKey(NewKey),
    /// Another state for a key that is still in the expected one: `next`, `active`, `retired`, `revoked`.
    SetKeyState {
        kid: String,
        from: &'static str,
        to: &'static str,
        at: Timestamp,
    },
    /// The epoch, when it is still the expected one.
    SetEpoch { from: Option<i64>, to: i64 },
    /// A backup was made.
    NoteBackup { at: Timestamp },
    /// Ends every session, grant, code, link and open login.
    EndEverything { at: Timestamp },
    /// A line of the audit record. `seq` sorts by time and is unique.
    Audit { seq: String, record: Record },
    /// Something to deliver.
    Enqueue {
        id: String,
        kind: &'static str,
        data: String,
        at: Timestamp,
    },
    /// Takes something that is due, for so long; conflict when somebody else has it.
    Claim {
        id: String,
        at: Timestamp,
        until: Timestamp,
    },
    /// Delivered.
    Delivered { id: String, at: Timestamp },
    /// To be tried again now, with all its tries; conflict unless it was given up.
    DeliverAgain { id: String, at: Timestamp },
    /// Not delivered; when to try again, if at all.
    NotDelivered {
        id: String,
        attempts: i64,
        due_at: Option<Timestamp>,
        at: Timestamp,
        error: String,
    },
}

fn json(value: &impl Serialize) -> Result<Value, StoreError> {
    let text = serde_json::to_string(value);
    text.map(Value::Text)
        .map_err(|e| StoreError::database(e.to_string()))
}

impl Write {
    /// Whether clients are others afterwards.
    pub(crate) fn changes_clients(&self) -> bool {
        matches!(
            self,
            Write::AddClient(..) | Write::UpdateClient(..) | Write::RemoveClient { .. }
        )
    }

    /// The statements that carry it out.
    pub(crate) fn statements(self) -> Result<Vec<Statement>, StoreError> {
        match self {
            Write::AddAccount(..)
            | Write::UpdateAccount(..)
            | Write::SetStatus { .. }
            | Write::Link { .. }
            | Write::SetPassword { .. }
            | Write::SetFailures { .. }
            | Write::RequireFailures { .. }
            | Write::ForgetFailures { .. } => crate::accounts::statements(self),
            Write::AddAuthenticator { .. }
            | Write::RemoveAuthenticator { .. }
            | Write::UseStep { .. }
            | Write::AddChallenge(..)
            | Write::CloseChallenge { .. }
            | Write::CloseChallengeIfOpen { .. } => crate::authenticators::statements(self),
            Write::AddClient(..)
            | Write::UpdateClient(..)
            | Write::RemoveClient { .. }
            | Write::NoteSecretUse { .. }
            | Write::AddDevice { .. }
            | Write::RemoveDevice { .. } => crate::clients::statements(self),
            Write::AddLogin(..)
            | Write::SaveLogin { .. }
            | Write::AddSession { .. }
            | Write::RotateSession { .. }
            | Write::AddEntry { .. }
            | Write::UpdateEntry { .. }
            | Write::EndEntry { .. }
            | Write::Remember { .. }
            | Write::Forget { .. } => crate::sessions::statements(self),
            Write::Issue { .. }
            | Write::Use { .. }
            | Write::UseAll { .. }
            | Write::Burn { .. }
            | Write::AddGrant { .. }
            | Write::RevokeGrant { .. }
            | Write::RevokeGrantsOf { .. }
            | Write::RequireGrant { .. }
            | Write::AddRefresh(..)
            | Write::UseRefresh { .. }
            | Write::ReplaceSuccessor { .. } => crate::grants::statements(self),
            Write::SaveConsent(..) | Write::WithdrawConsent { .. } | Write::KnowSubject { .. } => {
                crate::consents::statements(self)
            }
            Write::SetEpoch { .. } | Write::NoteBackup { .. } | Write::EndEverything { .. } => {
                crate::instance::statements(self)
            }
            Write::Device(write) => Ok(vec![crate::device_grants::statement(write)]),
            Write::AddKey(..)
            | Write::SetKeyState { .. }
            | Write::Audit { .. }
            | Write::Enqueue { .. }
            | Write::Claim { .. }
            | Write::Delivered { .. }
            | Write::DeliverAgain { .. }
            | Write::NotDelivered { .. } => crate::keeping::statements(self),
        }
    }
}

/// The JSON column of a value.
pub(crate) fn data(value: &impl Serialize) -> Result<Value, StoreError> {
    json(value)
}

/// A value of the wrong family reached a noun's `statements`; the match above makes that impossible.
pub(crate) fn misrouted() -> StoreError {
    StoreError::database("a write reached the wrong noun")
}
