//! `POST /v1/outcomes`

use axum::{Json, extract::State, http::StatusCode};
use bursar_indexer::{
    OutcomeError,
    query::{decisions, erasures},
};
use bursar_sdk::{
    decision::{DecisionRecord, Verdict},
    outcome::OutcomeRecord,
    record::RecordKind,
};

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, PostFailure, Problem},
    extract::Body,
    model::record::{Receipt, Submission},
    record::{check_chain, check_seal, receipt, refused, sealed},
};

/// Hands in an outcome record. Handing in the same record again changes nothing.
///
/// The text must be in canonical form (RFC 8785) and hash to `hash`, name this chain and a decision that is here,
/// be of the payment that the decision allowed, and be sealed by the agent. Revisions come in their order.
#[utoipa::path(post, path = "/v1/outcomes", tag = "Decisions", request_body = Submission,
    responses((status = 201, description = "Stored.", body = Receipt),
              (status = 200, description = "It was here before.", body = Receipt),
              (status = 410, description = "It, or its decision, was erased, and is not kept again.", body = Problem),
              PostFailure))]
pub async fn post_outcome(
    State(state): State<AppState>,
    caller: Caller,
    Body(submission): Body<Submission>,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let sealed = sealed(RecordKind::Outcome, submission);
    let record = OutcomeRecord::verified(&sealed.canonical, sealed.hash).map_err(refused)?;
    check_chain(state.config.chain_id, record.chain_id)?;
    check_seal(&sealed, record.chain_id, record.treasury, record.agent)?;
    caller.check_treasury(record.treasury)?;
    caller.check_agent(record.agent)?;
    let Some(decision) = decisions::get(&state.db, record.decision_hash).await? else {
        if let Some(stone) = erasures::get(&state.db, record.decision_hash).await? {
            return Err(ApiError::erased(stone.into()));
        }
        let message = "no such decision has come in: hand it in first";
        return Err(ApiError::conflict("decision_unknown", message)
            .mismatch("a known decision", record.decision_hash));
    };
    check_decision(&record, &decision.record)?;
    let inserted = state.store.insert_outcome(&record, &sealed, state.now()).await.map_err(misplaced)?;
    tracing::info!(hash = %sealed.hash, ?inserted, "outcome record");
    receipt(&state, sealed.hash, inserted).await
}

/// Nothing comes of a payment that was not allowed, and an outcome is of the payment that its decision allowed.
fn check_decision(record: &OutcomeRecord, decision: &DecisionRecord) -> Result<(), ApiError> {
    if decision.verdict == Verdict::Denied {
        let message = "the decision was not to pay: nothing can come of it";
        return Err(ApiError::unprocessable("decision_denied", message)
            .mismatch(Verdict::Approved.code(), Verdict::Denied.code()));
    }
    let place = |treasury, envelope| format!("{treasury}/{envelope}");
    let sides = [
        ("agent", decision.agent.to_checksum(None), record.agent.to_checksum(None)),
        ("envelope", place(decision.treasury, decision.envelope), place(record.treasury, record.envelope)),
        ("purse", decision.purse.to_checksum(None), record.purse.to_checksum(None)),
        ("nonce", decision.nonce_of(record.decision_hash).to_string(), record.nonce.to_string()),
    ];
    match sides.into_iter().find(|(_, expected, got)| expected != got) {
        None => Ok(()),
        Some((field, expected, got)) => {
            let message = format!("the outcome's {field} is not the decision's");
            Err(ApiError::unprocessable("decision_mismatch", message).mismatch(expected, got))
        }
    }
}

fn misplaced(error: OutcomeError) -> ApiError {
    let message = error.to_string();
    match error {
        OutcomeError::Gap { missing } => ApiError::conflict("revision_missing", message)
            .mismatch(format!("revision {missing} first"), format!("revision {}", missing.saturating_add(1))),
        OutcomeError::Forked { expected, got, .. } => {
            ApiError::unprocessable("revision_forked", message).mismatch(expected, got)
        }
        OutcomeError::Store(error) => error.into(),
    }
}
