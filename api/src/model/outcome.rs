//! Outcomes, as clients read them.

use bursar_indexer::query::outcomes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::Hash;

/// What came of a payment, as the agent says. The chain has the last word on whether it settled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// keccak-256 of the canonical JSON.
    pub hash: Hash,
    /// Counts the outcomes of that decision from 1.
    pub revision: u32,
    /// Hash of the revision before this one; zero for the first.
    pub prev_hash: Hash,
    /// How the settlement went, as the server says; null where it said nothing.
    pub settlement: Option<SettlementReference>,
    /// The signed x402 receipt as it came; null where none came, or it cannot be kept.
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<serde_json::Value>,
    /// `verified`, or what is wrong with the receipt; null where none came.
    pub receipt_check: Option<String>,
    /// The HTTP status of the answer; null where none came.
    pub http_status: Option<u16>,
    /// keccak-256 of the answer's body; null where it was not read to its end.
    pub result_hash: Option<Hash>,
    /// Its length, in bytes.
    pub result_bytes: Option<u64>,
    /// Whether what was paid for came: a success, whole.
    pub delivered: bool,
    /// Whether the agent's task was done with it; null until the agent says so.
    pub task_done: Option<bool>,
    /// When the agent wrote it, in unix seconds, by its own clock.
    pub created_at: u64,
}

/// A settlement, as a server tells of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettlementReference {
    /// Whether it settled.
    pub success: bool,
    /// The settling transaction; null where the server names none.
    pub transaction: Option<Hash>,
    /// Why not, in the facilitator's words, shortened.
    pub error_reason: Option<String>,
}

impl From<outcomes::Outcome> for Outcome {
    fn from(row: outcomes::Outcome) -> Self {
        let settlement = |settlement: bursar_sdk::outcome::SettlementReference| SettlementReference {
            success: settlement.success,
            transaction: settlement.transaction.map(Hash),
            error_reason: settlement.error_reason,
        };
        let record = row.record;
        Self {
            hash: row.hash.into(),
            revision: record.revision,
            prev_hash: record.prev_hash.into(),
            settlement: record.settlement.map(settlement),
            receipt: record.receipt,
            receipt_check: record.receipt_check,
            http_status: record.http_status,
            result_hash: record.result_hash.map(Hash),
            result_bytes: record.result_bytes,
            delivered: record.delivered,
            task_done: record.task_done,
            created_at: record.created_at,
        }
    }
}
