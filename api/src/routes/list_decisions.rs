//! `GET /v1/decisions`

use axum::{Json, extract::State};
use bursar_indexer::query::{AmountRange, decisions};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params, Time, span},
    model::decision::Decision,
    page::{Asked, Page, PageLimit},
    wire::{Addr, Hash, Units, VerdictText},
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
    /// To this end.
    #[param(inline)]
    verdict: Option<VerdictText>,
    /// With a payment on chain, or without.
    settled: Option<bool>,
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

/// Decisions, newest first by the agents' own clocks.
#[utoipa::path(get, path = "/v1/decisions", tag = "Decisions", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Decision>), ListFailure))]
pub async fn list_decisions(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Decision>>, ApiError> {
    let asked = Asked::new("decisions", filter.cursor.as_deref(), filter.limit)?;
    let of = decisions::Filter {
        treasury: filter.treasury.map(|address| address.0),
        envelope: filter.envelope.map(EnvelopeNumber::to_u32),
        agent: filter.agent.map(|address| address.0),
        payee: filter.payee.map(|address| address.0),
        session: filter.session.map(|hash| hash.0),
        time: span(filter.from, filter.until),
        amount: AmountRange {
            min: filter.min_amount.map(|units| units.0),
            max: filter.max_amount.map(|units| units.0),
        },
        verdict: filter.verdict.map(Into::into),
        reason: None,
        settled: filter.settled,
    };
    let rows = decisions::list(&state.db, &of, asked.after, asked.fetch()).await?;
    let key =
        |row: &decisions::Decision| decisions::Key { created_at: row.record.created_at, hash: row.hash };
    Ok(Json(asked.page(rows, key, Decision::from)))
}
