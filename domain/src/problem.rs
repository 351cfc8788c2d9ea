//! The stable codes that people read out and applications receive: a letter group and a number.

use serde::{Deserialize, Serialize};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        /// Everything that can end or stop a sign-in, by its stable code. Each has a page `/e/CODE`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Problem {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }
        impl Problem {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [Problem] = &[$(Problem::$name),+];

            /// The code, such as `DEV-501`.
            pub fn code(self) -> &'static str {
                match self { $(Problem::$name => $code),+ }
            }
            /// The problem with that code.
            pub fn parse(code: &str) -> Option<Problem> {
                Problem::ALL.iter().copied().find(|p| p.code() == code)
            }
        }
    };
}

problems! {
    /// The application is not known here.
    UnknownClient = "REQ-101",
    /// The return address is not registered.
    RedirectUri = "REQ-102",
    /// Not a request this server supports.
    Unsupported = "REQ-103",
    /// The application must use PKCE.
    PkceMissing = "REQ-104",
    /// The application asked for something it may not have.
    NotAllowed = "REQ-105",
    /// The request has expired.
    RequestExpired = "REQ-106",
    /// The application keeps asking to sign in.
    Loop = "REQ-108",
    /// The page was opened under another address than the server's own.
    WrongHost = "REQ-109",
    /// The page is too old, or belongs to another browser.
    PageExpired = "SES-201",
    /// The browser sends no cookies.
    CookiesBlocked = "SES-202",
    /// Login ID and password do not fit.
    WrongPassword = "ACC-301",
    /// Locked for a time after wrong passwords.
    Locked = "ACC-302",
    /// Disabled.
    Disabled = "ACC-303",
    /// Closed.
    Closed = "ACC-304",
    /// The invitation has expired.
    InvitationExpired = "ACC-305",
    /// The terms are to be accepted first.
    Terms = "ACC-306",
    /// On hold after a report.
    OnHold = "ACC-307",
    /// This kind of account, or this account, cannot be used for this sign-in.
    WrongAccount = "ACC-308",
    /// A wrong verification code.
    CodeWrong = "AUT-401",
    /// A verification code that was used before.
    CodeUsed = "AUT-402",
    /// The number has expired.
    NumberExpired = "AUT-403",
    /// Declined on the phone.
    Declined = "AUT-404",
    /// The number typed on the phone was wrong.
    NumberWrong = "AUT-405",
    /// The phone could not be reached.
    PhoneNotReached = "AUT-406",
    /// Too many requests to the phone.
    TooManyNumbers = "AUT-407",
    /// The person has no phone enrolled yet.
    NoAuthenticator = "AUT-408",
    /// The passkey was not accepted.
    Passkey = "AUT-409",
    /// The phone's clock is off.
    PhoneClock = "AUT-410",
    /// This computer is not recognised.
    DeviceUnproven = "DEV-501",
    /// Enrolment of this computer is not finished.
    DevicePending = "DEV-502",
    /// The computer failed its checks.
    DeviceFailed = "DEV-503",
    /// No news from this computer for too long.
    DeviceSilent = "DEV-504",
    /// The computer is registered to somebody else.
    DeviceForeign = "DEV-505",
    /// The SE build cannot be used here.
    DeviceSe = "DEV-506",
    /// The device certificate has expired.
    DeviceCertificate = "DEV-507",
    /// The operating system is out of support.
    DeviceSystem = "DEV-508",
    /// Blocked by security.
    DeviceBlocked = "DEV-509",
    /// Not assigned to this application.
    NotAssigned = "POL-601",
    /// Not from this network.
    Network = "POL-602",
    /// The application is turned off.
    ClientOff = "POL-603",
    /// A stronger sign-in is needed.
    TooWeak = "POL-604",
    /// Too many tries.
    TooManyTries = "RAT-701",
    /// More people sign in at this moment than the server can serve.
    Busy = "RAT-702",
    /// The home organisation's sign-in does not answer, or answers wrongly.
    Upstream = "SYS-801",
    /// The device check failed.
    DeviceCheck = "SYS-802",
    /// The database does not answer.
    Database = "SYS-803",
    /// Maintenance.
    Maintenance = "SYS-804",
}
