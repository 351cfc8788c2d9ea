//! The pages a login can show, and which events answer them.

use super::effect::NumberEnd;
use super::event::Event;
use crate::id::{ChallengeId, UpstreamId};
use crate::problem::Problem;
use crate::time::Timestamp;

/// One page asking one thing: the first requirement that is not met.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// Who are you? The picker where accounts are known in this browser, else the sign-in page.
    ChooseAccount,
    /// The password.
    Password,
    /// The verification code of the phone.
    Code,
    /// A number is due and none has been sent: the shell draws one without asking anybody.
    SendNumber,
    /// The number is shown and waits for the phone.
    MatchNumber {
        /// The request.
        challenge: ChallengeId,
        /// Until when it may be answered.
        expires_at: Timestamp,
    },
    /// The last number is over; a new one is sent when the person asks for it.
    NumberOver(NumberEnd),
    /// Too many numbers; the next may be sent at this time.
    NumberLimited {
        /// Until when.
        until: Timestamp,
    },
    /// The home organisation is asked.
    Upstream(UpstreamId),
    /// Allow the application to have what it asks for?
    Consent,
    /// Refused as things stand; looking at the computer again or another account may change that.
    Denied(Problem),
}

impl Prompt {
    /// The events that answer this prompt. The only gate into [`super::Login::step`].
    pub fn accepts(&self, event: &Event) -> bool {
        match event {
            Event::Cancelled => true,
            Event::AnotherAccount => *self != Prompt::ChooseAccount,
            Event::AccountChosen(..) => *self == Prompt::ChooseAccount,
            Event::PasswordChecked { .. } => *self == Prompt::Password,
            Event::CodeChecked { .. } => *self == Prompt::Code,
            Event::NumberSent { .. } | Event::NumberLimited { .. } => self.is_about_a_number(),
            Event::NumberAnswered { challenge, .. }
            | Event::NumberDeclined { challenge, .. }
            | Event::NumberSuperseded { challenge } => {
                matches!(self, Prompt::MatchNumber { challenge: shown, .. } if shown == challenge)
            }
            Event::UpstreamReturned { .. } | Event::UpstreamRefused => {
                matches!(self, Prompt::Upstream(_))
            }
            Event::DeviceSeen(_) => matches!(self, Prompt::Denied(_)),
            Event::ConsentGiven => *self == Prompt::Consent,
            Event::Collected => false,
        }
    }

    fn is_about_a_number(&self) -> bool {
        matches!(
            self,
            Prompt::SendNumber
                | Prompt::MatchNumber { .. }
                | Prompt::NumberOver(_)
                | Prompt::NumberLimited { .. }
        )
    }

    /// A short name for diagrams and records.
    pub fn name(&self) -> &'static str {
        match self {
            Prompt::ChooseAccount => "ChooseAccount",
            Prompt::Password => "Password",
            Prompt::Code => "Code",
            Prompt::SendNumber => "SendNumber",
            Prompt::MatchNumber { .. } => "MatchNumber",
            Prompt::NumberOver(_) => "NumberOver",
            Prompt::NumberLimited { .. } => "NumberLimited",
            Prompt::Upstream(_) => "Upstream",
            Prompt::Consent => "Consent",
            Prompt::Denied(_) => "Denied",
        }
    }
}
