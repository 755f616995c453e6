//! `GET /v1/payments`

use axum::{Json, extract::State};
use bursar_indexer::query::{AmountRange, payments};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time, span},
    model::payment::{Payment, PaymentState},
    page::{Asked, Page, PageLimit},
    wire::{Addr, Hash, Units},
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
    /// Of this agent.
    #[param(inline)]
    agent: Option<Addr>,
    /// To this payee.
    #[param(inline)]
    payee: Option<Addr>,
    /// In this session.
    #[param(inline)]
    session: Option<Hash>,
    /// In this transaction.
    #[param(inline)]
    tx: Option<Hash>,
    /// Whether the chain may still take it back.
    #[param(inline)]
    state: Option<PaymentState>,
    /// With a known decision record, or without.
    explained: Option<bool>,
    /// From this time (inclusive, unix seconds).
    #[param(inline)]
    from: Option<Time>,
    /// Until this time (exclusive, unix seconds).
    #[param(inline)]
    until: Option<Time>,
    /// At least this much, in atomic units.
    #[param(inline)]
    min_amount: Option<Units>,
    /// At most this much, in atomic units.
    #[param(inline)]
    max_amount: Option<Units>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Payments, newest first, each with the decision it committed to.
#[utoipa::path(get, path = "/v1/payments", tag = "Payments", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Payment>), ListFailure))]
pub async fn list_payments(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Payment>>, ApiError> {
    let asked = Asked::new("payments", filter.cursor.as_deref(), filter.limit)?;
    let last = state.as_of().await?.final_block();
    let (up_to_block, beyond_block) = PaymentState::blocks(filter.state, last);
    let of = payments::Filter {
        treasury: filter.treasury.map(|address| address.0),
        envelope: filter.envelope.map(EnvelopeNumber::to_u32),
        agent: filter.agent.map(|address| address.0),
        payee: filter.payee.map(|address| address.0),
        session: filter.session.map(|hash| hash.0),
        tx_hash: filter.tx.map(|hash| hash.0),
        time: span(filter.from, filter.until),
        amount: AmountRange {
            min: filter.min_amount.map(|units| units.0),
            max: filter.max_amount.map(|units| units.0),
        },
        explained: filter.explained,
        up_to_block,
        beyond_block,
    };
    let rows = payments::list(&state.db, &of, asked.after, asked.fetch()).await?;
    Ok(Json(asked.page(rows, |row| row.position, |row| Payment::new(row, last))))
}
