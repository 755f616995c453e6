//! `GET /v1/treasuries/{address}/log/entries`

use axum::{Json, extract::State};
use bursar_indexer::query::log;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{Params, Path},
    model::log::LogEntry,
    page::{Asked, Page, PageLimit},
    wire::{Addr, Hash},
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// About the record with this hash, or the payment with this digest that waits for a human.
    #[param(inline)]
    subject: Option<Hash>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// What a treasury's log holds, oldest first.
#[utoipa::path(get, path = "/v1/treasuries/{address}/log/entries", tag = "Log",
    params(("address" = inline(Addr), Path, description = "The treasury."), Filter),
    responses((status = 200, description = "A page.", body = Page<LogEntry>), ListFailure))]
pub async fn list_log_entries(
    State(state): State<AppState>,
    Path(address): Path<Addr>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<LogEntry>>, ApiError> {
    let asked = Asked::new("log entries", filter.cursor.as_deref(), filter.limit)?;
    let of = log::Filter { treasury: address.0, subject: filter.subject.map(|hash| hash.0) };
    let rows = log::list(&state.db, of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |leaf| log::Key { number: leaf.number }, LogEntry::from)))
}
