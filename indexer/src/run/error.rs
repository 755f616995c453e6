//! What stops an indexer for good.

use alloy::primitives::Address;

use crate::store::{ApplyError, StoreError};

/// Why an indexer stopped: going on could only make the ledger wrong. Nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// The source serves another chain.
    #[error("expected chain {expected}, the provider serves chain {got}")]
    WrongChain {
        /// The configured chain.
        expected: u64,
        /// The provider's.
        got: u64,
    },
    /// There is nothing at the factory's address.
    #[error("expected the treasury factory at {address} on chain {chain_id}, there is no code")]
    NoCode {
        /// Where the factory should be.
        address: Address,
        /// On which chain.
        chain_id: u64,
    },
    /// The store is another's, or broken.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger could not be moved forward or back.
    #[error(transparent)]
    Apply(ApplyError),
}

impl IndexerError {
    /// Whether the store is the ledger of another chain or factory.
    pub(super) fn is_of_another(&self) -> bool {
        matches!(self, Self::Store(StoreError::OtherChain { .. } | StoreError::OtherFactory { .. }))
    }
}
