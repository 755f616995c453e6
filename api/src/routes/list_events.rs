//! `GET /v1/events`

use axum::{Json, extract::State, http::StatusCode};
use bursar_indexer::query::events::{self, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::{
    AppState,
    error::{ApiError, Problem},
    extract::{EnvelopeNumber, Number, Params},
    model::event::{Event, Kinds},
    page::{DEFAULT_LIMIT, PageLimit},
    wire::Addr,
};

/// The number of an event, as a cursor.
pub type Cursor = Number<0, { i64::MAX as u64 }>;

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
    /// Of one of these kinds, separated by commas. What takes events back (`retracted`) always comes along.
    #[param(inline)]
    kinds: Option<Kinds>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// What comes after this event: its `seq`, or `next` of the page before. From the oldest that is kept unless told.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// Events, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events of this page, oldest first.
    pub items: Vec<Event>,
    /// Pass it as `cursor` to read on, now or later: there always is one.
    pub next: u64,
}

/// What following may answer besides events.
#[derive(Debug, IntoResponses)]
pub enum FollowFailure {
    /// A parameter is unknown, repeated or does not fit; or the cursor is none of this ledger's.
    #[response(status = 400)]
    Parameters(Problem),
    /// What came after the cursor is no longer kept: begin again from the lists.
    #[response(status = 410)]
    Gone(Problem),
    /// As many follow as may; or the store is busy.
    #[response(status = "5XX")]
    Failed(Problem),
}

/// What happened, oldest first.
///
/// Every change comes with its event, in the same transaction, and numbers have no gap: whoever goes on from the last
/// `seq` they saw misses nothing. An event of a block that a reorg took away is followed by a `retracted` event.
#[utoipa::path(get, path = "/v1/events", tag = "Events", params(Filter),
    responses((status = 200, description = "A page.", body = EventPage), FollowFailure))]
pub async fn list_events(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<EventPage>, ApiError> {
    let limit = filter.limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
    let of = of(filter.treasury, filter.envelope, filter.kinds);
    let cursor = filter.cursor.map(|cursor| cursor.0);
    let page = events::after(&state.db, &of, cursor, u32::try_from(limit).unwrap_or(u32::MAX)).await?;
    let (rows, next) = read_on(page, cursor)?;
    let base = state.config.base_url.as_ref();
    Ok(Json(EventPage { items: rows.into_iter().map(|told| Event::new(told, base)).collect(), next }))
}

/// As the store filters.
pub(super) fn of(
    treasury: Option<Addr>,
    envelope: Option<EnvelopeNumber>,
    kinds: Option<Kinds>,
) -> events::Filter {
    events::Filter {
        treasury: treasury.map(|address| address.0),
        envelope: envelope.map(EnvelopeNumber::to_u32),
        kinds: kinds.unwrap_or_default().0,
    }
}

/// The events after a cursor, and the next one.
///
/// # Errors
/// When the cursor leads nowhere.
pub(crate) fn read_on(page: Page, cursor: Option<u64>) -> Result<(Vec<events::Told>, u64), ApiError> {
    let got = cursor.unwrap_or_default();
    match page {
        Page::Events { events, next } => Ok((events, next)),
        Page::Gone { oldest } => {
            let message = "what came after this cursor is no longer kept";
            Err(ApiError::new(StatusCode::GONE, "cursor_gone", message)
                .mismatch(format!("a cursor of {} at least", oldest.saturating_sub(1)), got))
        }
        Page::Ahead { newest } => {
            let message = "this ledger has not told of so many events: the cursor is another's";
            Err(ApiError::new(StatusCode::BAD_REQUEST, "cursor_unknown", message)
                .mismatch(format!("a cursor of {newest} at most"), got))
        }
    }
}
