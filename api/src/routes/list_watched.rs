//! `GET /v1/watched`

use axum::{Json, extract::State};
use bursar_indexer::{ledger::WatchKind, query::watched};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::Params,
    model::watched::{Kind, Watched},
    page::{Asked, Page, PageLimit},
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Watched as this.
    #[param(inline)]
    kind: Option<Kind>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// The watch list: who is looked at besides our own, from which block on.
#[utoipa::path(get, path = "/v1/watched", tag = "Watched", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Watched>), ListFailure))]
pub async fn list_watched(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Watched>>, ApiError> {
    let asked = Asked::new("watched", filter.cursor.as_deref(), filter.limit)?;
    let kind = filter.kind.map(WatchKind::from);
    let rows = watched::list(&state.db, kind, asked.after.clone(), asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| (row.kind.clone(), row.address), Watched::from)))
}
