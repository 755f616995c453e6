//! `GET /v1/stops`

use axum::{Json, extract::State};
use bursar_indexer::query::{Position, stops};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState, AsOf,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time, span},
    list::{self, Listed},
    model::stop::{Level, Stop},
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

impl Listed for Filter {
    const NAME: &'static str = "stops";
    type Row = stops::Stop;
    type Key = Position;

    fn asked(&self) -> Result<Asked<Self::Key>, ApiError> {
        list::asked::<Self>(self.cursor.as_deref(), self.limit)
    }

    fn at(&self) -> Result<Option<At>, ApiError> {
        At::of(self.as_of, self.as_of_time)
    }

    async fn rows(
        &self,
        state: &AppState,
        as_of: &AsOf,
        after: Option<Self::Key>,
        limit: u32,
    ) -> Result<Vec<Self::Row>, ApiError> {
        let of = stops::Filter {
            treasury: self.treasury.as_ref().map(|address| address.0),
            envelope: self.envelope.map(EnvelopeNumber::to_u32),
            agent: self.agent.as_ref().map(|address| address.0),
            level: self.level.map(Level::code),
            stopped: self.stopped,
            time: span(self.from, self.until),
            up_to_block: as_of.past().map(|past| past.height),
        };
        Ok(stops::list(&state.db, &of, after, limit).await?)
    }

    fn key(row: &Self::Row) -> Self::Key {
        row.position
    }
}

/// Freezes, releases and reviews, newest first: who stopped what, and when.
#[utoipa::path(get, path = "/v1/stops", tag = "Stops", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Stop>), ListFailure))]
pub async fn list_stops(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Stop>>, ApiError> {
    let as_of = list::as_of(&state, &filter).await?;
    let page = list::page(&state, &filter, &as_of).await?;
    Ok(Json(page.map(Stop::from)))
}
