//! `GET /v1/stamps/{hash}`

use axum::{Json, extract::State};
use bursar_indexer::query::stamps;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Nothing, Params, Path},
    model::stamp::StampChain,
    wire::Hash,
};

/// A stamp, with those that it is delegated from: who vouched for an agent, and within what.
///
/// `bundle` is what the agent handed in, and is what `bursar stamp verify` reads: nothing beside it is to be believed.
#[utoipa::path(get, path = "/v1/stamps/{hash}", tag = "Stamps", params(("hash" = inline(Hash), Path, description = "The hash that sessions name.")),
    responses((status = 200, description = "It.", body = StampChain), GetFailure))]
pub async fn get_stamp(
    State(state): State<AppState>,
    Path(hash): Path<Hash>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<StampChain>, ApiError> {
    let row = stamps::chain(&state.db, hash.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("stamp", &hash))?;
    Ok(Json(StampChain::read(&row).map_err(|refused| {
        tracing::error!(%hash, %refused, "a kept stamp does not hold together");
        ApiError::internal()
    })?))
}
