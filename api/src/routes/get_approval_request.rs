//! `GET /v1/approval-requests/{digest}`

use axum::{Json, extract::State};
use bursar_indexer::query::approvals;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::Path,
    model::approval::ApprovalRequest,
    wire::Hash,
};

/// One approval request: agents ask here until a human has answered.
#[utoipa::path(get, path = "/v1/approval-requests/{digest}", tag = "Approvals", params(("digest" = inline(Hash), Path, description = "The payment's digest.")),
    responses((status = 200, description = "It.", body = ApprovalRequest), GetFailure))]
pub async fn get_approval_request(
    State(state): State<AppState>,
    Path(digest): Path<Hash>,
) -> Result<Json<ApprovalRequest>, ApiError> {
    let row = approvals::get(&state.db, digest.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    let now = state.as_of().await?.now;
    Ok(Json(ApprovalRequest::new(row, state.config.chain_id, now)))
}
