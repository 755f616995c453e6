//! `GET /v1/decisions/{hash}`

use axum::{Json, extract::State};
use bursar_indexer::query::decisions;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::Path,
    model::decision::DecisionDetail,
    wire::Hash,
};

/// One decision, with the very bytes that hash to its hash.
#[utoipa::path(get, path = "/v1/decisions/{hash}", tag = "Decisions", params(("hash" = inline(Hash), Path, description = "keccak-256 of the canonical record.")),
    responses((status = 200, description = "It.", body = DecisionDetail), GetFailure))]
pub async fn get_decision(
    State(state): State<AppState>,
    Path(hash): Path<Hash>,
) -> Result<Json<DecisionDetail>, ApiError> {
    let row = decisions::get(&state.db, hash.0).await?;
    Ok(Json(row.ok_or_else(|| ApiError::not_found("decision", &hash))?.into()))
}
