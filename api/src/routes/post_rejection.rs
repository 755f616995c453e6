//! `POST /v1/approval-requests/{digest}/rejection`

use axum::{Json, extract::State};
use bursar_indexer::query::approvals::{self, Answer, State as Standing};

use crate::{
    AppState,
    access::Caller,
    approval::rejection_digest,
    approver,
    error::{ApiError, PostFailure},
    extract::{Body, Path},
    model::approval::{ApprovalRequest, ApprovalState, RejectionAnswer},
    signed::Signed,
    wire::Hash,
};

/// Longest reason taken, in characters.
const MAX_REASON: usize = 1000;

/// A reason that can be kept.
///
/// # Errors
/// When it cannot.
pub(super) fn check_reason(reason: &str) -> Result<(), ApiError> {
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
    Ok(())
}

/// Hands in a human's refusal to approve one payment, signed by an approver of the treasury like an approval.
#[utoipa::path(post, path = "/v1/approval-requests/{digest}/rejection", tag = "Approvals",
    params(("digest" = inline(Hash), Path, description = "The payment's digest.")), request_body = RejectionAnswer,
    responses((status = 200, description = "Rejected.", body = ApprovalRequest), PostFailure))]
pub async fn post_rejection(
    State(state): State<AppState>,
    caller: Caller,
    Path(digest): Path<Hash>,
    Body(answer): Body<RejectionAnswer>,
) -> Result<Json<ApprovalRequest>, ApiError> {
    let RejectionAnswer { by, reason, signature, kind } = answer;
    caller.check_approver(by.0)?;
    check_reason(&reason)?;
    let chain_id = state.config.chain_id;
    let now = state.as_of().await?.now;
    let row = approvals::get(&state.db, digest.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    let to_sign = rejection_digest(&row.request, chain_id, &reason);
    let given = Answer::Rejected { by: by.0, reason, signature: Some(signature.0.clone()) };
    if row.answer.as_ref() != Some(&given) {
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
        let signed = Signed { by: by.0, signature: &signature.0, kind };
        approver::check(&state, &row.request, to_sign, signed).await?;
        if !state.store.answer_request(digest.0, None, &given, state.now()).await? {
            return Err(ApiError::conflict("answered", "somebody answered at the same time; look again"));
        }
    }
    let row = approvals::get(&state.db, digest.0).await?.ok_or_else(ApiError::internal)?;
    Ok(Json(ApprovalRequest::new(row, chain_id, now)))
}
