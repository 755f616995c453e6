//! `GET /v1/envelopes/{treasury}/{number}`

use axum::{Json, extract::State};
use bursar_indexer::query::{envelopes, headroom, policies};

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{EnvelopeNumber, Path},
    model::envelope::{Envelope, EnvelopeDetail},
    wire::Addr,
};

/// An envelope with balances, totals, headroom and the policy in force.
#[utoipa::path(get, path = "/v1/envelopes/{treasury}/{number}", tag = "Envelopes", params(("treasury" = inline(Addr), Path, description = "The treasury."), ("number" = inline(EnvelopeNumber), Path, description = "The envelope's number.")),
    responses((status = 200, description = "It.", body = EnvelopeDetail), GetFailure))]
pub async fn get_envelope(
    State(state): State<AppState>,
    Path((treasury, number)): Path<(Addr, EnvelopeNumber)>,
) -> Result<Json<EnvelopeDetail>, ApiError> {
    let key = (treasury.0, number.to_u32());
    let row = envelopes::get(&state.db, key).await?;
    let row = row.ok_or_else(|| ApiError::not_found("envelope", format!("{treasury}/{}", number.0)))?;
    let now = state.as_of().await?.now;
    let rooms = headroom::of_envelope(&state.db, key, now).await?;
    let policy = policies::get(&state.db, (key.0, key.1, row.policy_version)).await?;
    Ok(Json(EnvelopeDetail { envelope: Envelope::new(&row, rooms), policy: policy.map(Into::into) }))
}
