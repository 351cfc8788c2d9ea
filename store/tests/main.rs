//! The store's promises, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod backup;
mod contract;
mod crash;
mod damage;
mod postgres;
mod sqlite;
mod support;
