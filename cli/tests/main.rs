//! The program as a whole, and the house rules of its source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

#[path = "main/story.rs"]
mod story;
#[path = "main/tidy.rs"]
mod tidy;
