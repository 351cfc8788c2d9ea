//! The program as people run it. Needs `target/…/techpass` (built by `cargo build`), Chromium and its driver.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

mod cases;
mod support;
