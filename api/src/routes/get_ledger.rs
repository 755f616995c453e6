//! `GET /v1/ledger`

use std::sync::Arc;

use axum::{Json, extract::State};
use bursar_indexer::query::{envelopes, heard, ledger, refusals, scores, set_aside};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::Params,
    model::{
        ledger::{AssetTotal, Ledger, Line},
        score::ScoreBrief,
    },
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
    /// Of this agent.
    #[param(inline)]
    agent: Option<Addr>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// The books: per agent funded, drawn, paid, refused, left and its score; and totals per token.
#[utoipa::path(get, path = "/v1/ledger", tag = "Ledger", params(Filter),
    responses((status = 200, description = "The books.", body = Ledger), ListFailure))]
pub async fn get_ledger(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Ledger>, ApiError> {
    let asked = Asked::new("ledger", filter.cursor.as_deref(), filter.limit)?;
    let as_of = state.as_of().await?;
    let treasury = filter.treasury.map(|address| address.0);
    let of =
        envelopes::Filter { treasury, agent: filter.agent.map(|address| address.0), ..Default::default() };
    // Before the books: what the ledger takes over meanwhile is then in both rather than in neither.
    let (heard, set_aside) = match of.agent {
        None => (heard::span(&state.db, treasury).await?, Some(set_aside::count(&state.db, treasury).await?)),
        // Whose an envelope is at the head, the ledger does not know yet; nor whose a log is that makes no sense.
        Some(_) => (None, None),
    };
    let rows = envelopes::list(&state.db, &of, asked.after, asked.fetch()).await?;
    let page = asked.page(rows, |row| (row.treasury, row.number), |row| row);
    let refused = refusals::of_all(&state.db, &page.items).await?;
    let scores = scores::of_all(&state.db, &page.items).await?;
    let line = |row: &envelopes::Envelope| {
        let key = (row.treasury, row.number);
        let score = scores.get(&key).map(|score| ScoreBrief::new(row, score, as_of.now));
        Line::new(row, refused.get(&key).copied().unwrap_or_default(), score)
    };
    let lines = page.items.iter().map(line).collect();
    let totals = match (treasury, of.agent) {
        (None, None) => state.books.totals(&state.db).await?,
        (treasury, agent) => Arc::new(ledger::totals(&state.db, treasury, agent).await?),
    };
    Ok(Json(Ledger {
        heard: heard.map(Into::into),
        set_aside,
        as_of_block: as_of.checkpoint.map(|checkpoint| checkpoint.number),
        totals: totals.iter().map(|(asset, total)| AssetTotal::new(*asset, total)).collect(),
        lines: Page { items: lines, next: page.next, as_of: None },
    }))
}
