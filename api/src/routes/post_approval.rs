//! `POST /v1/approval-requests/{digest}/approval`

use axum::{Json, extract::State};
use bursar_indexer::query::{
    approvals::{self, Answer},
    treasuries::{self, ROLE_APPROVER},
};

use crate::{
    AppState,
    approval::checked,
    error::{ApiError, PostFailure},
    extract::{Body, Path},
    model::approval::{ApprovalAnswer, ApprovalRequest},
    wire::Hash,
};

/// Hands in a human's approval of one payment.
///
/// An EOA's signature must recover to `approver`. Who may approve is the chain's to say: here, an approval
/// by somebody who does not hold the role gives way to one by somebody who does, and never the reverse.
#[utoipa::path(post, path = "/v1/approval-requests/{digest}/approval", tag = "Approvals",
    params(("digest" = inline(Hash), Path, description = "The payment's digest.")), request_body = ApprovalAnswer,
    responses((status = 200, description = "Approved.", body = ApprovalRequest), PostFailure))]
pub async fn post_approval(
    State(state): State<AppState>,
    Path(digest): Path<Hash>,
    Body(answer): Body<ApprovalAnswer>,
) -> Result<Json<ApprovalRequest>, ApiError> {
    let chain_id = state.config.chain_id;
    let now = state.as_of().await?.now;
    let row = approvals::get(&state.db, digest.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    let answer = checked(&row.request, chain_id, answer)?;
    if row.answer.as_ref() != Some(&answer) {
        let before = may_answer(&state, &row, &answer, now).await?;
        if !approvals::answer(&state.db, digest.0, before, &answer, state.now()).await? {
            return Err(ApiError::conflict("answered", "somebody answered at the same time; look again"));
        }
    }
    let row = approvals::get(&state.db, digest.0).await?.ok_or_else(ApiError::internal)?;
    Ok(Json(ApprovalRequest::new(row, chain_id, now)))
}

/// Who answered before, where this answer may take its place.
async fn may_answer(
    state: &AppState,
    row: &approvals::Approval,
    answer: &Answer,
    now: u64,
) -> Result<Option<alloy::primitives::Address>, ApiError> {
    if row.request.valid_before <= now {
        return Err(ApiError::conflict("payment_expired", "the payment could no longer settle")
            .mismatch(format!("validBefore after {now}"), row.request.valid_before));
    }
    let holds = |account| treasuries::holds_role(&state.db, row.request.treasury, account, ROLE_APPROVER);
    match (&row.answer, answer) {
        (None, _) => Ok(None),
        (Some(Answer::Approved { approver: before, .. }), Answer::Approved { approver, .. })
            if holds(*approver).await? || !holds(*before).await? =>
        {
            Ok(Some(*before))
        }
        (Some(Answer::Approved { approver, .. }), _) => {
            Err(ApiError::conflict("approved", "the payment is approved already")
                .mismatch("a pending request", approver.to_checksum(None)))
        }
        (Some(Answer::Rejected { by, .. }), _) => {
            Err(ApiError::conflict("rejected", "the payment was rejected")
                .mismatch("a pending request", by.to_checksum(None)))
        }
    }
}
