//! `GET /v1/settlements`

use axum::{Json, extract::State};
use bursar_indexer::query::settlements;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{Params, Time, span},
    model::{payment::PaymentState, settlement::Settlement},
    page::{Asked, Page, PageLimit},
    wire::Addr,
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// By this account.
    #[param(inline)]
    payer: Option<Addr>,
    /// To this payee.
    #[param(inline)]
    payee: Option<Addr>,
    /// Whether the chain may still take it back.
    #[param(inline)]
    state: Option<PaymentState>,
    /// From this time (inclusive, unix seconds).
    #[param(inline)]
    from: Option<Time>,
    /// Until this time (exclusive, unix seconds).
    #[param(inline)]
    until: Option<Time>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// What watched payers paid outside any envelope, newest first. Payments from purses are in `/v1/payments`.
#[utoipa::path(get, path = "/v1/settlements", tag = "Watched", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Settlement>), ListFailure))]
pub async fn list_settlements(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Settlement>>, ApiError> {
    let asked = Asked::new("settlements", filter.cursor.as_deref(), filter.limit)?;
    let last = state.as_of().await?.final_block();
    let (up_to_block, beyond_block) = PaymentState::blocks(filter.state, last);
    let of = settlements::Filter {
        payer: filter.payer.map(|address| address.0),
        payee: filter.payee.map(|address| address.0),
        time: span(filter.from, filter.until),
        up_to_block,
        beyond_block,
    };
    let rows = settlements::list(&state.db, &of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| row.position, |row| Settlement::new(row, last))))
}
