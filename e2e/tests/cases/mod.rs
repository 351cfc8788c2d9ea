//! The cases.

mod accounts;
mod answers;
mod crash;
mod limits;
mod links;
mod logs;
mod officers;
mod operating;
mod overload;
mod refusals;
mod requests;
mod starting;
mod tabs;
mod tokens;
mod upstream;
mod vendor;
