//! The transparency log: everything that a treasury's ledger takes in from outside the chain, in the order in which it
//! came, as the leaves of a Merkle tree (RFC 6962). Each treasury has a log of its own.
//!
//! Whoever has seen a root can be shown that an entry is below it ([`Inclusion`]), and that a later root is of the same
//! log with more at its end ([`Consistency`]); neither takes trust in whoever keeps the log. An [`Entry`] names a record
//! by its hash and holds nothing of its words, so that a record may be erased and every proof stays what it is.
//!
//! Trees are hashed and proofs made and checked by the crate `tlog_tiles`, notes are signed by `signed_note`; what is here
//! says what a leaf is, asks for the nodes that a question takes ([`Nodes`]), and names a log ([`origin`]).

mod checkpoint;
mod entry;
mod kind;
mod proof;
#[cfg(test)]
mod tests;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointKey, Keeper, SignedCheckpoint, origin};
pub use entry::{Entry, SCHEMA, seal_content};
pub use kind::LogKind;
pub use proof::{Consistency, Inclusion, MAX_PATH, ProofError};
pub use tree::{EMPTY_ROOT, Growth, Nodes, Step, leaf_hash, node_count};
