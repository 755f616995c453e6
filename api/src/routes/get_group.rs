//! `GET /v1/groups/{treasury}/{number}`

use axum::{Json, extract::State};
use bursar_indexer::query::{groups, headroom};

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{EnvelopeNumber, Nothing, Params, Path},
    model::group::Group,
    wire::Addr,
};

/// A group with what its limits have left.
#[utoipa::path(get, path = "/v1/groups/{treasury}/{number}", tag = "Groups", params(("treasury" = inline(Addr), Path, description = "The treasury."), ("number" = inline(EnvelopeNumber), Path, description = "The group's number.")),
    responses((status = 200, description = "It.", body = Group), GetFailure))]
pub async fn get_group(
    State(state): State<AppState>,
    Path((treasury, number)): Path<(Addr, EnvelopeNumber)>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<Group>, ApiError> {
    let key = (treasury.0, number.to_u32());
    let row = groups::get(&state.db, key).await?;
    let row = row.ok_or_else(|| ApiError::not_found("group", format!("{treasury}/{}", number.0)))?;
    let now = state.as_of().await?.now;
    Ok(Json(Group::new(&row, headroom::of_group(&state.db, key, now).await?)))
}
