//! The transparency log of each treasury: an entry for everything that the ledger takes in from outside the chain, in the
//! transaction that takes it in.
//!
//! `append` is the one way in. Whoever writes the ledger does so alone (`Tx`), so entries are numbered in the order of
//! commits, without a gap. Nothing here is undone with the chain: a log only grows. What an entry says is
//! [`bursar_sdk::transparency::Entry`]; [`crate::query::log`] reads and proves, [`crate::Store::audit_log`] holds a log
//! against what is kept.

mod append;
mod draft;

pub(crate) use append::{append, append_all, nodes_at, size_of};
pub(crate) use draft::{
    Draft, access_digest, answer_digest, digest, request_digest, seal_content, tombstone_digest,
};
