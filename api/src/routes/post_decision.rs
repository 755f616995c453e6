//! `POST /v1/decisions`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use bursar_indexer::query::{envelopes, treasuries};
use bursar_sdk::{
    decision::DecisionRecord, delivery::SealedRecord, record::RecordKind, telemetry::TraceParent,
};

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, PostFailure, Problem},
    extract::Body,
    model::record::{Receipt, Submission},
    record::{check_chain, check_seal, receipt, refused, sealed},
};

/// Hands in a decision record. Handing in the same record again changes nothing.
///
/// The text must be in canonical form (RFC 8785) and hash to `hash`, name this chain, and a treasury and
/// envelope that the ledger knows, and be sealed by the agent. Whether a payment committed to it is told by
/// its nonce alone. A `traceparent` (W3C Trace Context) is kept beside the record, and is no part of it.
#[utoipa::path(post, path = "/v1/decisions", tag = "Decisions", request_body = Submission,
    responses((status = 201, description = "Stored.", body = Receipt),
              (status = 200, description = "It was here before.", body = Receipt),
              (status = 410, description = "It was erased, and is not kept again.", body = Problem), PostFailure))]
pub async fn post_decision(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Body(submission): Body<Submission>,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let trace = TraceParent::of_headers(&headers);
    let sealed = SealedRecord { trace, ..sealed(RecordKind::Decision, submission) };
    let record = DecisionRecord::verified(&sealed.canonical, sealed.hash).map_err(refused)?;
    check_chain(state.config.chain_id, record.chain_id)?;
    check_seal(&sealed, record.chain_id, record.treasury, record.agent)?;
    caller.check_treasury(record.treasury)?;
    caller.check_agent(record.agent)?;
    check_place(&state, &record).await?;
    let inserted = state.store.insert_decision(&record, &sealed, state.now()).await?;
    tracing::info!(hash = %sealed.hash, ?inserted, "decision record");
    receipt(&state, sealed.hash, inserted).await
}

/// Records of what is not indexed yet may come again.
async fn check_place(state: &AppState, record: &DecisionRecord) -> Result<(), ApiError> {
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
