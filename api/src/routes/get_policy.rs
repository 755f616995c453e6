//! `GET /v1/policies/{treasury}/{envelope}/{version}`

use axum::{Json, extract::State};
use bursar_indexer::query::policies;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{EnvelopeNumber, Path, Short},
    model::policy::Policy,
    wire::Addr,
};

/// One policy version of an envelope.
#[utoipa::path(get, path = "/v1/policies/{treasury}/{envelope}/{version}", tag = "Policies", params(("treasury" = inline(Addr), Path, description = "The treasury."), ("envelope" = inline(EnvelopeNumber), Path, description = "The envelope's number."), ("version" = inline(Short), Path, description = "The policy's version.")),
    responses((status = 200, description = "It.", body = Policy), GetFailure))]
pub async fn get_policy(
    State(state): State<AppState>,
    Path((treasury, envelope, version)): Path<(Addr, EnvelopeNumber, Short)>,
) -> Result<Json<Policy>, ApiError> {
    let key = (treasury.0, envelope.to_u32(), version.to_u16());
    let row = policies::get(&state.db, key).await?;
    let which = || format!("{treasury}/{}/{}", envelope.0, version.0);
    Ok(Json(row.ok_or_else(|| ApiError::not_found("policy", which()))?.into()))
}
