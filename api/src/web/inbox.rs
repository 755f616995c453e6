//! The approver's inbox: what waits, and what was answered before.

use alloy::primitives::{Address, B256};
use askama::Template;
use axum::{extract::State, response::Response};
use bursar_indexer::query::{
    approvals::{self, Filter},
    assets, decisions,
};

use super::{gather, rendered, view::Request};
use crate::{
    AppState,
    access::Caller,
    error::ApiError,
    extract::{Nothing, Params},
};

const OPEN: u32 = 50;
const ANSWERED: u32 = 20;

#[derive(Debug, Template)]
#[template(path = "approvals.html")]
struct Inbox {
    chain: String,
    chain_id: u64,
    /// Unix seconds.
    now: u64,
    open: Vec<Request>,
    more: bool,
    answered: Vec<Request>,
    version: &'static str,
}

/// The inbox.
pub(super) async fn inbox(
    State(state): State<AppState>,
    caller: Caller,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Response, ApiError> {
    let now = state.as_of().await?.now;
    let of = Filter { treasury: caller.treasury(), ..Filter::default() };
    let pending = Filter { state: Some((approvals::State::Pending, now)), ..of.clone() };
    let mut open = requests(&state, &pending, now, OPEN + 1).await?;
    let shown = usize::try_from(OPEN).unwrap_or(usize::MAX);
    let more = open.len() > shown;
    open.truncate(shown);
    let mut answered = requests(&state, &of, now, ANSWERED).await?;
    answered.retain(|request| request.state != "Pending");
    rendered(&Inbox {
        chain: state.config.chain_name.clone(),
        chain_id: state.config.chain_id,
        now,
        open,
        more,
        answered,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Requests in a line each, newest first.
pub(super) async fn requests(
    state: &AppState,
    filter: &Filter,
    now: u64,
    limit: u32,
) -> Result<Vec<Request>, ApiError> {
    let (db, config) = (&state.db, &state.config);
    let rows = approvals::list(db, filter, None, limit).await?;
    let purses: Vec<Address> = rows.iter().map(|row| row.request.purse).collect();
    let hashes: Vec<B256> = rows.iter().map(|row| row.request.decision_hash).collect();
    let (known, records) = (assets::of_purses(db, &purses).await?, decisions::records(db, &hashes).await?);
    let view = |row: &approvals::Approval| {
        let asset = known.get(&row.request.purse).map(|known| known.asset);
        let record = records.get(&row.request.decision_hash);
        gather::request(config, row, asset, record.map(|record| record.rationale.as_str()), now)
    };
    Ok(rows.iter().map(view).collect())
}
