//! The SDK against the real contracts on a local chain. One binary, so that it links once.
#![allow(clippy::unwrap_used)]

mod approvals;
mod challenges;
mod clocks;
mod common;
mod deliveries;
mod groups;
mod offers;
mod outcomes;
mod payments;
mod permit2;
mod policies;
mod proxies;
mod records;
mod refusals;
mod retries;
mod sessions;
mod shop;
mod spools;
mod stamps;
mod treasury;
mod trees;
mod x402;
