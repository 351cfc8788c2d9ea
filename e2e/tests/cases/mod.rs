//! The cases.

mod accounts;
mod answers;
mod backup;
mod crash;
mod faults;
mod guides;
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
