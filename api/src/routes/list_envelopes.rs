//! `GET /v1/envelopes`

use axum::{Json, extract::State};
use bursar_indexer::query::envelopes;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time},
    model::envelope::{Envelope, EnvelopeState},
    page::{Asked, Page, PageLimit},
    past::{At, Height},
    standing,
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
    /// Of this agent.
    #[param(inline)]
    agent: Option<Addr>,
    /// Right in the group with this number.
    #[param(inline)]
    group: Option<EnvelopeNumber>,
    /// In this token.
    #[param(inline)]
    asset: Option<Addr>,
    /// Standing there now, or then, where that is asked.
    #[param(inline)]
    state: Option<EnvelopeState>,
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

/// Envelopes, by treasury and number, with balances, totals and headroom.
#[utoipa::path(get, path = "/v1/envelopes", tag = "Envelopes", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Envelope>), ListFailure))]
pub async fn list_envelopes(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Envelope>>, ApiError> {
    let asked = Asked::new("envelopes", filter.cursor.as_deref(), filter.limit)?;
    let as_of = state.as_of_at(At::of(filter.as_of, filter.as_of_time)?).await?;
    let of = envelopes::Filter {
        treasury: filter.treasury.map(|address| address.0),
        agent: filter.agent.map(|address| address.0),
        group: filter.group.map(EnvelopeNumber::to_u32),
        asset: filter.asset.map(|address| address.0),
        state: filter.state.map(Into::into),
        scored: false,
    };
    let rows = standing::list(&state.db, &of, &as_of, asked.after, asked.fetch()).await?;
    let page =
        asked.page(rows, |(row, _)| (row.treasury, row.number), |(row, rooms)| Envelope::new(&row, rooms));
    Ok(Json(Page { as_of: as_of.at.map(Into::into), ..page }))
}
