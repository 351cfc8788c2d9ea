//! The login, explored: every way through small worlds, against a history that the machine never reads.
//!
//! [`explorer`] walks through [`worlds`], [`ghost`] remembers, [`checks`] and [`facts`] compare. [`faults`] breaks the
//! machine on purpose to prove that the checks notice. [`docs`] draws what was found into `docs/login.md`. [`stories`]
//! tells single logins page by page.

mod cast;
mod checks;
mod diagram;
mod discretion;
mod docs;
mod explorer;
mod facts;
mod faults;
mod ghost;
mod machine;
mod moves;
mod mutants;
mod particular;
mod rules;
mod stories;
mod worlds;
