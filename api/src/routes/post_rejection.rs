//! `POST /v1/approval-requests/{digest}/rejection`

use axum::{Json, extract::State};
use bursar_indexer::query::approvals::{self, Answer, State as Standing};

use crate::{
    AppState,
    error::{ApiError, PostFailure},
    extract::{Body, Path},
    model::approval::{ApprovalRequest, ApprovalState, RejectionAnswer},
    wire::Hash,
};

/// Longest reason taken, in characters.
const MAX_REASON: usize = 1000;

/// Hands in a human's refusal to approve one payment.
#[utoipa::path(post, path = "/v1/approval-requests/{digest}/rejection", tag = "Approvals",
    params(("digest" = inline(Hash), Path, description = "The payment's digest.")), request_body = RejectionAnswer,
    responses((status = 200, description = "Rejected.", body = ApprovalRequest), PostFailure))]
pub async fn post_rejection(
    State(state): State<AppState>,
    Path(digest): Path<Hash>,
    Body(RejectionAnswer { by, reason }): Body<RejectionAnswer>,
) -> Result<Json<ApprovalRequest>, ApiError> {
    if reason.contains('\0') {
        // PostgreSQL keeps no such text.
        return Err(ApiError::unprocessable("reason_malformed", "the reason is no text")
            .mismatch("text without NUL", "NUL"));
    }
    let characters = reason.chars().count();
    if characters > MAX_REASON {
        return Err(ApiError::unprocessable("reason_too_long", "the reason is too long")
            .mismatch(format!("at most {MAX_REASON} characters"), characters));
    }
    let now = state.as_of().await?.now;
    let row = approvals::get(&state.db, digest.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    let answer = Answer::Rejected { by: by.0, reason };
    if row.answer.as_ref() != Some(&answer) {
        if row.state(now) != Standing::Pending {
            let got = match ApprovalState::from(row.state(now)) {
                ApprovalState::Approved => "approved",
                ApprovalState::Rejected => "rejected",
                ApprovalState::Expired => "expired",
                ApprovalState::Pending => "pending",
            };
            return Err(ApiError::conflict("answered", "the request no longer waits for an answer")
                .mismatch("pending", got));
        }
        if !approvals::answer(&state.db, digest.0, None, &answer, state.now()).await? {
            return Err(ApiError::conflict("answered", "somebody answered at the same time; look again"));
        }
    }
    let row = approvals::get(&state.db, digest.0).await?.ok_or_else(ApiError::internal)?;
    Ok(Json(ApprovalRequest::new(row, state.config.chain_id, now)))
}
