//! What we ask of a chain. [`HttpSource`] asks a JSON-RPC endpoint; tests answer from memory.

mod classify;
mod http;

use alloy::primitives::{Address, B256, Bytes};
use async_trait::async_trait;

pub use classify::classify;
pub use http::{HttpConfig, HttpSource};

/// What a block is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Its height.
    pub number: u64,
    /// Its identity.
    pub hash: B256,
    /// The block before it.
    pub parent_hash: B256,
    /// Unix seconds.
    pub timestamp: u64,
}

/// A log as it stands on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLog {
    /// Who emitted it.
    pub address: Address,
    /// At most four.
    pub topics: Vec<B256>,
    /// What is not indexed.
    pub data: Bytes,
    /// The height of its block.
    pub block_number: u64,
    /// The identity of its block.
    pub block_hash: B256,
    /// The transaction that caused it.
    pub tx_hash: B256,
    /// Its place in the block, across transactions.
    pub log_index: u64,
}

/// What of a transaction tells who settled a payment and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionInput {
    /// Who sent it.
    pub from: Address,
    /// Its call data.
    pub input: Bytes,
}

/// Which blocks to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// One block by hash: a node that does not have it says so, instead of answering less.
    Hash(B256),
    /// Heights from and to, both inclusive.
    Range(u64, u64),
}

/// Which logs to ask for. An empty list of a position admits anything there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Where to look.
    pub blocks: Blocks,
    /// Who emitted it.
    pub addresses: Vec<Address>,
    /// The first three topics.
    pub topics: [Vec<B256>; 3],
}

impl LogQuery {
    /// Whether a log is an answer to this question, as far as address, topics and place tell.
    pub fn matches(&self, log: &RawLog) -> bool {
        let placed = match self.blocks {
            Blocks::Hash(hash) => log.block_hash == hash,
            Blocks::Range(from, to) => (from..=to).contains(&log.block_number),
        };
        let addressed = self.addresses.is_empty() || self.addresses.contains(&log.address);
        let topics = self.topics.iter().enumerate();
        let mut topics = topics.filter(|(_, wanted)| !wanted.is_empty());
        placed && addressed && topics.all(|(i, wanted)| log.topics.get(i).is_some_and(|t| wanted.contains(t)))
    }
}

/// Why a source did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Asked too often.
    #[error("the provider limits our rate: {0}")]
    RateLimited(String),
    /// Asked about too many blocks at once.
    #[error("the provider finds the range too wide: {0}")]
    RangeTooWide(String),
    /// The answer would be too large.
    #[error("the provider finds the answer too large: {0}")]
    TooManyResults(String),
    /// No answer in time.
    #[error("the provider did not answer in time: {0}")]
    Timeout(String),
    /// No connection, or a server's own trouble.
    #[error("the provider is not reachable: {0}")]
    Unavailable(String),
    /// It does not know what it should: it lags, or the block is gone.
    #[error("the provider does not have {0}")]
    NotFound(String),
    /// An answer that cannot be true.
    #[error("the provider answers nonsense: {0}")]
    Nonsense(String),
    /// Anything else that it says.
    #[error("the provider refuses: {0}")]
    Other(String),
}

impl SourceError {
    /// Whether asking the same again, a little later, may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited(_) | Self::Timeout(_) | Self::Unavailable(_))
    }

    /// Whether asking for less may help.
    pub fn asks_for_less(&self) -> bool {
        matches!(self, Self::RangeTooWide(_) | Self::TooManyResults(_))
    }
}

/// A chain that answers.
#[async_trait]
pub trait Source: Send + Sync {
    /// The EIP-155 chain id it serves.
    async fn chain_id(&self) -> Result<u64, SourceError>;

    /// Whether there is code at an address, at the head.
    async fn has_code(&self, address: Address) -> Result<bool, SourceError>;

    /// The latest block it knows.
    async fn head(&self) -> Result<BlockHeader, SourceError>;

    /// The block at that height; `None` where it has none.
    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError>;

    /// Logs, in chain order.
    async fn logs(&self, query: &LogQuery) -> Result<Vec<RawLog>, SourceError>;

    /// A transaction; `None` where it does not know it.
    async fn transaction(&self, hash: B256) -> Result<Option<TransactionInput>, SourceError>;
}
