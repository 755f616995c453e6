//! What we ask of a chain. A [`Source`] is one endpoint: [`RpcSource`] asks a node over JSON-RPC, tests answer from
//! memory. [`Sources`] are all endpoints of a chain, asked again, in turn and against each other, and never believed
//! without a look at what they say.

mod batch;
mod calls;
mod check;
mod classify;
mod endpoint;
mod error;
mod given;
mod health;
mod manner;
mod post;
mod quorum;
mod refusal;
mod rounds;
mod rpc;
mod socket;
mod sources;
mod voice;
mod wire;

use std::collections::HashMap;

use alloy::primitives::{Address, B256, Bytes};
use async_trait::async_trait;

pub use calls::Calls;
pub use classify::classify;
pub use error::{Limit, Nonsense, SourceError};
pub use given::{Given, Givers};
pub use quorum::QuorumError;
pub use rounds::Patience;
pub use rpc::{RpcConfig, RpcSource};
pub use sources::Sources;

/// What a block is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Its height.
    pub number: u64,
    /// Its identity.
    pub hash: B256,
    /// The block before it; `None` where only logs have told of this one.
    pub parent_hash: Option<B256>,
    /// Unix seconds.
    pub timestamp: u64,
}

/// A block that nodes have a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landmark {
    /// Unlikely to be taken back: on a rollup, its data is on the chain below.
    Safe,
    /// Not taken back, by the rules of the chain (or of the one below).
    Finalized,
}

impl Landmark {
    /// As JSON-RPC and settings spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Finalized => "finalized",
        }
    }
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
    /// When that block was, in unix seconds; not every node tells.
    pub block_timestamp: Option<u64>,
    /// The transaction that caused it.
    pub tx_hash: B256,
    /// Its place in the block, across transactions.
    pub log_index: u64,
}

impl RawLog {
    /// Whether both are the same log. A time that one does not tell is no difference.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let Self { address, topics, data, block_number, block_hash, block_timestamp, tx_hash, log_index } =
            self;
        let is_when = block_timestamp.zip(other.block_timestamp).is_none_or(|(one, other)| one == other);
        is_when
            && (log_index, block_number, block_hash)
                == (&other.log_index, &other.block_number, &other.block_hash)
            && (tx_hash, address, topics, data)
                == (&other.tx_hash, &other.address, &other.topics, &other.data)
    }

    /// Takes a time over from the same log, where this one tells none.
    pub(crate) fn complete(&mut self, same: &Self) {
        self.block_timestamp = self.block_timestamp.or(same.block_timestamp);
    }
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

/// Logs, and how far the node that gave them has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The logs, in any order.
    pub logs: Vec<RawLog>,
    /// The last block of a range, as the same node has it. A node that lags answers less without an error, so what
    /// comes without this is no answer. `None` where one block was asked for by hash.
    pub tip: Option<BlockHeader>,
}

/// One endpoint of a chain. Asked once, it answers once: patience is up to [`Sources`].
#[async_trait]
pub trait Source: Send + Sync {
    /// The EIP-155 chain id it serves.
    async fn chain_id(&self) -> Result<u64, SourceError>;

    /// Whether there is code at an address, at the head.
    async fn has_code(&self, address: Address) -> Result<bool, SourceError>;

    /// The latest block it knows.
    async fn head(&self) -> Result<BlockHeader, SourceError>;

    /// The block that it names so; `None` where it has none yet.
    async fn landmark(&self, which: Landmark) -> Result<Option<BlockHeader>, SourceError>;

    /// The block at that height; `None` where it has none.
    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError>;

    /// Logs.
    async fn logs(&self, query: &LogQuery) -> Result<Answer, SourceError>;

    /// Transactions of a block. Those that it does not have are left out.
    async fn transactions(
        &self,
        block: B256,
        wanted: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError>;

    /// Waits until it tells of a new head by itself; for ever where it does not do that.
    async fn news(&self) {
        std::future::pending().await
    }

    /// How often it was asked so far, where it counts.
    fn calls(&self) -> Calls {
        Calls::default()
    }
}
