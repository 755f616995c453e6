//! `GET /v1/set-aside`

use axum::{Json, extract::State};
use bursar_indexer::query::{Position, set_aside};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::Params,
    model::set_aside::SetAside,
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
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Logs that concern us and make no sense, newest first: none of the books counts them, so somebody has to look at each.
#[utoipa::path(get, path = "/v1/set-aside", tag = "Ledger", params(Filter),
    responses((status = 200, description = "A page.", body = Page<SetAside>), ListFailure))]
pub async fn list_set_aside(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<SetAside>>, ApiError> {
    let asked: Asked<Position> = Asked::new("set-aside", filter.cursor.as_deref(), filter.limit)?;
    let treasury = filter.treasury.map(|address| address.0);
    let rows = set_aside::list(&state.db, treasury, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| row.position, SetAside::from)))
}
