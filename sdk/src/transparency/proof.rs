//! Proofs, as whoever has only a root checks them.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use tlog_tiles::tlog::{self, Hash};

use super::EMPTY_ROOT;

/// The most hashes that a proof takes: no tree is higher.
pub const MAX_PATH: usize = 64;

/// Why a proof cannot be made, or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// It is about more than there is.
    #[error("expected {what} within the log's {size} entries, got {got}")]
    OutOfRange {
        /// What is too large.
        what: &'static str,
        /// How many entries the log has.
        size: u64,
        /// What was asked for.
        got: u64,
    },
    /// A node that the log should have is not there.
    #[error("the log lacks its node at position {0}")]
    Node(u64),
    /// The proof does not lead to the root.
    #[error("the proof does not lead from what it is about to the root")]
    Apart,
    /// The tree cannot answer.
    #[error("the tree cannot answer: {0}")]
    Tree(String),
}

/// That an entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inclusion {
    /// The entry's number, from 0.
    pub number: u64,
    /// How many entries the log has.
    pub size: u64,
    /// The hashes beside the way from the leaf to the root, the leaf's first (RFC 6962, 2.1.1).
    pub path: Vec<B256>,
}

/// That a log with more entries begins with those of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consistency {
    /// How many entries it had.
    pub from: u64,
    /// How many it has.
    pub size: u64,
    /// RFC 6962, 2.1.2. Nothing where the log began empty, or is the same.
    pub path: Vec<B256>,
}

impl Inclusion {
    /// That the leaf with that hash is where this says, below `root`.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, leaf: B256, root: B256) -> Result<(), ProofError> {
        if self.number >= self.size {
            return Err(ProofError::OutOfRange { what: "an entry", size: self.size, got: self.number });
        }
        let path = hashes(&self.path)?;
        tlog::check_record(&path, self.size, Hash(root.0), self.number, Hash(leaf.0))
            .map_err(|_| ProofError::Apart)
    }
}

impl Consistency {
    /// That the log of `root` begins with the one of `earlier`.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self, earlier: B256, root: B256) -> Result<(), ProofError> {
        let (from, size) = (self.from, self.size);
        if from > size {
            return Err(ProofError::OutOfRange { what: "an earlier size", size, got: from });
        }
        if from == 0 {
            let holds = earlier == EMPTY_ROOT && self.path.is_empty() && (size != 0 || root == EMPTY_ROOT);
            return if holds { Ok(()) } else { Err(ProofError::Apart) };
        }
        let path = hashes(&self.path)?;
        tlog::check_tree(&path, size, Hash(root.0), from, Hash(earlier.0)).map_err(|_| ProofError::Apart)
    }
}

fn hashes(path: &[B256]) -> Result<Vec<Hash>, ProofError> {
    if path.len() > MAX_PATH {
        return Err(ProofError::Apart);
    }
    Ok(path.iter().map(|hash| Hash(hash.0)).collect())
}
