//! `GET /v1/heard`

use axum::{Json, extract::State};
use bursar_indexer::query::{Position, heard};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params},
    model::heard::Heard,
    page::{Asked, Page, PageLimit},
    wire::Addr,
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// From purses of this treasury.
    #[param(inline)]
    treasury: Option<Addr>,
    /// From purses of the envelope with this number.
    #[param(inline)]
    envelope: Option<EnvelopeNumber>,
    /// By this account.
    #[param(inline)]
    payer: Option<Addr>,
    /// To this payee.
    #[param(inline)]
    payee: Option<Addr>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// What was paid at the chain's head while the ledger is still far behind it, newest first: of purses that the ledger knows by now,
/// and of watched payers. Heard, and not in the ledger yet: the chain may take it back, and no decision is bound to it. Nothing is
/// heard of blocks before the indexer began to listen, and it keeps so many blocks only. A page after another may be shorter than
/// expected: the ledger takes over meanwhile. Ask for this before `/v1/payments` and `/v1/settlements`, and drop what is in both by
/// block and log index: the other way round, what is taken over in between is in neither answer.
#[utoipa::path(get, path = "/v1/heard", tag = "Payments", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Heard>), ListFailure))]
pub async fn list_heard(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Heard>>, ApiError> {
    let asked: Asked<Position> = Asked::new("heard", filter.cursor.as_deref(), filter.limit)?;
    let of = heard::Filter {
        treasury: filter.treasury.map(|address| address.0),
        envelope: filter.envelope.map(EnvelopeNumber::to_u32),
        payer: filter.payer.map(|address| address.0),
        payee: filter.payee.map(|address| address.0),
    };
    let rows = heard::list(&state.db, &of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| row.position, Heard::from)))
}
