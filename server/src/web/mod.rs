//! The shell around every request: known host, same origin, safe headers, bounded input.

pub mod browser;
pub mod busy;
pub mod cookies;
pub mod document;
pub mod doors;
pub mod form;
pub mod load;
pub mod observe;
pub mod page;
pub mod shell;
pub mod sources;
pub mod streams;

pub use page::{Fault, Outcome};
