//! `GET /v1/payees`

use axum::{Json, extract::State};
use bursar_indexer::query::payees;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{Params, Short},
    model::treasury::ListedPayee,
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
    /// On the list with this number.
    #[param(inline)]
    list: Option<Short>,
    /// This payee.
    #[param(inline)]
    payee: Option<Addr>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Payees that policies and sessions may refer to, by treasury and list.
#[utoipa::path(get, path = "/v1/payees", tag = "Policies", params(Filter),
    responses((status = 200, description = "A page.", body = Page<ListedPayee>), ListFailure))]
pub async fn list_payees(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<ListedPayee>>, ApiError> {
    let asked = Asked::new("payees", filter.cursor.as_deref(), filter.limit)?;
    let of = payees::Filter {
        treasury: filter.treasury.map(|address| address.0),
        list: filter.list.map(Short::to_u16),
        payee: filter.payee.map(|address| address.0),
    };
    let rows = payees::list(&state.db, &of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| (row.treasury, row.list, row.payee), ListedPayee::from)))
}
