//! Records as agents hand them in.

use alloy::primitives::B256;
use axum::{Json, http::StatusCode};
use bursar_indexer::Inserted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::{Hash, Hex};

/// A record as it comes in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// keccak-256 of `record`.
    pub hash: Hash,
    /// The canonical JSON (RFC 8785) of the record, as text; at most 65,536 bytes.
    pub record: String,
    /// The identity key's signature under the treasury's EIP-712 domain, 65 bytes: of
    /// `DecisionRecord(bytes32 recordHash)`, or of `OutcomeRecord(bytes32 recordHash)`.
    pub seal: Hex,
}

/// What became of a record that came in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The record's hash.
    pub hash: Hash,
    /// New to us; otherwise it was here before.
    pub stored: bool,
}

impl Receipt {
    /// The answer to a record that is kept.
    pub fn of(hash: B256, inserted: Inserted) -> (StatusCode, Json<Self>) {
        let stored = inserted == Inserted::New;
        let status = if stored { StatusCode::CREATED } else { StatusCode::OK };
        (status, Json(Self { hash: hash.into(), stored }))
    }
}
