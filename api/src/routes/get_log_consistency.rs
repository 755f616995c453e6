//! `GET /v1/treasuries/{address}/log/consistency`

use axum::{Json, extract::State};
use bursar_indexer::query::log;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{LogNumber, Params, Path},
    model::log::ConsistencyProof,
    wire::{Addr, Hash},
};

/// From where to where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// From a log of so many entries; from an empty one unless told.
    #[param(inline)]
    from: Option<LogNumber>,
    /// To one of so many; to all of it unless told.
    #[param(inline)]
    size: Option<LogNumber>,
}

/// A proof that a treasury's log begins with what it was, so that whoever saw an earlier root knows that nothing was
/// changed.
#[utoipa::path(get, path = "/v1/treasuries/{address}/log/consistency", tag = "Log",
    params(("address" = inline(Addr), Path, description = "The treasury."), Question),
    responses((status = 200, description = "It.", body = ConsistencyProof), GetFailure))]
pub async fn get_log_consistency(
    State(state): State<AppState>,
    Path(address): Path<Addr>,
    Params(question): Params<Question>,
) -> Result<Json<ConsistencyProof>, ApiError> {
    let (db, treasury) = (&state.db, address.0);
    let from = question.from.map_or(0, |from| from.0);
    let size = log::size_or_all(db, treasury, question.size.map(|size| size.0)).await?;
    let proof = log::consistency(db, treasury, from, size).await?;
    let from_root = log::root(db, treasury, from).await?.into();
    let root = log::root(db, treasury, size).await?.into();
    let path = proof.path.into_iter().map(Hash).collect();
    Ok(Json(ConsistencyProof { from, from_root, size, root, path }))
}
