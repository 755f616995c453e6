//! `GET /v1/policies`

use axum::{Json, extract::State};
use bursar_indexer::query::policies;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time},
    model::policy::Policy,
    page::{Asked, Page, PageLimit},
    past::{At, Height},
    wire::Addr,
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this treasury.
    #[param(inline)]
    treasury: Option<Addr>,
    /// Of the envelope with this number.
    #[param(inline)]
    envelope: Option<EnvelopeNumber>,
    /// As of this block: what the chain told up to it, and what had been handed in by its time.
    #[param(inline)]
    as_of: Option<Height>,
    /// As of this time (inclusive, unix seconds).
    #[param(inline)]
    as_of_time: Option<Time>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Policies with their history: by treasury and envelope, oldest version first.
#[utoipa::path(get, path = "/v1/policies", tag = "Policies", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Policy>), ListFailure))]
pub async fn list_policies(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Policy>>, ApiError> {
    let asked = Asked::new("policies", filter.cursor.as_deref(), filter.limit)?;
    let as_of = state.as_of_at(At::of(filter.as_of, filter.as_of_time)?).await?;
    let of = policies::Filter {
        treasury: filter.treasury.map(|address| address.0),
        envelope: filter.envelope.map(EnvelopeNumber::to_u32),
        past: as_of.past(),
    };
    let rows = policies::list(&state.db, &of, asked.after, asked.fetch()).await?;
    let page = asked.page(rows, |row| (row.treasury, row.envelope, row.version), Policy::from);
    Ok(Json(Page { as_of: as_of.at.map(Into::into), ..page }))
}
