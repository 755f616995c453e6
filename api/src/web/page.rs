//! The overview page's handler.

use std::sync::Arc;

use alloy::primitives::Address;
use axum::{extract::State, response::Response};
use bursar_indexer::query::{
    COUNTED, alerts, approvals, decisions, heard, ledger, payments, refusals, scores, stops, treasuries,
};
use bursar_sdk::decision::Verdict;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    envelope, fleet, gather, inbox, rendered,
    text::{counted, when},
    view::{Agent, Heard, Organisation, Overview},
};
use crate::{
    AppState, AsOf,
    access::Caller,
    error::ApiError,
    extract::{Nothing, Params},
    model::status::Status,
};

const PAYMENTS: u32 = 20;
const REFUSALS: u32 = 10;
const STOPS: u32 = 10;
const APPROVALS: u32 = 10;
const ALERTS: u32 = 10;
const ALERTS_OF_AGENT: u32 = 3;
const TREASURIES: u32 = 100;
/// Curves that are read at the same time: some of a database's connections, so that other pages have theirs.
const CURVES: usize = 4;

/// The overview page.
pub(super) async fn overview(
    State(state): State<AppState>,
    caller: Caller,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Response, ApiError> {
    rendered(&gathered(&state, caller.treasury()).await?)
}

/// Of a treasury, or of all.
async fn gathered(state: &AppState, treasury: Option<Address>) -> Result<Overview, ApiError> {
    let (db, config) = (&state.db, &*state.config);
    let as_of = state.as_of().await?;
    let status = Status::new(state, &as_of);
    // Before the books: what the ledger takes over meanwhile is then in both rather than in neither.
    let heard = heard::span(db, treasury).await?;
    let fleet = fleet::most_urgent(db, treasury, as_of.now).await?;
    let (rows, rooms) = (&fleet.rows, &fleet.rooms);
    let (refused, scores) = (refusals::of_all(db, rows).await?, scores::of_all(db, rows).await?);
    let raised = alerts::standing(db, rows, as_of.now, ALERTS_OF_AGENT).await?;
    let reading = rows.iter().map(async |row| {
        let key = (row.treasury, row.number);
        let rooms = rooms.get(&key).map(Vec::as_slice).unwrap_or_default();
        let refused = refused.get(&key).copied().unwrap_or_default();
        let alerts = raised.get(&key).map(Vec::as_slice).unwrap_or_default();
        let agent = gather::agent(config, row, rooms, refused, scores.get(&key), alerts, as_of.now);
        let curve = envelope::curve_of_many(state, row, rooms, as_of.now).await?;
        Ok::<_, ApiError>(Agent { curve, ..agent })
    });
    let reading: Vec<_> = reading.collect();
    let agents = stream::iter(reading).buffered(CURVES).try_collect().await?;
    let standing = alerts::Filter { treasury, open: Some(true), ..Default::default() };
    let mut alerts = alerts::list(db, &standing, as_of.now, None, ALERTS + 1).await?;
    let shown = usize::try_from(ALERTS).unwrap_or(usize::MAX);
    let more_alerts = alerts.len() > shown;
    alerts.truncate(shown);
    let totals = match treasury {
        None => state.books.totals(db).await?,
        treasury => Arc::new(ledger::totals(db, treasury, None).await?),
    };
    let settled = as_of.settled();
    let payments =
        payments::list(db, &payments::Filter { treasury, ..Default::default() }, None, PAYMENTS).await?;
    let denied = decisions::Filter { treasury, verdict: Some(Verdict::Denied), ..Default::default() };
    let refusals = decisions::list(db, &denied, None, REFUSALS).await?;
    let stops = stops::list(db, &stops::Filter { treasury, ..Default::default() }, None, STOPS).await?;
    let treasuries = treasuries::list(db, treasury, None, TREASURIES).await?;
    let frozen = treasuries.iter().filter(|treasury| treasury.frozen);
    Ok(Overview {
        chain: config.chain_name.clone(),
        chain_id: config.chain_id,
        block: status.indexed,
        head: status.head,
        block_at: status.indexed_at.map(when),
        problem: status.problem,
        heard: heard.map(Heard::from),
        explorer: gather::explorer(config),
        treasuries: treasuries
            .iter()
            .map(|row| Organisation { named: gather::named(config, row.address), frozen: row.frozen })
            .collect(),
        organisations_frozen: frozen.map(|treasury| gather::named(config, treasury.address)).collect(),
        totals: totals.iter().map(|(asset, total)| gather::total(config, *asset, total)).collect(),
        refused: counted(refusals::count(db, treasury, COUNTED + 1).await?),
        agents,
        more_agents: fleet.more,
        approvals: pending(state, treasury, &as_of).await?,
        alerts: alerts.iter().map(|alert| gather::alert(config, alert)).collect(),
        more_alerts,
        payments: payments.iter().map(|row| gather::payment(config, row, settled)).collect(),
        refusals: refusals.iter().map(|row| gather::refusal(config, row)).collect(),
        stops: stops.iter().map(|row| gather::stop(config, row)).collect(),
        version: status.version,
    })
}

async fn pending(
    state: &AppState,
    treasury: Option<Address>,
    as_of: &AsOf,
) -> Result<Vec<super::view::Request>, ApiError> {
    let standing = Some((approvals::State::Pending, as_of.now));
    let waiting = approvals::Filter { treasury, state: standing, ..Default::default() };
    inbox::requests(state, &waiting, as_of.now, APPROVALS).await
}
