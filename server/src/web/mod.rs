//! The shell around every request: known host, same origin, safe headers, bounded input.

pub mod browser;
pub mod cookies;
pub mod form;
pub mod page;
pub mod shell;

pub use page::{Fault, Outcome};
