//! Logs that were set aside, as clients read them.

use alloy::primitives::B256;
use bursar_indexer::{
    ledger::{KeptLog, KeptTransfer},
    query::set_aside,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash, Hex};

/// A log that concerns us and makes no sense: it does not decode, its amount is beyond 96 bits, or it does not follow from what
/// came before it. The books leave it out, so somebody has to look at it. Times in unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetAside {
    /// Who emitted it.
    pub contract: Addr,
    /// The treasury that emitted it, or whose purse a token named in it; null where it is of no treasury that was known by then.
    pub treasury: Option<Addr>,
    /// What is wrong with it.
    pub error: String,
    /// Its topics, the event's signature first; null where the log is longer than a list shows (about 8,000 bytes).
    pub topics: Option<Vec<Hash>>,
    /// Its data; null as `topics`.
    pub data: Option<Hex>,
    /// The transfer that settled it, where it is a token's `AuthorizationUsed` and there was one; null as `topics`.
    pub transfer: Option<AsideTransfer>,
    /// When that was.
    pub timestamp: Option<u64>,
    /// The block.
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: Option<Hash>,
    /// Its index in that block.
    pub log_index: u64,
    /// The transaction.
    pub tx_hash: Hash,
}

/// The token's `Transfer` log beside an authorization that was set aside, in the same transaction: payer and payee are its topics,
/// and its data is the amount.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AsideTransfer {
    /// Its index in the block.
    pub log_index: u64,
    /// Its topics, the event's signature first.
    pub topics: Vec<Hash>,
    /// Its data.
    pub data: Hex,
}

fn hashes(topics: Vec<B256>) -> Vec<Hash> {
    topics.into_iter().map(Hash).collect()
}

impl From<KeptTransfer> for AsideTransfer {
    fn from(log: KeptTransfer) -> Self {
        Self { log_index: log.log_index, topics: hashes(log.topics), data: log.data.into() }
    }
}

impl From<set_aside::SetAside> for SetAside {
    fn from(row: set_aside::SetAside) -> Self {
        let (topics, data, transfer) = match row.log {
            Some(KeptLog { topics, data, transfer }) => (Some(hashes(topics)), Some(data.into()), transfer),
            None => (None, None, None),
        };
        Self {
            contract: row.address.into(),
            treasury: row.treasury.map(Addr),
            error: row.error,
            topics,
            data,
            transfer: transfer.map(AsideTransfer::from),
            timestamp: row.timestamp,
            block_number: row.position.block,
            block_hash: row.block_hash.map(Hash),
            log_index: row.position.log,
            tx_hash: row.tx_hash.into(),
        }
    }
}
