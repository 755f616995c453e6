//! `GET /v1/envelopes/{treasury}/{number}/scores`

use axum::{Json, extract::State};
use bursar_indexer::query::scores;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Path},
    model::score::PastScore,
    page::{Asked, Page, PageLimit},
    wire::Addr,
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// How the score of an envelope's agent changed, newest first.
#[utoipa::path(get, path = "/v1/envelopes/{treasury}/{number}/scores", tag = "Scores",
    params(("treasury" = inline(Addr), Path, description = "The treasury."),
           ("number" = inline(EnvelopeNumber), Path, description = "The envelope's number."), Filter),
    responses((status = 200, description = "A page.", body = Page<PastScore>), ListFailure))]
pub async fn list_scores(
    State(state): State<AppState>,
    Path((treasury, number)): Path<(Addr, EnvelopeNumber)>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<PastScore>>, ApiError> {
    let asked = Asked::new("scores", filter.cursor.as_deref(), filter.limit)?;
    let of = (treasury.0, number.to_u32());
    let rows = scores::history(&state.db, of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |past| past.block, PastScore::from)))
}
