//! What keeps the watcher from doing its work. Nothing is sent then, and scores that nobody renews close the door.

use alloy::primitives::Address;
use bursar_indexer::{StoreError, db::DbError};
use bursar_sdk::{AgentError, role::Role};

/// Why a round did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// The ledger cannot be read.
    #[error("the ledger cannot be read")]
    Db(#[from] DbError),
    /// The ledger's store is not what it should be.
    #[error("the ledger cannot be read")]
    Store(#[from] StoreError),
    /// The chain cannot be reached.
    #[error("the chain cannot be asked")]
    Chain(#[source] Box<AgentError>),
    /// The ledger is another chain's.
    #[error("expected a ledger of chain {expected}, got one of chain {got:?}")]
    OtherChain {
        /// The chain that is acted on.
        expected: u64,
        /// Whose ledger it is; `None` where nobody has claimed it.
        got: Option<u64>,
    },
    /// An account lacks the role that it is to act in.
    #[error("expected {account} to hold the role {role} in treasury {treasury}, it does not")]
    Role {
        /// The account.
        account: Address,
        /// What it would have to be.
        role: Role,
        /// Where.
        treasury: Address,
    },
    /// The ledger has not come as far as the chain.
    #[error("expected the ledger within {most} s of the chain's block {head}, it is {behind} s behind")]
    Behind {
        /// The chain's latest block.
        head: u64,
        /// How far the ledger is behind it, in seconds of the chain.
        behind: u64,
        /// How far it may be.
        most: u64,
    },
    /// The ledger has not begun.
    #[error("the ledger holds no block yet")]
    Empty,
    /// The ledger's last block is not the chain's any more: it has a reorg before it.
    #[error("the ledger's block {block} is not the chain's: a reorg is on its way into it")]
    Forked {
        /// Which block.
        block: u64,
    },
}

impl From<AgentError> for ReviewError {
    fn from(error: AgentError) -> Self {
        Self::Chain(Box::new(error))
    }
}
