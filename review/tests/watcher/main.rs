//! The watcher against the real contracts on a local chain, with a real ledger that follows it.
#![allow(clippy::unwrap_used)]

mod anchors;
mod compromise;
mod runaway;
mod scores;
mod stage;
mod trouble;
