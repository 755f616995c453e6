//! `POST /v1/decisions`

use alloy::primitives::{B256, Bytes};
use axum::{Json, extract::State, http::StatusCode};
use bursar_indexer::{
    Inserted,
    query::{envelopes, treasuries},
};
use bursar_sdk::{
    decision::DecisionRecord,
    record::{RecordError, RecordKind, sealed_by},
};

use crate::{
    AppState,
    error::{ApiError, PostFailure},
    extract::Body,
    model::decision::{Receipt, Submission},
};

/// Hands in a decision record. Handing in the same record again changes nothing.
///
/// The text must be in canonical form (RFC 8785) and hash to `hash`, name this chain, and a treasury and
/// envelope that the ledger knows. Whether a payment committed to it is told by its nonce alone.
#[utoipa::path(post, path = "/v1/decisions", tag = "Decisions", request_body = Submission,
    responses((status = 201, description = "Stored.", body = Receipt),
              (status = 200, description = "It was here before.", body = Receipt), PostFailure))]
pub async fn post_decision(
    State(state): State<AppState>,
    Body(submission): Body<Submission>,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let record = DecisionRecord::verified(&submission.record, submission.hash.0).map_err(refused)?;
    if let Some(seal) = &submission.seal {
        check_seal(&record, submission.hash.0, &seal.0)?;
    }
    check_place(&state, &record).await?;
    let stored =
        state.store.insert_decision(&record, submission.hash.0, &submission.record, state.now()).await?;
    let (status, stored) = match stored {
        Inserted::New => (StatusCode::CREATED, true),
        Inserted::Existing => (StatusCode::OK, false),
    };
    tracing::info!(hash = %submission.hash, stored, "decision record");
    Ok((status, Json(Receipt { hash: submission.hash, stored })))
}

fn refused(error: RecordError) -> ApiError {
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

/// A seal is the agent's own, or none: nobody else can say what an agent decided.
fn check_seal(record: &DecisionRecord, hash: B256, seal: &Bytes) -> Result<(), ApiError> {
    let (chain_id, treasury) = (record.chain_id, record.treasury);
    let by = sealed_by(RecordKind::Decision, chain_id, treasury, hash, seal);
    if by == Some(record.agent) {
        return Ok(());
    }
    let got = by.map_or("nobody".to_owned(), |by| by.to_checksum(None));
    Err(ApiError::unprocessable("seal_invalid", "the record is not sealed by the agent that it names")
        .mismatch(record.agent.to_checksum(None), got))
}

/// Records of another chain are refused for good; those of what is not indexed yet may come again.
async fn check_place(state: &AppState, record: &DecisionRecord) -> Result<(), ApiError> {
    let expected = state.config.chain_id;
    if record.chain_id != expected {
        return Err(ApiError::unprocessable("chain_mismatch", "the record is of another chain")
            .mismatch(expected, record.chain_id));
    }
    let treasury = record.treasury.to_checksum(None);
    if treasuries::get(&state.db, record.treasury).await?.is_none() {
        let message = "the ledger knows no such treasury, as far as it has followed the chain";
        return Err(ApiError::conflict("treasury_unknown", message).mismatch("a known treasury", treasury));
    }
    if envelopes::get(&state.db, (record.treasury, record.envelope)).await?.is_none() {
        let message = "the ledger knows no such envelope, as far as it has followed the chain";
        return Err(ApiError::conflict("envelope_unknown", message)
            .mismatch("a known envelope", format!("{treasury}/{}", record.envelope)));
    }
    Ok(())
}
