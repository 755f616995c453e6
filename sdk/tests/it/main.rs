//! The SDK against the real contracts on a local chain. One binary, so that it links once.
#![allow(clippy::unwrap_used)]

mod approvals;
mod challenges;
mod common;
mod deliveries;
mod groups;
mod payments;
mod policies;
mod refusals;
mod retries;
mod sessions;
mod spools;
mod stamps;
mod treasury;
mod treasury;
mod trees;
mod x402;
