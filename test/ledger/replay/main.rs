//! Providers with limits and faults, and a chain that says what has to come out: whatever a provider does, the ledger
//! is right or waits, and what was wrong has a name and is counted.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod beside;
mod divided;
mod endpoints;
mod faults;
mod limits;
mod node;
mod outside;
mod quorum;
mod refused;
mod rests;
mod tail;
mod watched;
