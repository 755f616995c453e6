//! `GET /v1/stamps/{hash}`

use axum::{Json, extract::State};

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Nothing, Params, Path},
    model::stamp::StampChain,
    vouched,
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
    let kept = vouched::stamp(&state.db, hash.0).await?;
    let kept = kept.ok_or_else(|| ApiError::not_found("stamp", &hash))?;
    Ok(Json(kept.map_err(|vouched::Broken| ApiError::internal())?))
}
