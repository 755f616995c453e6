//! `GET /v1/policies/{treasury}/{envelope}/{version}`

use axum::{Json, extract::State};
use bursar_indexer::query::policies;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{EnvelopeNumber, Params, Path, Short},
    model::policy::Policy,
    past::{Then, Told},
    wire::Addr,
};

/// One policy version of an envelope.
#[utoipa::path(get, path = "/v1/policies/{treasury}/{envelope}/{version}", tag = "Policies", params(("treasury" = inline(Addr), Path, description = "The treasury."), ("envelope" = inline(EnvelopeNumber), Path, description = "The envelope's number."), ("version" = inline(Short), Path, description = "The policy's version."), Then),
    responses((status = 200, description = "It.", body = Told<Policy>), GetFailure))]
pub async fn get_policy(
    State(state): State<AppState>,
    Path((treasury, envelope, version)): Path<(Addr, EnvelopeNumber, Short)>,
    Params(then): Params<Then>,
) -> Result<Json<Told<Policy>>, ApiError> {
    let as_of = state.as_of_at(then.at()?).await?;
    let key = (treasury.0, envelope.to_u32(), version.to_u16());
    let row = policies::as_of(&state.db, key, as_of.past()).await?;
    let which = || format!("{treasury}/{}/{}", envelope.0, version.0);
    let row = row.ok_or_else(|| ApiError::not_found("policy", which()))?;
    Ok(Json(Told::new(row.into(), &as_of)))
}
