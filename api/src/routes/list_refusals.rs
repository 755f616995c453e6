//! `GET /v1/refusals`

use axum::{Json, extract::State};
use bursar_indexer::query::decisions;
use bursar_sdk::decision::Verdict;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState, AsOf,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time, amounts, span},
    list::{self, Listed},
    model::decision::Decision,
    page::{Asked, Page, PageLimit},
    past::{At, Height},
    wire::{Addr, Hash, Reason, Units},
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
    /// Refused first of all for this.
    #[param(inline)]
    reason: Option<Reason>,
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
    const NAME: &'static str = "refusals";
    type Row = decisions::Decision;
    type Key = decisions::Key;

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
        let of = decisions::Filter {
            treasury: self.treasury.as_ref().map(|address| address.0),
            envelope: self.envelope.map(EnvelopeNumber::to_u32),
            agent: self.agent.as_ref().map(|address| address.0),
            payee: self.payee.as_ref().map(|address| address.0),
            session: self.session.as_ref().map(|hash| hash.0),
            time: span(self.from, self.until),
            amount: amounts(self.min_amount.as_ref(), self.max_amount.as_ref()),
            verdict: Some(Verdict::Denied),
            reason: self.reason.as_ref().map(|reason| reason.0),
            settled: None,
            past: as_of.past(),
        };
        Ok(decisions::list(&state.db, &of, after, limit).await?)
    }

    fn key(row: &Self::Row) -> Self::Key {
        decisions::Key { created_at: row.record.created_at, hash: row.hash }
    }
}

/// Refusals, newest first: what agents wanted to pay, were told not to, and did not sign.
#[utoipa::path(get, path = "/v1/refusals", tag = "Decisions", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Decision>), ListFailure))]
pub async fn list_refusals(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Decision>>, ApiError> {
    let as_of = list::as_of(&state, &filter).await?;
    let page = list::page(&state, &filter, &as_of).await?;
    Ok(Json(page.map(Decision::from)))
}
