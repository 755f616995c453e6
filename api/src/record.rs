//! A record as it came in, held against its hash, its chain and its seal.

use alloy::primitives::{Address, B256};
use axum::{Json, http::StatusCode};
use bursar_indexer::{Inserted, query::erasures};
use bursar_sdk::{
    delivery::SealedRecord,
    record::{RecordError, RecordKind, sealed_by},
};

use crate::{
    AppState,
    error::ApiError,
    model::record::{Receipt, Submission},
};

/// What came in, as it is kept.
pub fn sealed(kind: RecordKind, submission: Submission) -> SealedRecord {
    let Submission { hash, record, seal } = submission;
    SealedRecord { kind, hash: hash.0, canonical: record, seal: seal.0, trace: None }
}

/// A record of another chain is refused for good.
///
/// # Errors
/// When it is.
pub fn check_chain(expected: u64, got: u64) -> Result<(), ApiError> {
    if expected == got {
        return Ok(());
    }
    Err(ApiError::unprocessable("chain_mismatch", "the record is of another chain").mismatch(expected, got))
}

/// A seal is the agent's own: nobody else can say what an agent decided, or what came of it.
///
/// # Errors
/// When it is anybody else's.
pub fn check_seal(
    record: &SealedRecord,
    chain_id: u64,
    treasury: Address,
    agent: Address,
) -> Result<(), ApiError> {
    let by = sealed_by(record.kind, chain_id, treasury, record.hash, &record.seal);
    check_sealer(by, agent, "the record is not sealed by the agent that it names")
}

/// Holds whose seal it is against whose it has to be.
///
/// # Errors
/// When it is anybody else's.
pub(crate) fn check_sealer(
    by: Option<Address>,
    agent: Address,
    message: &'static str,
) -> Result<(), ApiError> {
    if by == Some(agent) {
        return Ok(());
    }
    let got = by.map_or("nobody".to_owned(), |by| by.to_checksum(None));
    Err(ApiError::unprocessable("seal_invalid", message).mismatch(agent.to_checksum(None), got))
}

/// The answer to a record that was handed in: what was erased is refused.
///
/// # Errors
/// When it was, or the store fails.
pub(crate) async fn receipt(
    state: &AppState,
    hash: B256,
    inserted: Inserted,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    if inserted == Inserted::Erased
        && let Some(stone) = erasures::get(&state.db, hash).await?
    {
        return Err(ApiError::erased(stone.into()));
    }
    Ok(Receipt::of(hash, inserted))
}

/// A record that is not what it should be.
pub fn refused(error: RecordError) -> ApiError {
    let message = error.to_string();
    match error {
        RecordError::TooLarge { got } => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "record_too_large", message)
                .mismatch(bursar_sdk::record::MAX_BYTES, got)
        }
        RecordError::HashMismatch { expected, got } => {
            ApiError::unprocessable("hash_mismatch", message).mismatch(expected, got)
        }
        RecordError::Schema { expected, got } => {
            ApiError::unprocessable("schema_unknown", message).mismatch(expected, got)
        }
        RecordError::NotCanonical => ApiError::unprocessable("not_canonical", message),
        RecordError::Inconsistent(_) => ApiError::unprocessable("record_inconsistent", message),
        _ => ApiError::unprocessable("record_malformed", message),
    }
}
