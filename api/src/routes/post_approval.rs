//! `POST /v1/approval-requests/{digest}/approval`

use alloy::primitives::Address;
use axum::{Json, extract::State};
use bursar_indexer::query::{
    approvals::{self, Answer},
    approvers,
};

use crate::{
    AppState,
    access::Caller,
    approval::approval_digest,
    approver,
    error::{ApiError, PostFailure},
    extract::{Body, Path},
    model::approval::{ApprovalAnswer, ApprovalKind, ApprovalRequest},
    signed::Signed,
    wire::Hash,
};

/// Hands in a human's approval of one payment.
///
/// By an approver of the treasury, as far as the ledger has followed the chain (409 `approver_unfit`: it may come again
/// once the role stands). An EOA's signature must recover to `approver`; a contract is asked (EIP-1271). The chain has
/// the last word, when the payment settles. Handing in the same again changes nothing; an approver who lost the role
/// since gives way to another.
#[utoipa::path(post, path = "/v1/approval-requests/{digest}/approval", tag = "Approvals",
    params(("digest" = inline(Hash), Path, description = "The payment's digest.")), request_body = ApprovalAnswer,
    responses((status = 200, description = "Approved.", body = ApprovalRequest), PostFailure))]
pub async fn post_approval(
    State(state): State<AppState>,
    caller: Caller,
    Path(digest): Path<Hash>,
    Body(answer): Body<ApprovalAnswer>,
) -> Result<Json<ApprovalRequest>, ApiError> {
    caller.check_approver(answer.approver.0)?;
    let chain_id = state.config.chain_id;
    let now = state.as_of().await?.now;
    let row = approvals::get(&state.db, digest.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    let (approver, signature) = (answer.approver.0, answer.signature.0);
    let contract = answer.kind == ApprovalKind::Contract;
    let given = Answer::Approved { approver, signature: signature.clone(), contract };
    if row.answer.as_ref() != Some(&given) {
        let before = takes_the_place_of(&state, &row, now).await?;
        let signed = Signed { by: approver, signature: &signature, kind: answer.kind };
        approver::check(&state, &row.request, approval_digest(&row.request, chain_id), signed).await?;
        if !state.store.answer_request(digest.0, before, &given, state.now()).await? {
            return Err(ApiError::conflict("answered", "somebody answered at the same time; look again"));
        }
    }
    let row = approvals::get(&state.db, digest.0).await?.ok_or_else(ApiError::internal)?;
    Ok(Json(ApprovalRequest::new(row, chain_id, now)))
}

/// Who answered before, where an approval may take that answer's place.
async fn takes_the_place_of(
    state: &AppState,
    row: &approvals::Approval,
    now: u64,
) -> Result<Option<Address>, ApiError> {
    if row.request.valid_before <= now {
        return Err(ApiError::conflict("payment_expired", "the payment could no longer settle")
            .mismatch(format!("validBefore after {now}"), row.request.valid_before));
    }
    let (code, message, by) = match &row.answer {
        None => return Ok(None),
        Some(Answer::Approved { approver, .. }) => {
            if approvers::unfit(&state.db, &row.request, *approver).await?.is_some() {
                return Ok(Some(*approver));
            }
            ("approved", "the payment is approved already", approver)
        }
        Some(Answer::Rejected { by, .. }) => ("rejected", "the payment was rejected", by),
    };
    Err(ApiError::conflict(code, message).mismatch("a pending request", by.to_checksum(None)))
}
