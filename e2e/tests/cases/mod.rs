//! The cases.

mod accounts;
mod answers;
mod links;
mod officers;
mod refusals;
mod requests;
mod tabs;
mod tokens;
mod vendor;
