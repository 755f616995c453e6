//! Answers as they come over the wire: only what we look at, so that no other field can keep one from parsing.

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U64},
};
use serde::{Deserialize, Serialize};

use super::{BlockHeader, Blocks, LogQuery, Nonsense, RawLog, TransactionInput};

/// A block with the hashes of its transactions, or with all of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block<T> {
    number: U64,
    hash: B256,
    parent_hash: B256,
    timestamp: U64,
    #[serde(default = "Vec::new")]
    pub(super) transactions: Vec<T>,
}

impl<T> From<&Block<T>> for BlockHeader {
    fn from(block: &Block<T>) -> Self {
        Self {
            number: block.number.to(),
            hash: block.hash,
            parent_hash: Some(block.parent_hash),
            timestamp: block.timestamp.to(),
        }
    }
}

/// A transaction of any type: chains have types of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transaction {
    pub(super) hash: B256,
    pub(super) block_hash: Option<B256>,
    from: Address,
    input: Bytes,
}

impl From<Transaction> for (B256, TransactionInput) {
    fn from(transaction: Transaction) -> Self {
        (transaction.hash, TransactionInput { from: transaction.from, input: transaction.input })
    }
}

/// A log; a pending one has no place yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Log {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_number: Option<U64>,
    block_hash: Option<B256>,
    block_timestamp: Option<U64>,
    transaction_hash: Option<B256>,
    log_index: Option<U64>,
    #[serde(default)]
    removed: bool,
}

impl TryFrom<Log> for RawLog {
    type Error = Nonsense;

    fn try_from(log: Log) -> Result<Self, Nonsense> {
        if log.removed {
            return Err(Nonsense::Removed);
        }
        Ok(Self {
            address: log.address,
            topics: log.topics,
            data: log.data,
            block_number: log.block_number.ok_or(Nonsense::Lacks("block number"))?.to(),
            block_hash: log.block_hash.ok_or(Nonsense::Lacks("block hash"))?,
            block_timestamp: log.block_timestamp.map(|timestamp| timestamp.to()),
            tx_hash: log.transaction_hash.ok_or(Nonsense::Lacks("transaction hash"))?,
            log_index: log.log_index.ok_or(Nonsense::Lacks("log index"))?.to(),
        })
    }
}

/// A question for logs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogFilter<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    block_hash: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_block: Option<BlockNumberOrTag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_block: Option<BlockNumberOrTag>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    address: &'a [Address],
    topics: Vec<Option<&'a [B256]>>,
}

impl<'a> From<&'a LogQuery> for LogFilter<'a> {
    fn from(query: &'a LogQuery) -> Self {
        let (block_hash, from_block, to_block) = match query.blocks {
            Blocks::Hash(hash) => (Some(hash), None, None),
            Blocks::Range(from, to) => (None, Some(from.into()), Some(to.into())),
        };
        let wanted = |topic: &'a Vec<B256>| (!topic.is_empty()).then_some(topic.as_slice());
        let mut topics: Vec<_> = query.topics.iter().map(wanted).collect();
        // A position that may be anything still asks for a topic to be there.
        while topics.last().is_some_and(Option::is_none) {
            topics.pop();
        }
        Self { block_hash, from_block, to_block, address: &query.addresses, topics }
    }
}
