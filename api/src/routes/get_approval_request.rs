//! `GET /v1/approval-requests/{digest}`

use axum::{Json, extract::State};
use bursar_indexer::query::approvals;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Params, Path},
    model::approval::ApprovalRequest,
    past::{Then, Told},
    wire::Hash,
};

/// One approval request: agents ask here until a human has answered.
#[utoipa::path(get, path = "/v1/approval-requests/{digest}", tag = "Approvals", params(("digest" = inline(Hash), Path, description = "The payment's digest."), Then),
    responses((status = 200, description = "It.", body = Told<ApprovalRequest>), GetFailure))]
pub async fn get_approval_request(
    State(state): State<AppState>,
    Path(digest): Path<Hash>,
    Params(then): Params<Then>,
) -> Result<Json<Told<ApprovalRequest>>, ApiError> {
    let as_of = state.as_of_at(then.at()?).await?;
    let row = approvals::as_of(&state.db, digest.0, as_of.past()).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    let request = ApprovalRequest::new(row, state.config.chain_id, as_of.now);
    Ok(Json(Told::new(request, &as_of)))
}
