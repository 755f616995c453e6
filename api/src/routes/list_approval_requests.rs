//! `GET /v1/approval-requests`

use axum::{Json, extract::State};
use bursar_indexer::query::approvals;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState, AsOf,
    error::{ApiError, ListFailure},
    extract::{Params, Time, amounts, span},
    list::{self, Listed},
    model::approval::{ApprovalRequest, ApprovalState},
    page::{Asked, Page, PageLimit},
    past::{At, Height},
    wire::{Addr, Units},
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this treasury.
    #[param(inline)]
    treasury: Option<Addr>,
    /// Of this purse.
    #[param(inline)]
    purse: Option<Addr>,
    /// Asked by this agent.
    #[param(inline)]
    agent: Option<Addr>,
    /// To this payee.
    #[param(inline)]
    payee: Option<Addr>,
    /// Standing there now, or then, where that is asked.
    #[param(inline)]
    state: Option<ApprovalState>,
    /// Asked from this time on (inclusive, unix seconds).
    #[param(inline)]
    from: Option<Time>,
    /// Asked before this time (exclusive, unix seconds).
    #[param(inline)]
    until: Option<Time>,
    /// Over at least this much, in atomic units.
    #[param(inline)]
    min_amount: Option<Units>,
    /// Over at most this much, in atomic units.
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
    const NAME: &'static str = "approval-requests";
    type Row = approvals::Approval;
    type Key = approvals::Key;

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
        let of = approvals::Filter {
            treasury: self.treasury.as_ref().map(|address| address.0),
            purse: self.purse.as_ref().map(|address| address.0),
            agent: self.agent.as_ref().map(|address| address.0),
            payee: self.payee.as_ref().map(|address| address.0),
            nonce: None,
            requested: span(self.from, self.until),
            amount: amounts(self.min_amount.as_ref(), self.max_amount.as_ref()),
            state: self.state.map(|state| (state.into(), as_of.now)),
            past: as_of.past(),
        };
        Ok(approvals::list(&state.db, &of, after, limit).await?)
    }

    fn key(row: &Self::Row) -> Self::Key {
        approvals::Key { requested_at: row.requested_at, digest: row.request.digest }
    }
}

/// Approval requests, newest first. `state=pending` is the inbox.
#[utoipa::path(get, path = "/v1/approval-requests", tag = "Approvals", params(Filter),
    responses((status = 200, description = "A page.", body = Page<ApprovalRequest>), ListFailure))]
pub async fn list_approval_requests(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<ApprovalRequest>>, ApiError> {
    let as_of = list::as_of(&state, &filter).await?;
    let page = list::page(&state, &filter, &as_of).await?;
    Ok(Json(page.map(|row| ApprovalRequest::new(row, state.config.chain_id, as_of.now))))
}
