//! `GET /v1/treasuries/{address}/log`

use alloy::primitives::{Address, B256};
use axum::{Json, extract::State};
use bursar_indexer::query::{log, treasuries};

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Nothing, Params, Path},
    model::log::{Log, SignedCheckpoint},
    wire::Addr,
};

/// A treasury's transparency log as it stands: its root, signed, and the root that was last anchored on chain.
#[utoipa::path(get, path = "/v1/treasuries/{address}/log", tag = "Log", params(("address" = inline(Addr), Path, description = "The treasury.")),
    responses((status = 200, description = "It.", body = Log), GetFailure))]
pub async fn get_log(
    State(state): State<AppState>,
    Path(address): Path<Addr>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<Log>, ApiError> {
    let (db, treasury) = (&state.db, address.0);
    if treasuries::get(db, treasury).await?.is_none() {
        return Err(ApiError::not_found("treasury", &address));
    }
    let size = log::size(db, treasury).await?;
    let root = log::root(db, treasury, size).await?;
    let checkpoint = signed(&state, treasury, size, root)?;
    let anchor = log::anchors(db, treasury, u64::MAX, 1).await?.pop().map(Into::into);
    Ok(Json(Log { treasury: address, size, root: root.into(), checkpoint, anchor }))
}

/// A root, signed; `None` where this service signs no checkpoints.
pub(crate) fn signed(
    state: &AppState,
    treasury: Address,
    size: u64,
    root: B256,
) -> Result<Option<SignedCheckpoint>, ApiError> {
    let keeper = state.config.log.as_ref();
    let checkpoint =
        keeper.map(|keeper| keeper.sign(state.config.chain_id, treasury, size, root)).transpose();
    let checkpoint = checkpoint.map_err(|error| {
        tracing::error!(%error, "the checkpoint is not signed");
        ApiError::internal()
    })?;
    Ok(checkpoint.map(Into::into))
}
