//! Outcome records: what came of a payment that a decision allowed.
//!
//! The first is written when the paid API has answered. Whether the agent's task was done with it is known later:
//! that is a further revision, which names the one before it.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::{self, RecordError};

/// The schema this crate writes and reads.
pub const SCHEMA: &str = "bursar.outcome/1";

/// What came of one payment.
///
/// Hashed as keccak-256 of its canonical JSON (RFC 8785).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutcomeRecord {
    /// [`SCHEMA`].
    pub schema: String,
    /// Hash of the decision it is the outcome of.
    pub decision_hash: B256,
    /// Counts the outcomes of that decision from 1.
    pub revision: u32,
    /// Hash of the revision before this one; zero for the first.
    pub prev_hash: B256,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The treasury.
    pub treasury: Address,
    /// The envelope's number in that treasury.
    pub envelope: u32,
    /// The agent's identity key.
    pub agent: Address,
    /// The payment's nonce: with the purse, its identity on chain.
    pub nonce: B256,
    /// The purse that paid.
    pub purse: Address,
    /// How the settlement went, as the server says; left out where it said nothing. The chain has the last word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<SettlementReference>,
    /// The signed x402 receipt as it came, whether it is in order or not; left out where it cannot be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Value>,
    /// `verified`, or the code of what is wrong with the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_check: Option<String>,
    /// The HTTP status of the answer; left out where none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// keccak-256 of the answer's body; left out where it was not read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_hash: Option<B256>,
    /// Its length, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_bytes: Option<u64>,
    /// Whether what was paid for came: a success, whole.
    pub delivered: bool,
    /// Whether the task that asked for it was done with it; left out until the agent says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_done: Option<bool>,
    /// Unix seconds.
    pub created_at: u64,
}

/// A settlement, as a server tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettlementReference {
    /// Whether it settled.
    pub success: bool,
    /// The settling transaction; left out where the server names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
    /// Why not, in the facilitator's words, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
}

impl OutcomeRecord {
    /// The canonical JSON (RFC 8785) that is hashed, stored and sent.
    ///
    /// # Errors
    /// When the record is larger than [`record::MAX_BYTES`].
    pub fn canonical(&self) -> Result<String, RecordError> {
        record::canonical(self)
    }

    /// Reads a record from its canonical bytes.
    ///
    /// # Errors
    /// When the bytes are too large, of another schema, not canonical, or contradict themselves.
    pub fn from_canonical(text: &str) -> Result<Self, RecordError> {
        let record: Self = record::from_canonical(text, SCHEMA)?;
        record.check()?;
        Ok(record)
    }

    /// Reads a record and holds it against the hash it came with.
    ///
    /// # Errors
    /// As [`Self::from_canonical`], and when the hash is another.
    pub fn verified(text: &str, expected: B256) -> Result<Self, RecordError> {
        let record = Self::from_canonical(text)?;
        record::check_hash(text, expected)?;
        Ok(record)
    }

    /// The revision after this one, whose hash is `hash`, made at `now` (unix seconds).
    #[must_use]
    pub fn revised(&self, hash: B256, now: u64) -> Self {
        Self { revision: self.revision.saturating_add(1), prev_hash: hash, created_at: now, ..self.clone() }
    }

    fn check(&self) -> Result<(), RecordError> {
        let wrong = |what: &str| Err(RecordError::Inconsistent(what.to_owned()));
        if self.revision == 0 || (self.revision == 1) != self.prev_hash.is_zero() {
            return wrong("only the first revision, number 1, has none before it");
        }
        if self.receipt.is_some() && self.receipt_check.is_none() {
            return wrong("a receipt comes with what its check found");
        }
        if self.result_hash.is_some() != self.result_bytes.is_some() {
            return wrong("a result has a hash and a length, or neither");
        }
        let answered = self.http_status.is_some_and(|status| (200..300).contains(&status));
        if self.delivered && !answered {
            return wrong("delivered without a success");
        }
        Ok(())
    }
}
