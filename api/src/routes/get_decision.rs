//! `GET /v1/decisions/{hash}`

use axum::{Json, extract::State};
use bursar_indexer::query::{decisions, erasures};
use bursar_sdk::record::RecordKind;

use crate::{
    AppState,
    error::{ApiError, GetFailure, Problem},
    extract::{Params, Path},
    model::decision::DecisionDetail,
    past::{Then, Told},
    wire::Hash,
};

/// One decision, with the very bytes that hash to its hash.
#[utoipa::path(get, path = "/v1/decisions/{hash}", tag = "Decisions", params(("hash" = inline(Hash), Path, description = "keccak-256 of the canonical record."), Then),
    responses((status = 200, description = "It.", body = Told<DecisionDetail>),
              (status = 410, description = "It was erased; `erased` is what is left.", body = Problem), GetFailure))]
pub async fn get_decision(
    State(state): State<AppState>,
    Path(hash): Path<Hash>,
    Params(then): Params<Then>,
) -> Result<Json<Told<DecisionDetail>>, ApiError> {
    let as_of = state.as_of_at(then.at()?).await?;
    if let Some(row) = decisions::as_of(&state.db, hash.0, as_of.past()).await? {
        return Ok(Json(Told::new(row.into(), &as_of)));
    }
    match erasures::get(&state.db, hash.0).await? {
        Some(stone) if stone.place.kind() == RecordKind::Decision => Err(ApiError::erased(stone.into())),
        _ => Err(ApiError::not_found("decision", hash)),
    }
}
