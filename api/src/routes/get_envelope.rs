//! `GET /v1/envelopes/{treasury}/{number}`

use axum::{Json, extract::State};
use bursar_indexer::query::policies;

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, GetFailure},
    extract::{EnvelopeNumber, Params, Path},
    model::envelope::{Envelope, EnvelopeDetail},
    past::{Then, Told},
    standing,
    wire::Addr,
};

/// An envelope with balances, totals, headroom and the policy in force.
#[utoipa::path(get, path = "/v1/envelopes/{treasury}/{number}", tag = "Envelopes", params(("treasury" = inline(Addr), Path, description = "The treasury."), ("number" = inline(EnvelopeNumber), Path, description = "The envelope's number."), Then),
    responses((status = 200, description = "It.", body = Told<EnvelopeDetail>), GetFailure))]
pub async fn get_envelope(
    State(state): State<AppState>,
    Path((treasury, number)): Path<(Addr, EnvelopeNumber)>,
    Params(then): Params<Then>,
    caller: Caller,
) -> Result<Json<Told<EnvelopeDetail>>, ApiError> {
    let key = (treasury.0, number.to_u32());
    let as_of = state.as_of_at(then.at()?).await?;
    // Whose it was then, which need not be whose it is.
    let found = standing::get(&state.db, key, &as_of).await?;
    let found = found.filter(|(row, _)| caller.sees(row.treasury, Some(row.agent)));
    let (row, rooms) =
        found.ok_or_else(|| ApiError::not_found("envelope", format!("{treasury}/{}", number.0)))?;
    let policy = policies::as_of(&state.db, (key.0, key.1, row.policy_version), as_of.past()).await?;
    let envelope = EnvelopeDetail { envelope: Envelope::new(&row, rooms), policy: policy.map(Into::into) };
    Ok(Json(Told::new(envelope, &as_of)))
}
