//! `GET /v1/settlements`

use axum::{Json, extract::State};
use bursar_indexer::query::{Position, settlements};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState, AsOf,
    error::{ApiError, ListFailure},
    extract::{Params, Time, amounts, span},
    list::{self, Listed},
    model::{
        payment::{PaymentState, RailCode},
        settlement::Settlement,
    },
    page::{Asked, Page, PageLimit},
    past::{At, Height},
    wire::{Addr, Units},
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
    /// Settled in this way.
    #[param(inline)]
    rail: Option<RailCode>,
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
    /// As of this block: what the chain told up to it, and what had been handed in by its time.
    #[param(inline)]
    as_of: Option<Height>,
    /// As of this time (inclusive, unix seconds).
    #[param(inline)]
    as_of_time: Option<Time>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

impl Listed for Filter {
    const NAME: &'static str = "settlements";
    type Row = settlements::Settlement;
    type Key = Position;

    fn asked(&self) -> Result<Asked<Self::Key>, ApiError> {
        list::asked::<Self>(self.cursor.as_deref(), self.limit)
    }

    fn at(&self) -> Result<Option<At>, ApiError> {
        At::of(self.as_of, self.as_of_time)
    }

    async fn rows(
        &self,
        state: &AppState,
        as_of: &AsOf,
        after: Option<Self::Key>,
        limit: u32,
    ) -> Result<Vec<Self::Row>, ApiError> {
        let (up_to_block, beyond_block) = PaymentState::blocks(self.state, as_of.settled());
        let past = as_of.past().map(|past| past.height);
        let up_to_block = up_to_block.into_iter().chain(past).min();
        let of = settlements::Filter {
            payer: self.payer.as_ref().map(|address| address.0),
            payee: self.payee.as_ref().map(|address| address.0),
            rail: self.rail.map(RailCode::code),
            time: span(self.from, self.until),
            amount: amounts(self.min_amount.as_ref(), self.max_amount.as_ref()),
            up_to_block,
            beyond_block,
        };
        Ok(settlements::list(&state.db, &of, after, limit).await?)
    }

    fn key(row: &Self::Row) -> Self::Key {
        row.position
    }
}

/// What watched payers paid outside any envelope, newest first. Payments from purses are in `/v1/payments`.
#[utoipa::path(get, path = "/v1/settlements", tag = "Watched", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Settlement>), ListFailure))]
pub async fn list_settlements(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Settlement>>, ApiError> {
    let as_of = list::as_of(&state, &filter).await?;
    let page = list::page(&state, &filter, &as_of).await?;
    Ok(Json(page.map(|row| Settlement::new(row, as_of.settled()))))
}
