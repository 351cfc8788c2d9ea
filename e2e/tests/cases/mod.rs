//! The cases.

mod vendor;
