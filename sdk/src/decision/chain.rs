//! The chain of an agent's records: each names the one before it, so that none can be left out or put in later.
//!
//! Every purse has a chain of its own: replicas of one agent share no state.

use alloy::primitives::{Address, B256};

use super::DecisionRecord;

/// A record that does not continue the chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// Records are missing, or come again.
    #[error("expected record {expected}, got record {got}")]
    Sequence {
        /// The next one.
        expected: u64,
        /// The one that came.
        got: u64,
    },
    /// The record names another one before it: one of the two was written later than it says.
    #[error("expected record {seq} after {expected}, got one after {got}")]
    Forked {
        /// Which record.
        seq: u64,
        /// Hash of the record before.
        expected: B256,
        /// What it names.
        got: B256,
    },
    /// The record is of another purse's chain.
    #[error("expected a record of purse {expected}, got one of {got}")]
    OtherPurse {
        /// Whose chain it is.
        expected: Address,
        /// Whose record came.
        got: Address,
    },
}

/// How far a chain of records goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordChain {
    /// Whose records; `None` before the first.
    pub purse: Option<Address>,
    /// The last record's number.
    pub seq: u64,
    /// The last record's hash.
    pub last: B256,
}

impl RecordChain {
    /// Takes the next record, whose hash is `hash`.
    ///
    /// # Errors
    /// When it does not continue the chain, which is left as it was.
    pub fn push(&mut self, record: &DecisionRecord, hash: B256) -> Result<(), ChainError> {
        if let Some(expected) = self.purse.filter(|purse| *purse != record.purse) {
            return Err(ChainError::OtherPurse { expected, got: record.purse });
        }
        let expected = self.seq.saturating_add(1);
        if record.seq != expected {
            return Err(ChainError::Sequence { expected, got: record.seq });
        }
        if record.prev_hash != self.last {
            return Err(ChainError::Forked { seq: record.seq, expected: self.last, got: record.prev_hash });
        }
        *self = Self { purse: Some(record.purse), seq: record.seq, last: hash };
        Ok(())
    }
}
