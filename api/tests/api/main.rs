//! The API against a seeded store.
#![allow(clippy::unwrap_used)]

mod approvals;
mod bad_input;
mod client;
mod decisions;
mod lists;
mod openapi;
mod overview;
mod paging;
mod seed;
mod service;
