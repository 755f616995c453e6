//! Payments heard at the head before the ledger gets there, as clients read them.

use bursar_indexer::query::heard;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash, Units};

/// A payment heard at the chain's head, which the ledger has not reached yet. The chain may still take it back; no session,
/// policy or decision is bound to it yet, and no sum counts it. As the ledger reaches its block it is in `/v1/payments` or
/// `/v1/settlements`, and here no more. Times in unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// Who paid.
    pub payer: Addr,
    /// Whether that is a purse; else an account on the watch list.
    pub purse: bool,
    /// The purse's treasury; null where it is none.
    pub treasury: Option<Addr>,
    /// The purse's envelope in that treasury.
    pub envelope: Option<u32>,
    /// What the watch list calls a payer who is no purse.
    pub payer_label: Option<String>,
    /// Who was paid.
    pub payee: Addr,
    /// The token.
    pub asset: Addr,
    /// How much, in the asset's atomic units.
    pub amount: Units,
    /// How it settled: `eip3009`, `permit2_exact` or `permit2_upto`.
    pub rail: String,
    /// The authorization's nonce; null where it settled through Permit2, which logs none.
    pub nonce: Option<Hash>,
    /// When it settled.
    pub timestamp: u64,
    /// The block.
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: Hash,
    /// Index of the token's `AuthorizationUsed` log in that block; of its `Transfer` log where Permit2 moved it.
    pub log_index: u64,
    /// The settling transaction.
    pub tx_hash: Hash,
}

/// What was heard at the head and is not in the ledger yet. Times in unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeardSpan {
    /// How many payments, at least one: `/v1/heard` lists them. They are counted as far as 10,000; 10,001 says that there are more.
    #[schema(minimum = 1, maximum = 10_001)]
    pub payments: u64,
    /// The block of the first.
    pub from_block: u64,
    /// The block of the last.
    pub to_block: u64,
    /// When the first was.
    pub since: u64,
}

impl From<heard::Heard> for Heard {
    fn from(row: heard::Heard) -> Self {
        let purse = row.place.is_some();
        let (treasury, envelope) = row.place.unzip();
        Self {
            payer: row.payer.into(),
            purse,
            treasury: treasury.map(Addr),
            envelope,
            payer_label: row.payer_label,
            payee: row.payee.into(),
            asset: row.asset.into(),
            amount: row.amount.into(),
            rail: row.rail,
            nonce: row.nonce.map(Hash),
            timestamp: row.timestamp,
            block_number: row.position.block,
            block_hash: row.block_hash.into(),
            log_index: row.position.log,
            tx_hash: row.tx_hash.into(),
        }
    }
}

impl From<heard::Span> for HeardSpan {
    fn from(span: heard::Span) -> Self {
        let heard::Span { payments, blocks: (from_block, to_block), since } = span;
        Self { payments, from_block, to_block, since }
    }
}
