//! Who and what appears in the small worlds.

use techpass_domain::account::{Home, Kind, Status};
use techpass_domain::device::{DeviceClass, DeviceEvidence};
use techpass_domain::id::{AccountId, DeviceId, Reference, UpstreamId};
use techpass_domain::login::{Chosen, Who};
use techpass_domain::problem::Problem;
use techpass_domain::time::Timestamp;

/// When every login begins.
pub const T0: Timestamp = Timestamp(1_000_000);

/// Somebody a login may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Person {
    /// Whom the world is about.
    Hero,
    /// A second vendor, always able to sign in by password and number.
    Other,
    /// A login ID that no record has.
    Nobody,
    /// An account of the home organisation that nobody chose here.
    Stranger,
}

/// What the hero is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A public officer whose factors are checked here.
    Officer,
    Vendor,
    Product,
    /// A kind that no rule speaks of.
    Guest,
    /// A public officer whose home organisation is asked.
    Abroad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    Active,
    OnHold,
    Disabled,
    Closed,
}

/// What the record of the hero says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    pub standing: Standing,
    pub phone: bool,
    /// Allowed the application everything before.
    pub allowed: bool,
}

/// What is shown of the computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Computer {
    Unproven,
    Proven(DeviceClass, Owner),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Hero,
    Other,
    Shared,
}

pub const WELL: Record = Record {
    standing: Standing::Active,
    phone: true,
    allowed: false,
};

impl Standing {
    pub fn status(self) -> Status {
        match self {
            Standing::Active => Status::Active,
            Standing::OnHold => Status::OnHold {
                since: T0,
                reference: Reference::new("7K4M-2Q9X"),
            },
            Standing::Disabled => Status::Disabled,
            Standing::Closed => Status::Closed,
        }
    }

    /// Why an account in this standing may not sign in.
    pub fn bar(self) -> Option<Problem> {
        match self {
            Standing::Active => None,
            Standing::OnHold => Some(Problem::OnHold),
            Standing::Disabled => Some(Problem::Disabled),
            Standing::Closed => Some(Problem::Closed),
        }
    }
}

impl Role {
    pub fn kind(self) -> Kind {
        match self {
            Role::Officer | Role::Abroad => Kind::Officer,
            Role::Vendor => Kind::Vendor,
            Role::Product => Kind::Product,
            Role::Guest => Kind::Other,
        }
    }

    pub fn home(self) -> Home {
        match self {
            Role::Abroad => Home::Upstream(UpstreamId::new("wog")),
            _ => Home::Local,
        }
    }
}

pub fn id(person: Person) -> AccountId {
    AccountId::new(match person {
        Person::Hero => "hero",
        Person::Other => "other",
        Person::Nobody => "nobody",
        Person::Stranger => "stranger",
    })
}

/// A person's view as the shell hands it to a login.
pub fn who(role: Role, person: Person, record: Record) -> Who {
    let (role, record) = match person {
        Person::Hero => (role, record),
        Person::Stranger => (Role::Abroad, WELL),
        Person::Other | Person::Nobody => (Role::Vendor, WELL),
    };
    Who {
        id: id(person),
        home: role.home(),
        kind: role.kind(),
        status: record.standing.status(),
        has_authenticator: record.phone,
        consented: record.allowed,
    }
}

pub fn chosen(role: Role, person: Person, record: Record) -> Chosen {
    match person {
        Person::Nobody => Chosen::Unknown {
            home: role.home(),
            kind: role.kind(),
        },
        known => Chosen::Known(who(role, known, record)),
    }
}

pub fn evidence(computer: Computer) -> DeviceEvidence {
    match computer {
        Computer::Unproven => DeviceEvidence::Unproven,
        Computer::Proven(class, owner) => DeviceEvidence::Key {
            device: DeviceId::new("dev_1"),
            class,
            owner: match owner {
                Owner::Hero => Some(id(Person::Hero)),
                Owner::Other => Some(id(Person::Other)),
                Owner::Shared => None,
            },
        },
    }
}
