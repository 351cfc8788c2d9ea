//! What the cases are made with.

pub mod apache;
pub mod application;
pub mod browser;
pub mod chromium;
pub mod demo;
pub mod elsewhere;
pub mod leaks;
pub mod page;
pub mod phone;
#[path = "../../../store/tests/support/postgres.rs"]
pub mod postgres;
pub mod program;
pub mod provider;
pub mod registered;
pub mod server;
pub mod smtp;
pub mod wait;

/// People of the demonstration.
pub mod people {
    /// Officer with a non-SE GSIB.
    pub const MEI: &str = "mei.tan@agency.example";
    /// Officer with a GMD.
    pub const ARJUN: &str = "arjun.nair@agency.example";
    /// Vendor.
    pub const SITI: &str = "siti_rahim@techpass.example";
    /// Officer with an SE GSIB.
    pub const WEI: &str = "wei.lim@agency.example";
    /// Officer with a non-SE GSIB, tenant administrator.
    pub const KAVYA: &str = "kavya.raj@agency.example";
    /// The operator of TechPass.
    pub const OPERATOR: &str = "operator@techpass.example";
    /// The account of automated tests.
    pub const PROBE: &str = "probe@techpass.example";
    /// The password of every TechPass ID.
    pub const PASSWORD: &str = "demo-Passw0rd!";
}
