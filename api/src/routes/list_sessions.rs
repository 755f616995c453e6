//! `GET /v1/sessions`

use axum::{Json, extract::State};
use bursar_indexer::query::{AmountRange, past, sessions};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time, span},
    model::session::{Session, SessionState},
    page::{Asked, Page, PageLimit},
    past::{At, Height},
    wire::{Addr, Units},
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
    /// Of this agent.
    #[param(inline)]
    agent: Option<Addr>,
    /// Of this purse.
    #[param(inline)]
    purse: Option<Addr>,
    /// Standing there now, or then, where that is asked.
    #[param(inline)]
    state: Option<SessionState>,
    /// Opened from this time on (inclusive, unix seconds).
    #[param(inline)]
    from: Option<Time>,
    /// Opened before this time (exclusive, unix seconds).
    #[param(inline)]
    until: Option<Time>,
    /// With a budget of at least this much, in atomic units.
    #[param(inline)]
    min_amount: Option<Units>,
    /// With a budget of at most this much, in atomic units.
    #[param(inline)]
    max_amount: Option<Units>,
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

/// Sessions, newest first.
#[utoipa::path(get, path = "/v1/sessions", tag = "Sessions", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Session>), ListFailure))]
pub async fn list_sessions(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Session>>, ApiError> {
    let asked = Asked::new("sessions", filter.cursor.as_deref(), filter.limit)?;
    let as_of = state.as_of_at(At::of(filter.as_of, filter.as_of_time)?).await?;
    let now = as_of.now;
    let of = sessions::Filter {
        treasury: filter.treasury.map(|address| address.0),
        envelope: filter.envelope.map(EnvelopeNumber::to_u32),
        agent: filter.agent.map(|address| address.0),
        purse: filter.purse.map(|address| address.0),
        opened: span(filter.from, filter.until),
        budget: AmountRange {
            min: filter.min_amount.map(|units| units.0),
            max: filter.max_amount.map(|units| units.0),
        },
        state: filter.state.map(|state| (state.into(), now)),
    };
    let rows = match as_of.past() {
        None => sessions::list(&state.db, &of, asked.after, asked.fetch()).await?,
        Some(then) => past::sessions(&state.db, &of, then, asked.after, asked.fetch()).await?,
    };
    let key = |row: &sessions::Session| sessions::Key { opened_at: row.opened_at, id: row.id };
    let page = asked.page(rows, key, |row| Session::new(row, now));
    Ok(Json(Page { as_of: as_of.at.map(Into::into), ..page }))
}
