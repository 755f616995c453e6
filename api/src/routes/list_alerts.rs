//! `GET /v1/alerts`

use axum::{Json, extract::State};
use bursar_indexer::query::alerts;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params},
    model::alert::{Alert, Kind},
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
    /// Of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Those that still stand (true), or those that are over (false).
    open: Option<bool>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// What somebody should look at, newest first: raised and closed with the blocks and records that tell of it.
#[utoipa::path(get, path = "/v1/alerts", tag = "Alerts", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Alert>), ListFailure))]
pub async fn list_alerts(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Alert>>, ApiError> {
    let asked = Asked::new("alerts", filter.cursor.as_deref(), filter.limit)?;
    let now = state.as_of().await?.now;
    let of = alerts::Filter {
        treasury: filter.treasury.map(|address| address.0),
        envelope: filter.envelope.map(EnvelopeNumber::to_u32),
        kind: filter.kind.map(Into::into),
        open: filter.open,
    };
    let rows = alerts::list(&state.db, &of, now, asked.after, asked.fetch()).await?;
    let key = |alert: &alerts::Alert| alerts::Cursor { raised_at: alert.row.raised_at, id: alert.id };
    Ok(Json(asked.page(rows, key, |alert| Alert::new(alert, now))))
}
