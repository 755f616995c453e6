//! `GET /v1/access`

use axum::{Json, extract::State};
use bursar_indexer::query::accesses;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::Params,
    model::access::Access,
    page::{Asked, Page, PageLimit},
    wire::Addr,
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this treasury's things.
    #[param(inline)]
    treasury: Option<Addr>,
    /// By them: `key:ID`, `oidc:SUBJECT`, or `command-line`.
    by: Option<String>,
    /// This request: the `x-request-id` of its answer.
    request: Option<String>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Who asked what, the last kept first: also what was refused, once it was known who asked. What was asked a moment ago
/// is not kept yet. A service that is open keeps none.
#[utoipa::path(get, path = "/v1/access", tag = "Access", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Access>), ListFailure))]
pub async fn list_accesses(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Access>>, ApiError> {
    let asked = Asked::new("accesses", filter.cursor.as_deref(), filter.limit)?;
    let of = accesses::Filter {
        treasury: filter.treasury.map(|address| address.0),
        by: filter.by,
        request: filter.request,
    };
    let rows = accesses::list(&state.db, &of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| accesses::Key { seq: row.seq }, Access::from)))
}
