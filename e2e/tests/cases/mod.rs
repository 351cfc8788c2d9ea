//! The cases.

mod accounts;
mod answers;
mod authorization;
mod backup;
mod client_auth;
mod clients;
mod crash;
mod device_grant;
mod faults;
mod guides;
mod limits;
mod links;
mod logs;
mod mail;
mod nodes;
mod officers;
mod operating;
mod overload;
mod refusals;
mod registration;
mod requests;
mod starting;
mod tabs;
mod tokens;
mod upstream;
mod vendor;
