//! What a block brings, and what it adds to the ledger.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, Bytes, U256};
use bursar_sdk::score::Standing;
use serde::{Deserialize, Serialize};

use crate::{
    decode::Decoded,
    source::{BlockHeader, RawLog, TransactionInput},
};

/// All of a block that concerns us.
#[derive(Debug, Clone)]
pub struct BlockFacts {
    /// Which block.
    pub header: BlockHeader,
    /// Its logs in order, decoded where they decode.
    pub entries: Vec<(RawLog, Decoded)>,
    /// The transactions that settled payments; of settlements outside any envelope, where their sender is kept.
    pub transactions: HashMap<B256, TransactionInput>,
}

/// What a block adds, besides the rows it changes.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// One per log that concerns us and decodes.
    pub events: Vec<EventRow>,
    /// Settled payments.
    pub payments: Vec<PaymentRow>,
    /// What watched accounts paid outside any envelope.
    pub settlements: Vec<SettlementRow>,
    /// Policies put in force.
    pub policies: Vec<PolicyRow>,
    /// Freezes, releases, reviews.
    pub stops: Vec<StopRow>,
    /// Identity stamps revoked.
    pub stamps: Vec<StampRow>,
    /// Roots of the transparency log.
    pub anchors: Vec<AnchorRow>,
    /// What concerns us and makes no sense.
    pub aside: Vec<Aside>,
}

/// A row of `event`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct EventRow {
    pub log_index: u64,
    pub tx_hash: B256,
    pub address: Address,
    pub treasury: Option<Address>,
    pub envelope: Option<u32>,
    pub kind: &'static str,
    /// As JSON.
    pub args: String,
}

/// A row of `payment`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct PaymentRow {
    pub log_index: u64,
    pub transfer_log_index: u64,
    pub tx_hash: B256,
    pub treasury: Address,
    pub envelope: u32,
    pub agent: Address,
    pub purse: Address,
    pub session: B256,
    pub policy_version: u16,
    pub asset: Address,
    pub payee: Address,
    pub amount: U256,
    pub nonce: Option<B256>,
    pub rail: &'static str,
    pub decision_hash: Option<B256>,
    pub approver: Option<Address>,
    pub facilitator: Address,
    pub standing: Standing,
}

/// A row of `settlement`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct SettlementRow {
    pub log_index: u64,
    pub transfer_log_index: u64,
    pub tx_hash: B256,
    pub payer: Address,
    pub asset: Address,
    pub payee: Address,
    pub amount: U256,
    pub nonce: Option<B256>,
    pub rail: &'static str,
    pub facilitator: Option<Address>,
}

/// A row of `policy`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct PolicyRow {
    pub treasury: Address,
    pub envelope: u32,
    pub version: u16,
    pub policy_hash: B256,
    /// As JSON.
    pub rules: String,
    pub set_by: Address,
    pub tx_hash: B256,
}

/// A row of `stop`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct StopRow {
    pub log_index: u64,
    pub tx_hash: B256,
    pub treasury: Address,
    pub envelope: Option<u32>,
    pub group: Option<u32>,
    pub session: Option<B256>,
    pub level: &'static str,
    pub stopped: bool,
    pub by: Address,
    pub reason: Option<B256>,
}

/// A row of `stamp_revocation`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct StampRow {
    pub log_index: u64,
    pub tx_hash: B256,
    pub treasury: Address,
    pub stamp_hash: B256,
    pub by: Address,
}

/// A row of `anchor`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct AnchorRow {
    pub log_index: u64,
    pub tx_hash: B256,
    pub treasury: Address,
    pub root: B256,
    pub size: u64,
    pub by: Address,
}

/// A row of `undecoded`: a log that is data to look at, not to skip.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Aside {
    pub log_index: u64,
    pub tx_hash: B256,
    pub address: Address,
    /// Whose it is; `None` where it is of no treasury that is known.
    pub treasury: Option<Address>,
    /// A [`KeptLog`], as JSON.
    pub raw: String,
    pub error: String,
}

/// What is kept of a log that was set aside, beside its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct KeptLog {
    pub topics: Vec<B256>,
    pub data: Bytes,
    /// The transfer that settled it, where it is an authorization and there was one. Earlier versions kept none.
    pub transfer: Option<KeptTransfer>,
}

/// The transfer beside an authorization that was set aside; of the same token, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct KeptTransfer {
    pub log_index: u64,
    pub topics: Vec<B256>,
    pub data: Bytes,
}
