//! The people of the demonstration.

use techpass_domain::account::Kind;
use techpass_domain::device::DeviceClass;

/// Passwords of TechPass IDs.
pub const PASSWORD: &str = "demo-Passw0rd!";

/// Somebody of the demonstration.
pub struct Person {
    /// What they type.
    pub login_id: &'static str,
    /// The name shown.
    pub name: &'static str,
    /// Officer, vendor, …
    pub kind: Kind,
    /// Their computer; `None` for any.
    pub device: Option<DeviceClass>,
    /// Whether they administer their tenant.
    pub administrator: bool,
}

const fn person(
    login_id: &'static str,
    name: &'static str,
    kind: Kind,
    device: Option<DeviceClass>,
) -> Person {
    Person {
        login_id,
        name,
        kind,
        device,
        administrator: false,
    }
}

/// All of them.
pub const PEOPLE: [Person; 7] = [
    person(
        "mei.tan@agency.example",
        "Mei Tan",
        Kind::Officer,
        Some(DeviceClass::NonSeGsib),
    ),
    person(
        "arjun.nair@agency.example",
        "Arjun Nair",
        Kind::Officer,
        Some(DeviceClass::Gmd),
    ),
    person(
        "siti_rahim@techpass.example",
        "Siti Rahim",
        Kind::Vendor,
        None,
    ),
    person(
        "wei.lim@agency.example",
        "Lim Wei",
        Kind::Officer,
        Some(DeviceClass::SeGsib),
    ),
    Person {
        administrator: true,
        ..person(
            "kavya.raj@agency.example",
            "Kavya Raj",
            Kind::Officer,
            Some(DeviceClass::NonSeGsib),
        )
    },
    person(
        "operator@techpass.example",
        "Operator",
        Kind::Operator,
        None,
    ),
    person("probe@techpass.example", "Probe", Kind::Product, None),
];

impl Person {
    /// Whether their home is WOG.
    pub fn is_officer(&self) -> bool {
        self.kind == Kind::Officer
    }

    /// The name of their phone's file.
    pub fn phone_file(&self) -> String {
        let local = self.login_id.split('@').next().unwrap_or_default();
        format!("{local}.json")
    }

    /// The class in the words of the control page's addresses; `any` when every computer will do.
    pub fn device_word(&self) -> &'static str {
        self.device.map_or("any", DeviceClass::as_str)
    }

    /// The kind in the words of commands.
    pub fn kind_word(&self) -> &'static str {
        match self.kind {
            Kind::Officer => "officer",
            Kind::Vendor => "vendor",
            Kind::Temp => "temp",
            Kind::Other => "other",
            Kind::Product => "product",
            Kind::Operator => "operator",
        }
    }
}

/// Every standard claim of the scopes profile, email, address and phone (OpenID Connect Core §5.1), for the account of
/// automated tests.
pub fn probe_claims() -> serde_json::Value {
    serde_json::json!({
        "given_name": "Probe",
        "family_name": "Tester",
        "middle_name": "Of",
        "nickname": "probe",
        "preferred_username": "probe@techpass.example",
        "profile": "https://probe.example/profile",
        "picture": "https://probe.example/picture.png",
        "website": "https://probe.example/",
        "gender": "unspecified",
        "birthdate": "2000-01-01",
        "zoneinfo": "Asia/Singapore",
        "locale": "en-SG",
        "updated_at": 1_767_225_600,
        "email_verified": true,
        "phone_number": "+65 6000 0000",
        "phone_number_verified": true,
        "address": {
            "formatted": "1 Example Road, Singapore 000001",
            "street_address": "1 Example Road",
            "locality": "Singapore",
            "region": "Singapore",
            "postal_code": "000001",
            "country": "Singapore",
        },
    })
}
