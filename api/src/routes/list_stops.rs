//! `GET /v1/stops`

use axum::{Json, extract::State};
use bursar_indexer::query::stops;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time, span},
    model::stop::{Level, Stop},
    page::{Asked, Page, PageLimit},
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
    /// Of this agent's envelopes.
    #[param(inline)]
    agent: Option<Addr>,
    /// Of this level.
    #[param(inline)]
    level: Option<Level>,
    /// Stops (true) or releases (false).
    stopped: Option<bool>,
    /// From this time (inclusive, unix seconds).
    #[param(inline)]
    from: Option<Time>,
    /// Until this time (exclusive, unix seconds).
    #[param(inline)]
    until: Option<Time>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Freezes, releases and reviews, newest first: who stopped what, and when.
#[utoipa::path(get, path = "/v1/stops", tag = "Stops", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Stop>), ListFailure))]
pub async fn list_stops(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Stop>>, ApiError> {
    let asked = Asked::new("stops", filter.cursor.as_deref(), filter.limit)?;
    let of = stops::Filter {
        treasury: filter.treasury.map(|address| address.0),
        envelope: filter.envelope.map(EnvelopeNumber::to_u32),
        agent: filter.agent.map(|address| address.0),
        level: filter.level.map(Level::code),
        stopped: filter.stopped,
        time: span(filter.from, filter.until),
    };
    let rows = stops::list(&state.db, &of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| row.position, Stop::from)))
}
