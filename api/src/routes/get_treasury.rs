//! `GET /v1/treasuries/{address}`

use axum::{Json, extract::State};
use bursar_indexer::query::treasuries;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Nothing, Params, Path},
    model::treasury::{RoleGrant, TreasuryDetail},
    wire::Addr,
};

/// A treasury, with who may do what.
#[utoipa::path(get, path = "/v1/treasuries/{address}", tag = "Treasuries", params(("address" = inline(Addr), Path, description = "The treasury.")),
    responses((status = 200, description = "It.", body = TreasuryDetail), GetFailure))]
pub async fn get_treasury(
    State(state): State<AppState>,
    Path(address): Path<Addr>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<TreasuryDetail>, ApiError> {
    let row = treasuries::get(&state.db, address.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("treasury", &address))?;
    let roles = treasuries::roles(&state.db, address.0).await?;
    Ok(Json(TreasuryDetail { treasury: row.into(), roles: roles.into_iter().map(RoleGrant::from).collect() }))
}
