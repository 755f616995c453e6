//! `GET /v1/envelopes/{treasury}/{number}/score`

use axum::{Json, extract::State};
use bursar_indexer::query::{envelopes, scores};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{EnvelopeNumber, Number, Params, Path},
    model::score::Score,
    wire::Addr,
};

/// A block's number in a query.
type Height = Number<0, { i64::MAX as u64 }>;

/// As of when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// At this height; as it stands now unless told.
    #[param(inline)]
    block: Option<Height>,
}

/// The score of an envelope's agent, with its reasons and all it is computed from.
///
/// At a height, it is the score as of the last event up to it. Records from outside the chain count from the height
/// where the ledger took them in, so the answer for a height that no reorg may take back never changes.
#[utoipa::path(get, path = "/v1/envelopes/{treasury}/{number}/score", tag = "Scores",
    params(("treasury" = inline(Addr), Path, description = "The treasury."),
           ("number" = inline(EnvelopeNumber), Path, description = "The envelope's number."), Filter),
    responses((status = 200, description = "It.", body = Score), GetFailure))]
pub async fn get_score(
    State(state): State<AppState>,
    Path((treasury, number)): Path<(Addr, EnvelopeNumber)>,
    Params(filter): Params<Filter>,
) -> Result<Json<Score>, ApiError> {
    let key = (treasury.0, number.to_u32());
    let missing = || ApiError::not_found("score of envelope", format!("{treasury}/{}", number.0));
    let row = envelopes::get(&state.db, key).await?.ok_or_else(missing)?;
    let as_of = state.as_of().await?;
    let stands_at = as_of.checkpoint.map(|checkpoint| checkpoint.number);
    let Some(Number(block)) = filter.block else {
        let score = scores::get(&state.db, key).await?.ok_or_else(missing)?;
        return Ok(Json(Score::new(&row, &score, stands_at, as_of.now)));
    };
    let last = stands_at.unwrap_or_default();
    if block > last {
        return Err(ApiError::invalid_parameter("block", format!("a height up to {last}"), block));
    }
    let past = scores::at_block(&state.db, key, block).await?.ok_or_else(missing)?;
    Ok(Json(Score::past(&row, &past, block)))
}
