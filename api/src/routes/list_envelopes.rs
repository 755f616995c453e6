//! `GET /v1/envelopes`

use axum::{Json, extract::State};
use bursar_indexer::{
    db::Db,
    query::{envelopes, headroom},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params},
    model::envelope::{Envelope, EnvelopeState},
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
    /// Of this agent.
    #[param(inline)]
    agent: Option<Addr>,
    /// Right in the group with this number.
    #[param(inline)]
    group: Option<EnvelopeNumber>,
    /// In this token.
    #[param(inline)]
    asset: Option<Addr>,
    /// Standing there now.
    #[param(inline)]
    state: Option<EnvelopeState>,
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
    let now = state.as_of().await?.now;
    let of = envelopes::Filter {
        treasury: filter.treasury.map(|address| address.0),
        agent: filter.agent.map(|address| address.0),
        group: filter.group.map(EnvelopeNumber::to_u32),
        asset: filter.asset.map(|address| address.0),
        state: filter.state.map(Into::into),
        scored: false,
    };
    let rows = envelopes::list(&state.db, &of, asked.after, asked.fetch()).await?;
    let mut page = asked.page(rows, |row| (row.treasury, row.number), |row| row);
    let items = with_headroom(&state.db, std::mem::take(&mut page.items), now).await?;
    Ok(Json(Page { items, next: page.next, as_of: None }))
}

/// Envelopes with what their limits have left at `now` (unix seconds).
pub(super) async fn with_headroom(
    db: &Db,
    rows: Vec<envelopes::Envelope>,
    now: u64,
) -> Result<Vec<Envelope>, ApiError> {
    let mut rooms = headroom::of_all(db, &rows, now).await?;
    let view = |row: &envelopes::Envelope| {
        Envelope::new(row, rooms.remove(&(row.treasury, row.number)).unwrap_or_default())
    };
    Ok(rows.iter().map(view).collect())
}
