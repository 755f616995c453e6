//! `GET /v1/treasuries`

use axum::{Json, extract::State};
use bursar_indexer::query::treasuries;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, ListFailure},
    extract::Params,
    model::treasury::Treasury,
    page::{Asked, Page, PageLimit},
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Treasuries, by address.
#[utoipa::path(get, path = "/v1/treasuries", tag = "Treasuries", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Treasury>), ListFailure))]
pub async fn list_treasuries(
    State(state): State<AppState>,
    caller: Caller,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Treasury>>, ApiError> {
    let asked = Asked::new("treasuries", filter.cursor.as_deref(), filter.limit)?;
    let rows = treasuries::list(&state.db, caller.treasury(), asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| row.address, Treasury::from)))
}
