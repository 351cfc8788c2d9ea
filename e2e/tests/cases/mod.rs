//! The cases.

mod answers;
mod links;
mod requests;
mod tokens;
mod vendor;
