//! The answer to a range as it is written: only what does not follow from the rest.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{ledger::BlockFacts, run::ask::Asking, source::BlockHeader, store::BlockRange};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) chain_id: u64,
    pub(super) factory: Address,
    pub(super) from: u64,
    pub(super) to: u64,
    /// Of the watch list.
    pub(super) revision: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) question: Question,
    /// Whom it was asked for: treasuries, assets, purses.
    pub(super) whom: [Vec<Address>; 3],
    pub(super) tip: Header,
    /// How many logs the answers held, whomever they concern.
    pub(super) logs: u64,
    pub(super) blocks: Vec<Block>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) parent_hash: Option<B256>,
    pub(super) timestamp: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Block {
    pub(super) header: Header,
    pub(super) logs: Vec<Log>,
    /// By hash, in its order.
    pub(super) transactions: Vec<Transaction>,
}

/// A log of the block it is in: it cannot be another's.
#[derive(Serialize, Deserialize)]
pub(super) struct Log {
    pub(super) address: Address,
    pub(super) topics: Vec<B256>,
    pub(super) data: Bytes,
    pub(super) timestamp: Option<u64>,
    pub(super) tx_hash: B256,
    pub(super) index: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Transaction {
    pub(super) hash: B256,
    pub(super) from: Address,
    pub(super) input: Bytes,
}

impl Question {
    pub(super) fn of(asking: &Asking, range: BlockRange) -> Self {
        let (BlockRange { from, to }, config) = (range, &asking.config);
        let revision = asking.list.revision();
        Self { chain_id: config.chain_id, factory: config.factory, from, to, revision }
    }

    pub(super) fn range(&self) -> BlockRange {
        BlockRange { from: self.from, to: self.to }
    }
}

impl From<BlockHeader> for Header {
    fn from(header: BlockHeader) -> Self {
        let BlockHeader { number, hash, parent_hash, timestamp } = header;
        Self { number, hash, parent_hash, timestamp }
    }
}

impl From<&BlockFacts> for Block {
    fn from(block: &BlockFacts) -> Self {
        let logs = block.entries.iter().map(|(log, _)| Log {
            address: log.address,
            topics: log.topics.clone(),
            data: log.data.clone(),
            timestamp: log.block_timestamp,
            tx_hash: log.tx_hash,
            index: log.log_index,
        });
        let transactions = block.transactions.iter().map(|(hash, transaction)| Transaction {
            hash: *hash,
            from: transaction.from,
            input: transaction.input.clone(),
        });
        let (logs, mut transactions) = (logs.collect(), transactions.collect::<Vec<_>>());
        transactions.sort_unstable_by_key(|transaction| transaction.hash);
        Self { header: block.header.into(), logs, transactions }
    }
}
