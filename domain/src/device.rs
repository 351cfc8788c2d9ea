//! Computers that browsers run on, and what was shown of them in a login.

use crate::id::{AccountId, DeviceId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The classes of government computers. Anything not proven to be one of them has no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceClass {
    /// A government computer with internet access; the person signed in to the machine itself.
    NonSeGsib,
    /// An internet device enrolled in the government's device management.
    Gmd,
    /// A government computer of the SE build, with secured e-mail and no internet.
    SeGsib,
}

impl DeviceClass {
    /// All of them.
    pub const ALL: [DeviceClass; 3] = [
        DeviceClass::NonSeGsib,
        DeviceClass::Gmd,
        DeviceClass::SeGsib,
    ];

    /// The name in configuration, commands and the demo's addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceClass::NonSeGsib => "non-se-gsib",
            DeviceClass::Gmd => "gmd",
            DeviceClass::SeGsib => "se-gsib",
        }
    }
    /// The class by that name.
    pub fn parse(text: &str) -> Option<DeviceClass> {
        DeviceClass::ALL.into_iter().find(|c| c.as_str() == text)
    }
    /// The name people see.
    pub fn title(self) -> &'static str {
        match self {
            DeviceClass::NonSeGsib => "non-SE GSIB",
            DeviceClass::Gmd => "GMD",
            DeviceClass::SeGsib => "SE GSIB",
        }
    }
}

/// A registered computer. Its key is kept only as a hash, in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its row.
    pub id: DeviceId,
    /// Its class, as the administrator who made the enrolment said.
    pub class: DeviceClass,
    /// The person it was given to; nobody for a shared computer.
    pub owner: Option<AccountId>,
    /// A name for lists, such as an asset number.
    pub name: String,
    /// When it was registered.
    pub enrolled_at: Timestamp,
}

/// What was shown of the computer in this very login.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceEvidence {
    /// Nothing, or nothing that could be verified.
    Unproven,
    /// The browser presented the key of a registered, unrevoked device.
    Key {
        /// Which one.
        device: DeviceId,
        /// Its class by the inventory.
        class: DeviceClass,
        /// Whose it is; nobody for a shared computer.
        owner: Option<AccountId>,
    },
}
